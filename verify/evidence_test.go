package verify

import (
	"slices"
	"testing"
	"time"
)

var kinds = []Evidence{Official, Captured, ThirdParty, Described, Unconfirmed}

// TestEveryRowHasEvidence: each part of each row says how it is known, a day
// stands only where the sender's own words were read, and no day is to come.
func TestEveryRowHasEvidence(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, s := range Senders() {
		names[s.Name] = true
		for part, b := range map[string]Basis{"proof": s.Known.Proof, "answers": s.Known.Answers, "console": s.Known.Console} {
			if problem := b.problem(); problem != "" {
				t.Errorf("%s: %s: %s", s.Name, part, problem)
			}
		}
	}
	for name := range known() {
		if !names[name] {
			t.Errorf("%s: evidence of no row", name)
		}
	}
}

// problem is what is wrong with a basis, for a test.
func (b Basis) problem() string {
	_, day := time.Parse(time.DateOnly, b.Read)
	_, month := time.Parse("2006-01", b.Read)
	switch {
	case !slices.Contains(kinds, b.Evidence):
		return "no evidence"
	case b.Evidence == Official && day != nil && month != nil:
		return "read on no day"
	case b.Evidence != Official && b.Read != "":
		return "claims a day of reading for what was not read"
	}
	return ""
}

func TestBadEvidenceIsFound(t *testing.T) {
	t.Parallel()
	for _, bad := range []Basis{{}, {Evidence: "sure"}, {Evidence: Official}, {Evidence: Official, Read: "lately"}, {Evidence: Captured, Read: "2026-11-25"}, {Evidence: Unconfirmed, Read: "2026-11"}} {
		if bad.problem() == "" {
			t.Errorf("%+v passes", bad)
		}
	}
}
