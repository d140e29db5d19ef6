package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/internal/api"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(wholeJob()), nil)
	for _, tt := range []struct {
		name, header string
		status       int
		code         string
	}{
		{"the key", "Bearer " + testKey, 200, ""},
		{"another of the keys", "bearer some-other-key-12", 200, ""},
		{"none", "", 401, "key_missing"},
		{"empty", "Bearer ", 401, "key_missing"},
		{"basic", "Basic " + testKey, 401, "key_missing"},
		{"wrong", "Bearer " + testKey + "x", 401, "key_unknown"},
		{"a prefix", "Bearer " + testKey[:10], 401, "key_unknown"},
		{"not ASCII", "Bearer \xff\xfe", 401, "key_unknown"},
	} {
		for where, p := range map[string]*pipeServer{"public": s.public, "admin": s.admin} {
			got := p.ask(t, "GET", "/v1/jobs/job_01", "Authorization", tt.header)
			if got.status != tt.status {
				t.Errorf("%s, %s: got %d, want %d", where, tt.name, got.status, tt.status)
			}
			if tt.code != "" && (got.code(t) != tt.code || got.header.Get("WWW-Authenticate") == "") {
				t.Errorf("%s, %s: got %s", where, tt.name, got.body)
			}
		}
	}
}

func TestWithoutKeys(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(wholeJob()), func(o *api.Options) { o.Keys = nil })
	for _, path := range []string{"/v1/jobs/job_01", "/v1/jobs/job_01/stream"} {
		if got := s.public.ask(t, "GET", path); got.status != 401 || got.code(t) != "no_keys_configured" {
			t.Errorf("public %s: got %d", path, got.status)
		}
	}
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8081": 200, "LOCALHOST:1": 200, "127.0.0.1:8081": 200, "127.0.0.1": 200, "[::1]:8081": 200, "[::1]": 200,
		"evil.example": 403, "localhost.evil.example": 403, "evil.example:8081": 403, "10.0.0.1": 403, "0.0.0.0": 403,
		"127.0.0.1.evil.example": 403, "2130706433": 403, "localhost@evil.example": 403,
	} {
		if got := s.admin.ask(t, "GET", "/v1/jobs/job_01", "Host", host); got.status != want {
			t.Errorf("Host %q: got %d, want %d", host, got.status, want)
		}
	}
}

// With keys a foreign Host is fine: there the key decides.
func TestWithKeysAnyHostWillDo(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(wholeJob()), nil)
	if got := s.admin.ask(t, "GET", "/v1/jobs/job_01", "Host", "forebay.example.com"); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	m := newMemory(wholeJob())
	s := serve(t, m, func(o *api.Options) { o.Keys = nil })
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		got := s.admin.ask(t, "POST", "/v1/jobs/job_01/redeliver", headers...)
		if got.status != 403 || got.code(t) != "cross_origin" {
			t.Errorf("%v: got %d", headers, got.status)
		}
	}
	if len(m.done) != 0 {
		t.Errorf("it was carried out: %q", m.done)
	}
	for _, headers := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://localhost:8081"}, nil} {
		if got := s.admin.ask(t, "POST", "/v1/jobs/job_01/redeliver", headers...); got.status != 202 {
			t.Errorf("%v: got %d, want 202", headers, got.status)
		}
	}
}

// Every URL refuses the wrong method, says which are possible, changes nothing
// on GET and answers in JSON that nobody keeps.
func TestMethods(t *testing.T) {
	t.Parallel()
	m := newMemory(wholeJob())
	s := serve(t, m, nil)
	for _, pattern := range slices.Sorted(maps.Keys(adminRoutes(s.api))) {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{id}", "job_01", "{lane}", "haiku").Replace(path)
		wrong := map[string]string{"GET": "POST", "POST": "GET"}[method]
		got := s.admin.ask(t, wrong, path)
		if got.status != 405 || !strings.Contains(got.header.Get("Allow"), method) || got.code(t) != "method_not_allowed" {
			t.Errorf("%s %s: got %d, Allow %q", wrong, path, got.status, got.header.Get("Allow"))
		}
	}
	if len(m.done) != 0 {
		t.Errorf("carried out: %q", m.done)
	}
}

func TestEveryAnswerIsPlain(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(wholeJob()), nil)
	for _, path := range []string{"/v1/jobs", "/v1/jobs/job_01", "/v1/jobs/none", "/v1/events", "/v1/lanes", "/v1/costs", "/healthz", "/readyz", "/openapi.json"} {
		for _, key := range []string{"Bearer " + testKey, ""} {
			got := s.admin.ask(t, "GET", path, "Authorization", key)
			if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Cache-Control") != "no-store" ||
				got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s with key %q: headers %v", path, key, got.header)
			}
		}
	}
}
