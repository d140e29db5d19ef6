package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const comments = "/repos/o/r/issues/1/comments"

// tokenPolicy is what a comment on o/r#1 needs.
func tokenPolicy(origin string) Policy {
	return Policy{
		Origin: origin,
		Paths:  []string{"POST " + comments, "GET " + comments + "?per_page&page"},
		Credential: func(context.Context, *http.Request) (string, string, error) {
			return "Authorization", "Bearer secret-token", nil
		},
		MaxRedirects: 5,
	}
}

// The token goes to its origin and path and nowhere else, whatever URL comes.
func TestTheTokenNeverLeavesItsOrigin(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.hosts = testNames()
	for _, name := range []string{"api.github.com", "api.github.com.evil.ssrf.test", "api-github.com", "xn--pi-7cc.github.com", "xapi.github.com.evil.ssrf.test", "raw.githubusercontent.com"} {
		l.hosts[name] = []string{public}
	}
	l.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s got %q", r.Host, r.URL, r.Header.Get("Authorization"))
	})
	c, err := l.Client(tokenPolicy("https://api.github.com"))
	if err != nil {
		t.Fatal(err)
	}
	lines := corpus(t, "testdata/ssrf-token-urls.tsv")
	for _, line := range lines {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, raw := range []string{line[1], strings.Replace(line[1], "https://", "http://", 1)} {
				req, err := http.NewRequestWithContext(t.Context(), method, raw, nil)
				if err != nil {
					continue // it is not even a URL
				}
				if resp, err := c.Do(req); err == nil {
					resp.Body.Close()
					t.Errorf("%s %s was sent", method, raw)
				} else if !errors.Is(err, ErrBlocked) {
					t.Errorf("%s %s: %v, want ErrBlocked", method, raw, err)
				}
			}
		}
	}
	if len(l.reached) > 0 {
		t.Errorf("connections left for %v", l.reached)
	}
}

// serve starts a server and an egress that may reach it.
func serve(t *testing.T, h http.Handler) (*Egress, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Allow: []string{u.Host}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, srv.URL
}

func TestTheTokenReachesItsOrigin(t *testing.T) {
	t.Parallel()
	got := make(chan string, 4)
	e, origin := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization")
	}))
	c, err := e.Client(tokenPolicy(origin))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Get(origin + comments + "?per_page=100&page=2")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := "GET " + comments + "?per_page=100&page=2 Bearer secret-token"; <-got != want {
		t.Errorf("want %s", want)
	}
}

