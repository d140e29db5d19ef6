package sqlite

// A pair is a hook and a lane: what shares one queue.
type pair struct{ hook, lane string }

// turns remembers for each pair with whose job it was last served, so that of
// more tenants than are shown at once all get their turn. It is lost with the
// process, which costs nobody more than one round.
//
// Only the writer touches it.
type turns map[pair]string

// maxTurns bounds the pairs that are remembered.
const maxTurns = 4096

// Tenants are cut to fewer bytes long before they come here.
const pastAllTenants = "\U0010FFFF"

// maxTenants bounds the tenants of a pair that are shown at once.
const maxTenants = 16

// showTenants shows the first jobs of the tenants of each pair, those after the
// one that was last served first: about most of them together, and two of each
// tenant at least. The cost grows with what is shown, not with the queue.
func (t *tx) showTenants(most int, show func(*row)) error {
	var pairs []pair
	if err := t.scan("take_shared", func(r *row) { pairs = append(pairs, pair{r.text(), r.text()}) }); err != nil {
		return err
	}
	for _, p := range pairs {
		names, err := t.nextTenants(p, min(most, maxTenants))
		if err != nil {
			return err
		}
		each := max(most/max(len(names), 1), 2)
		for _, name := range names {
			if err := t.query("take_of_tenant", show, p.hook, p.lane, name, int64(each)); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextTenants returns at most so many tenants of a pair: from the one after the
// last that was served to the end, and then from the beginning.
func (t *tx) nextTenants(p pair, most int) ([]string, error) {
	var names []string
	add := func(r *row) { names = append(names, r.text()) }
	last := t.db.turns[p]
	if err := t.query("take_tenants", add, p.hook, p.lane, last, pastAllTenants, int64(most)); err != nil {
		return nil, err
	}
	if last == "" || len(names) >= most {
		return names, nil
	}
	return names, t.query("take_tenants", add, p.hook, p.lane, "", last, int64(most-len(names)))
}

// served notes whose job was taken.
func (t *tx) served(l leasing) {
	if l.tenant == "" {
		return
	}
	t.then(func() {
		if len(t.db.turns) >= maxTurns {
			clear(t.db.turns)
		}
		t.db.turns[l.pair] = l.tenant
	})
}
