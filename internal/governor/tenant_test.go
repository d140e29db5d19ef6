package governor

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/forebayhq/forebay/event"
)

// addTenant queues n jobs of a tenant.
func (d *desk) addTenant(hook, tenant string, n int) {
	d.add("a", hook, 5, n)
	for i := range n {
		c := &d.waiting[len(d.waiting)-1-i]
		c.Tenant, c.JobID = tenant, fmt.Sprintf("%s of %q", c.JobID, tenant)
	}
}

// serve grants one job at a time and counts by what name says.
func (d *desk) serve(n int, name func(*Grant) string) map[string]int {
	count := map[string]int{}
	for range n {
		for gr := range grantsOf(d.take(1), "a") {
			count[name(gr)]++
			d.settle(gr, ok(600, 400))
		}
	}
	return count
}

// TestTenants shares a hook's turns equally among its tenants, whatever each has
// queued, and serves who comes late at once. The control has no tenants.
func TestTenants(t *testing.T) {
	t.Parallel()
	byTenant := func(gr *Grant) string { return gr.Tenant }
	d := newDesk(t, Options{})
	d.open("a")
	d.addTenant("h", "noisy", 400)
	d.addTenant("h", "quiet", 100)
	d.addTenant("h", "", 100)
	got := d.serve(150, byTenant)
	for _, tenant := range []string{"noisy", "quiet", ""} {
		if n := got[tenant]; n < 45 || n > 55 {
			t.Errorf("%q: got %d of 150 turns, want a third: %v", tenant, n, got)
		}
	}
	d.addTenant("h", "late", 5)
	if got := d.serve(20, byTenant); got["late"] < 4 || got["noisy"] < 4 {
		t.Errorf("got %v, want the late one served beside the others", got)
	}

	control := newDesk(t, Options{})
	control.open("a")
	control.add("a", "h", 5, 400)
	control.add("a", "h", 5, 100)
	first := control.waiting[:400]
	head := map[string]bool{}
	for _, c := range first {
		head[c.JobID] = true
	}
	if got := control.serve(150, func(gr *Grant) string { return fmt.Sprint(head[gr.Job]) }); got["true"] != 150 {
		t.Errorf("got %v without tenants, want the first in line only", got)
	}
}

// TestTenantsKeepTheWeightOfTheirHook gives a hook no more for having many
// tenants.
func TestTenantsKeepTheWeightOfTheirHook(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Hooks: map[string]Hook{"many": {Weight: 1}, "plain": {Weight: 2}}})
	d.open("a")
	for i := range 20 {
		d.addTenant("many", fmt.Sprint("tenant-", i), 20)
	}
	d.add("a", "plain", 5, 400)
	if got := d.serve(150, func(gr *Grant) string { return gr.Hook }); got["many"] < 45 || got["many"] > 55 {
		t.Errorf("got %v, want one to two", got)
	}
}

// TestTenantsAreBounded keeps the state small whoever sends: keys come from
// outside.
func TestTenantsAreBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	for i := range 300 {
		d.addTenant("h", fmt.Sprint("tenant-", i), 1)
	}
	if got := d.serve(300, func(*Grant) string { return "" })[""]; got != 300 {
		t.Errorf("got %d served, want 300", got)
	}
	var s state
	if err := json.Unmarshal(d.lanes["a"].State, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Flows) > maxFlows || len(d.lanes["a"].State) > maxState/2 {
		t.Errorf("got %d flows in %d bytes", len(s.Flows), len(d.lanes["a"].State))
	}
	if l := governor(t, Options{}).open(event.Lane{Name: "a", State: d.lanes["a"].State}, d.now); l.Flows["h"].Turn == 0 {
		t.Error("the hook's own clock was dropped")
	}
}
