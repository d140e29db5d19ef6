package egress

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// get asks for a URL as a fetch step would that may go anywhere public.
func get(t *testing.T, l *lab, p Policy, raw string) error {
	t.Helper()
	c, err := l.Client(p)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// The corpus is fetched as loosely as a policy can be: plain http, redirects
// followed. Each URL twice, for names that answer differently then.
func TestNoURLOfTheCorpusGetsThrough(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.hosts, l.handler = testNames(), redirector()
	lines := corpus(t, "testdata/ssrf-urls.tsv")
	if len(lines) < 90 {
		t.Fatalf("%d URLs in the corpus", len(lines))
	}
	for _, line := range lines {
		for range 2 {
			if err := get(t, l, Policy{MaxRedirects: 10}, line[1]); err == nil {
				t.Errorf("%s %s was fetched", line[0], line[1])
			}
		}
		if _, err := l.CheckURL(line[1]); err == nil {
			t.Errorf("CheckURL takes %s %s", line[0], line[1])
		}
	}
	if leaks := l.leaks(); len(leaks) > 0 {
		t.Errorf("connections left for %v", leaks)
	}
}

// The control: what is public is reached, so that the test above means
// something.
func TestWhatIsPublicIsReached(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.hosts, l.handler = testNames(), redirector()
	for _, raw := range []string{
		"http://public.ssrf.test/", "http://PUBLIC.ssrf.test:80/x?y=z", "http://" + public + "/",
		"http://redirect.ssrf.test/301?to=http://public.ssrf.test/", "http://redirect.ssrf.test/chain?n=3",
	} {
		if err := get(t, l, Policy{MaxRedirects: 3}, raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if len(l.reached) == 0 {
		t.Error("nothing was dialled: the lab does not see connections")
	}
}

// A name that is public when it is checked and private when it is dialled.
func TestRebindingIsSeenAtTheDial(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.hosts = testNames()
	for range 3 {
		err := get(t, l, Policy{}, "http://rebind.ssrf.test/")
		if !errors.Is(err, ErrBlocked) && !errors.Is(err, errConnected) {
			t.Errorf("got %v, want ErrBlocked", err)
		}
	}
	if leaks := l.leaks(); len(leaks) > 0 {
		t.Errorf("connections left for %v", leaks)
	}
}

// A name that is public and private at once is not called at all.
func TestAMixedNameIsATrick(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.hosts, l.handler = testNames(), redirector()
	if err := get(t, l, Policy{}, "http://mixed.ssrf.test/"); !errors.Is(err, ErrBlocked) {
		t.Errorf("got %v, want ErrBlocked", err)
	}
	if len(l.reached) > 0 {
		t.Errorf("connections left for %v", l.reached)
	}
}

// The same machinery without the guard must leak: the negative control of the
// corpus.
func TestTheLabSeesLeaks(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{Allow: []string{"0.0.0.0/0", "::/0"}})
	l.hosts, l.handler = testNames(), redirector()
	for _, line := range corpus(t, "testdata/ssrf-urls.tsv") {
		_ = get(t, l, Policy{MaxRedirects: 10}, line[1]) // whether it works is not the question
	}
	if leaks := l.leaks(); len(leaks) < 20 {
		t.Errorf("an open guard leaks %d times, want dozens", len(leaks))
	}
}

func TestAllowOpensNothingElse(t *testing.T) {
	t.Parallel()
	hosts := map[string][]string{
		"ci.internal": {"10.9.9.9"}, "other.internal": {"10.9.9.9"}, "meta.internal": {"169.254.169.254"}, "in.range": {"10.1.2.3"},
		"zero.internal": {"0.0.0.0"}, "aws.internal": {"fd00:ec2::254"},
	}
	for allow, tc := range map[string]struct{ open, shut []string }{
		"127.0.0.1:9000":     {[]string{"http://127.0.0.1:9000/"}, []string{"http://127.0.0.1/", "http://127.0.0.1:9001/", "http://127.0.0.2:9000/", "http://[::1]:9000/", "http://10.9.9.9:9000/"}},
		"10.1.0.0/16":        {[]string{"http://10.1.2.3/", "http://10.1.2.3:8443/", "http://in.range/"}, []string{"http://10.2.0.1/", "http://127.0.0.1/", "http://ci.internal/"}},
		"10.1.0.0/16:443":    {[]string{"https://10.1.2.3/"}, []string{"http://10.1.2.3/", "http://10.1.2.3:8443/"}},
		"10.9.9.9":           {[]string{"http://10.9.9.9:5000/", "http://ci.internal/"}, []string{"http://10.9.9.8/", "http://in.range/"}},
		"ci.internal:8080":   {[]string{"http://ci.internal:8080/", "http://CI.internal:8080/x"}, []string{"http://ci.internal/", "http://10.9.9.9:8080/", "http://other.internal:8080/", "http://x.ci.internal:8080/"}},
		"meta.internal:80":   {nil, []string{"http://meta.internal/", "http://169.254.169.254/"}},
		"zero.internal:80":   {nil, []string{"http://zero.internal/"}},
		"aws.internal:80":    {nil, []string{"http://aws.internal/"}},
		"[::1]:9000":         {[]string{"http://[::1]:9000/"}, []string{"http://127.0.0.1:9000/", "http://[::1]/"}},
		"fd00::/8":           {[]string{"http://[fd00::7]/"}, []string{"http://[fc00::7]/", "http://[::1]/"}},
		"169.254.169.254:80": {[]string{"http://169.254.169.254/", "http://meta.internal/"}, []string{"http://169.254.170.2/"}},
	} {
		t.Run(allow, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, Options{Allow: []string{allow}})
			l.hosts = hosts
			for _, raw := range tc.open {
				if err := get(t, l, Policy{}, raw); !errors.Is(err, errConnected) {
					t.Errorf("%s: got %v, want a connection", raw, err)
				}
			}
			l.reached = nil
			for _, raw := range tc.shut {
				if err := get(t, l, Policy{}, raw); !errors.Is(err, ErrBlocked) && !noSuchHost(err) {
					t.Errorf("%s: got %v, want ErrBlocked", raw, err)
				}
			}
			if len(l.reached) > 0 {
				t.Errorf("connections left for %v", l.reached)
			}
		})
	}
}

