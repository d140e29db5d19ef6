package forebay

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/rule"
)

// TestTenantKey bounds what comes from outside, and keeps different keys apart.
func TestTenantKey(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 200)
	for _, tt := range []struct{ in, want string }{
		{"octo", "octo"}, {"", ""}, {" \n ", ""}, {"a\x00b\x1b", "ab"}, {strings.Repeat("é", 32), strings.Repeat("é", 32)},
	} {
		if got := tenantKey(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
	a, b := tenantKey(long+"a"), tenantKey(long+"b")
	if a == b || len(a) > maxTenant || len(tenantKey(strings.Repeat("é", 500))) > maxTenant {
		t.Errorf("got %q and %q, want two keys of at most %d bytes", a, b, maxTenant)
	}
	if !utf8.ValidString(tenantKey(strings.Repeat("é", 500) + "\xff")) {
		t.Error("got a key that is not UTF-8")
	}
}

// TestShared: a rule that fails names no tenant, and says so on the job.
func TestShared(t *testing.T) {
	t.Parallel()
	choose, err := shared(func(*rule.Input) event.JobSpec { return event.JobSpec{Lane: "haiku"} }, "payload.repository.owner.login")
	if err != nil {
		t.Fatal(err)
	}
	spec := choose(rule.NewInput(event.Event{ContentType: "application/json", Body: []byte(`{"repository":{"owner":{"login":"octo"}}}`)}))
	if spec.Tenant != "octo" || spec.Note != "" || spec.Lane != "haiku" {
		t.Errorf("got %+v, want the tenant octo", spec)
	}
	spec = choose(rule.NewInput(event.Event{ContentType: "application/json", Body: []byte(`{}`)}))
	if spec.Tenant != "" || !strings.HasPrefix(spec.Note, "no tenant: fair_by failed: ") || len(spec.Note) > maxNote {
		t.Errorf("got %+v, want a note and no tenant", spec)
	}
	if _, err := shared(nil, "1 +"); err == nil {
		t.Error("a rule that does not compile was taken")
	}
}
