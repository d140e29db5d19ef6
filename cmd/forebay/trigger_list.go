package main

import (
	"strings"

	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/verify"
)

// listFixtures lists the webhooks by sender: all of them, or those whose name
// begins with one that was given.
func (a *app) listFixtures(names []string) error {
	var chosen []fixture.Info
	for _, f := range fixture.List() {
		if len(names) == 0 || strings.HasPrefix(f.Name, names[0]) {
			chosen = append(chosen, f)
		}
	}
	if len(chosen) == 0 {
		return usage("there is no webhook whose name begins with "+quote(names[0]), "run forebay trigger --list to see all")
	}
	if a.json {
		a.printJSON(map[string]any{"fixtures": chosen})
		return nil
	}
	for i, f := range chosen {
		if i == 0 || chosen[i-1].Source != f.Source {
			a.printf("%s%s\n", strings.Repeat("\n", min(i, 1)), a.paint(bold, senderTitle(f.Source)))
		}
		a.printf("  %-46s  %s\n", f.Name, f.Title)
	}
	return nil
}

func senderTitle(source string) string {
	if source == "" {
		return "Your own sender: type hmac, token or basic"
	}
	s, _ := verify.Lookup(source)
	return s.Title + ": type " + source
}