func noSuchHost(err error) bool { return err != nil && strings.Contains(err.Error(), "no such host") }

func TestEntriesThatAreNoDestination(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"", "example.com", "example.com:", "example.com:0", "example.com:99999", "http://x:80", "10.0.0.0/33", "::ffff:10.0.0.0/104", "*:80", "*.example.com:443", "fe80::1%eth0", "a b:80", ":80"} {
		if _, err := New(Options{Allow: []string{entry}}); err == nil {
			t.Errorf("%q was taken", entry)
		}
	}
}

func TestProxiesAreUsedOnlyIfConfigured(t *testing.T) {
	used := make(chan string, 8)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { used <- r.URL.String() }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	for setting, want := range map[string]int{"": 0, "environment": 1, proxy.URL: 1} {
		e, err := New(Options{Proxy: setting})
		if err != nil {
			t.Fatal(err)
		}
		if setting == "" { // nothing may leave: the name does not exist
			l := newLab(t, Options{})
			e = l.Egress
		}
		l := &lab{Egress: e}
		_ = get(t, l, Policy{}, "http://name.invalid/x") // whether it answers is the proxy's affair
		if err := get(t, l, Policy{}, "http://127.0.0.1/"); !errors.Is(err, ErrBlocked) {
			t.Errorf("proxy %q: a private address is asked for: %v", setting, err)
		}
		if got := len(used); got != want {
			t.Errorf("proxy %q: used %d times, want %d", setting, got, want)
		}
		for len(used) > 0 {
			<-used
		}
		e.Close()
	}
	for _, bad := range []string{"proxy:3128", "ftp://x:1", "http://", "::"} {
		if _, err := New(Options{Proxy: bad}); err == nil {
			t.Errorf("proxy %q was taken", bad)
		}
	}
}

func TestErrorsForOutsidersAreAllAlike(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.hosts = testNames()
	texts := map[string]bool{}
	for _, raw := range []string{"http://loop.ssrf.test/", "http://absent.ssrf.test/", "http://public.ssrf.test/secret?token=t", "http://127.0.0.1/", "http://public.ssrf.test:22/"} {
		err := get(t, l, Policy{}, raw)
		texts[Outside(err)] = true
		if strings.Contains(Detail(err), "token") {
			t.Errorf("the detail shows the query: %s", Detail(err))
		}
	}
	if len(texts) != 1 {
		t.Errorf("outsiders can tell failures apart: %v", texts)
	}
}
