package governor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/event"
)

// byTenant puts the jobs of one hook, each tenant's in its own order, into the
// order in which they are served: start-time fair queueing a second time, among
// the tenants of a hook, with its clock for the present. So a hook's share is
// that of its weight, however many tenants it has, and its tenants have equal
// parts of it. Jobs without a tenant are a tenant of their own.
func (l *lane) byTenant(hook string, list []event.Candidate, cost func(event.Candidate) float64) {
	if !slices.ContainsFunc(list, func(c event.Candidate) bool { return c.Tenant != list[0].Tenant }) {
		return
	}
	clock := make(map[string]float64)
	start := make(map[string]float64, len(list))
	for _, c := range list {
		at, seen := clock[c.Tenant]
		if !seen {
			at = max(l.Flows[tenantKey(hook, c.Tenant)].Finish, l.Flows[hook].Turn)
		}
		start[c.JobID] = at
		clock[c.Tenant] = at + cost(c)
	}
	slices.SortStableFunc(list, func(a, b event.Candidate) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(start[a.JobID], start[b.JobID]),
			a.ReadyAt.Compare(b.ReadyAt), cmp.Compare(a.JobID, b.JobID))
	})
}

// tenantKey names the clock of a tenant inside its hook, by a digest: the keys
// come from outside, and the state is bounded. The jobs without a tenant have
// one too, which is not the hook's own.
func tenantKey(hook, tenant string) string {
	if tenant == "" {
		return hook + "#"
	}
	sum := sha256.Sum256([]byte(tenant))
	return hook + "#" + hex.EncodeToString(sum[:6])
}

// serveTenant moves the clocks inside a hook for one granted job.
func (l *lane) serveTenant(c event.Candidate, cost float64, now int64) {
	key, own := tenantKey(c.Hook, c.Tenant), l.Flows[c.Hook]
	if c.Tenant == "" && own.Turn == 0 {
		return // a hook without tenants: its clock stands at 0
	}
	at := max(l.Flows[key].Finish, own.Turn, 1)
	own.Turn = at
	l.Flows[c.Hook] = own
	l.Flows[key] = flow{Finish: at + cost, Served: now}
}

// correctTenant moves a tenant's clock by the difference between what its job
// was thought to cost and what it cost.
func (l *lane) correctTenant(gr *Grant, difference float64) {
	key := tenantKey(gr.Hook, gr.Tenant)
	f, ok := l.Flows[key]
	if !ok {
		return
	}
	f.Finish = max(f.Finish+difference, l.Flows[gr.Hook].Turn)
	l.Flows[key] = f
}

// ofTenant reports whether a flow is a tenant's: no hook's name has a #.
func ofTenant(key string) bool { return strings.Contains(key, "#") }

// share puts the queue of every hook into the order in which its tenants take
// turns.
func (t *turn) share(hooks map[string]Hook) {
	for name, list := range t.queue {
		t.byTenant(name, list, func(c event.Candidate) float64 {
			f := t.predict(hooks[name], profileKey(name, c.Model), c.Size)
			return cost(f.input, f.output)
		})
	}
}