func TestPathsThatDoNotMatch(t *testing.T) {
	t.Parallel()
	e, origin := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.URL) }))
	c, err := e.Client(tokenPolicy(origin))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"", "/", "/repos/o/r/issues/1/comments/", "/repos/o/r/issues/1//comments", "/repos/o/r/issues/1/./comments", "/x/..%2frepos/o/r/issues/1/comments",
		"/x/../repos/o/r/issues/1/comments", "/repos/o/r/issues/1/comments?page=1&page=2", "/repos/o/r/issues/1/comments?access_token=x", "/repos/o/r/issues/1/comments?page=1;x=2",
		"/repos/O/r/issues/1/comments", "/repos/o/r/issues/1/comment%73", "/repos/o/r/issues/1/comments#x", "/repos/o/r/issues/1/comments/2",
	} {
		if resp, err := c.Get(origin + path); err == nil {
			resp.Body.Close()
			t.Errorf("%q was sent", path)
		} else if !errors.Is(err, ErrBlocked) {
			t.Errorf("%q: %v", path, err)
		}
	}
	req, err := http.NewRequest(http.MethodDelete, origin+comments, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(req); !errors.Is(err, ErrBlocked) {
		t.Errorf("DELETE: %v, want ErrBlocked", err)
	}
	req, err = http.NewRequest(http.MethodPost, origin+comments, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "other.example"
	if _, err := c.Do(req); !errors.Is(err, ErrBlocked) {
		t.Errorf("another Host: %v, want ErrBlocked", err)
	}
}

// A redirect within the origin may not lead the token to another path, one to
// another origin may not carry anything.
func TestRedirects(t *testing.T) {
	t.Parallel()
	foreign := make(chan http.Header, 4)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { foreign <- r.Header.Clone() }))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case comments:
			http.Redirect(w, r, "/user/keys", http.StatusFound)
		case "/away":
			http.Redirect(w, r, other.URL+"/x", http.StatusTemporaryRedirect)
		default:
			t.Errorf("%s was called", r.URL)
		}
	}))
	defer srv.Close()
	e, err := New(Options{Allow: []string{mustParse(t, srv.URL).Host, mustParse(t, other.URL).Host}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	bound, err := e.Client(tokenPolicy(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bound.Get(srv.URL + comments); !errors.Is(err, ErrBlocked) {
		t.Errorf("a redirect to another path: %v, want ErrBlocked", err)
	}
	post, err := bound.Post(srv.URL+comments, "text/plain", strings.NewReader("x"))
	if err != nil || post.StatusCode != http.StatusFound {
		t.Errorf("a POST that is redirected: %v, %v; want the 302 itself", post, err)
	} else {
		post.Body.Close()
	}

	free, err := e.Client(Policy{MaxRedirects: 3})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, srv.URL+"/away?secret=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Custom-Token", "secret")
	req.Header.Set("Accept", "text/plain")
	resp, err := free.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	h := <-foreign
	if h.Get("X-Custom-Token") != "" || h.Get("Referer") != "" || h.Get("Accept") != "text/plain" {
		t.Errorf("the other origin saw %v", h)
	}
}

func TestRedirectsStopAtTheLimitAndAtPlainHTTP(t *testing.T) {
	t.Parallel()
	b := &bound{policy: Policy{MaxRedirects: 2}}
	at := func(raw string) *http.Request {
		req := httptest.NewRequest(http.MethodGet, raw, nil)
		return req
	}
	via := []*http.Request{at("https://a.example/")}
	if err := b.redirect(at("https://a.example/2"), via); err != nil {
		t.Errorf("the first redirect: %v", err)
	}
	if err := b.redirect(at("http://a.example/2"), via); !errors.Is(err, ErrBlocked) {
		t.Errorf("https to http: %v, want ErrBlocked", err)
	}
	via = append(via, via[0], via[0])
	if err := b.redirect(at("https://a.example/3"), via); !errors.Is(err, ErrBlocked) {
		t.Errorf("the third redirect: %v, want ErrBlocked", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 50<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	e, origin := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes()) // the client may have left
		case "/exact":
			_, _ = w.Write(make([]byte, 1000))
		case "/more":
			_, _ = w.Write(make([]byte, 1001))
		}
	}))
	c, err := e.Client(Policy{MaxBytes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{"/bomb": ErrTooLarge, "/exact": nil, "/more": ErrTooLarge, "/": nil} {
		resp, err := c.Get(origin + path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !errors.Is(err, want) || len(data) > 1000 {
			t.Errorf("%s: %d bytes, %v; want at most 1000 and %v", path, len(data), err, want)
		}
	}
}

func TestTheTimeoutCutsASilentServer(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	e, origin := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(hang) })
	c, err := e.Client(Policy{Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(origin); err == nil {
		t.Error("a silent server was waited for")
	}
}

func TestPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	e, err := New(Options{Allow: []string{"127.0.0.1:9000"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	header := http.Header{"Authorization": {"x"}}
	for name, p := range map[string]Policy{
		"header without origin": {Header: header},
		"paths without origin":  {Paths: []string{"/x"}},
		"origin with path":      {Origin: "https://api.github.com/v3"},
		"origin with user":      {Origin: "https://a:b@api.github.com"},
		"origin of ftp":         {Origin: "ftp://api.github.com"},
		"no origin":             {Origin: "api.github.com"},
		"token in the clear":    {Origin: "http://api.github.com", Header: header},
		"https only":            {Origin: "http://api.github.com", HTTPSOnly: true},
		"relative path":         {Origin: "https://api.github.com", Paths: []string{"GET x"}},
		"unclean path":          {Origin: "https://api.github.com", Paths: []string{"/a/../b"}},
		"rest in the middle":    {Origin: "https://api.github.com", Paths: []string{"/a/{b...}/c"}},
	} {
		if _, err := e.Client(p); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if _, err := e.Client(Policy{Origin: "http://127.0.0.1:9000", Header: header, HTTPSOnly: true}); err != nil {
		t.Errorf("a listed origin: %v", err)
	}
	free, err := e.Client(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, "https://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	if _, err := free.Do(req); !errors.Is(err, ErrBlocked) {
		t.Errorf("a credential without an origin: %v, want ErrBlocked", err)
	}
}

func TestTheCallersRequestIsLeftAlone(t *testing.T) {
	t.Parallel()
	e, origin := serve(t, http.NotFoundHandler())
	c, err := e.Client(tokenPolicy(origin))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, origin+comments, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if req.Header.Get("Authorization") != "" {
		t.Error("the token is left in the caller's request")
	}
	if resp.Request.Header.Get("Authorization") != "" {
		t.Error("the token is left in the answer's request")
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, file := range []string{"testdata/ssrf-urls.tsv", "testdata/ssrf-token-urls.tsv"} {
		for _, line := range corpus(f, file) {
			f.Add(line[1])
		}
	}
	f.Add("https://example.com/a?b=c")
	f.Add("https://bücher.example/")
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := e.CheckURL(raw)
		if err != nil {
			if !errors.Is(err, ErrBlocked) {
				t.Errorf("%q: %v does not wrap ErrBlocked", raw, err)
			}
			return
		}
		if u.Scheme != "https" || u.User != nil || u.Port() != "" || u.Host != strings.ToLower(u.Host) || !isASCII(u.Host) {
			t.Errorf("%q became %v", raw, u)
		}
		again, err := e.CheckURL(u.String()) // what was taken is taken again and stays what it is
		if err != nil || again.String() != u.String() {
			t.Errorf("%q became %q, then %v, %v", raw, u, again, err)
		}
	})
}
