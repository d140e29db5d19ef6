package forebay

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/rule"
)

// maxTenant bounds the key of a tenant in bytes, and maxNote what a job says
// about a rule that failed.
const (
	maxTenant = 64
	maxNote   = 200
)

// shared adds the tenant of an event to what choose says of its job.
func shared(choose func(*rule.Input) event.JobSpec, fairBy string) (func(*rule.Input) event.JobSpec, error) {
	r, err := rule.Compile(fairBy, rule.String)
	if err != nil {
		return nil, err
	}
	return func(in *rule.Input) event.JobSpec {
		spec := choose(in)
		key, err := r.String(in)
		if err != nil {
			note := strings.ToValidUTF8("no tenant: fair_by failed: "+err.Error(), "")
			spec.Note = strings.ToValidUTF8(note[:min(len(note), maxNote)], "")
		}
		spec.Tenant = tenantKey(key)
		return spec
	}, nil
}

// tenantKey bounds a tenant's key. Two long ones that begin alike stay apart by
// their digests.
func tenantKey(key string) string {
	clean := strings.ToValidUTF8(strings.Join(strings.Fields(key), " "), "\uFFFD")
	clean = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, clean)
	if len(clean) <= maxTenant {
		return clean
	}
	sum := sha256.Sum256([]byte(key))
	const tail = 1 + 12
	return strings.ToValidUTF8(clean[:maxTenant-tail], "") + "~" + hex.EncodeToString(sum[:6])
}
