package deliver

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/payload"
)

// A place is an issue or a pull request. It is all that is stored about where a
// comment goes, and the address is built from it alone.
type place struct {
	Owner  string `json:"owner"`
	Name   string `json:"repo"`
	Number int    `json:"number"`
}

func (p place) String() string { return fmt.Sprintf("%s/%s#%d", p.Owner, p.Name, p.Number) }

// key is what the place is called in serial keys and anchors: GitHub's names
// do not differ by case.
func (p place) key() string { return strings.ToLower(p.String()) }

// placeOf finds the place that an event is about, in the payload's typed
// fields. URLs in the payload are not looked at.
func placeOf(e event.Event) (place, error) {
	doc := payload.Of(e)
	full := text(doc, "repository", "full_name")
	for _, path := range [][]string{{"pull_request", "number"}, {"issue", "number"}, {"number"}} {
		if n, ok := number(doc, path...); ok {
			return makePlace(full, n)
		}
	}
	return place{}, noPlace("the event names no issue or pull request")
}

// makePlace checks the parts of a place.
func makePlace(repo string, number int) (place, error) {
	owner, name, ok := strings.Cut(repo, "/")
	if !ok || !github.ValidRepo(owner, name) {
		return place{}, noPlace("the event names no repository")
	}
	if number <= 0 {
		return place{}, noPlace("the number is none of an issue or pull request")
	}
	return place{Owner: owner, Name: name, Number: number}, nil
}

// rendered finds the place that templates make of an event, held to the
// repositories that may be written to.
func (c *GitHubComment) rendered(e event.Event) (place, error) {
	repo, err := c.opts.Repo(e)
	if err != nil {
		return place{}, noPlace("repo cannot be made of this event: " + err.Error())
	}
	text, err := c.opts.Number(e)
	if err != nil {
		return place{}, noPlace("number cannot be made of this event: " + err.Error())
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return place{}, noPlace("number is not a number")
	}
	p, err := makePlace(strings.TrimSpace(repo), n)
	if err != nil {
		return place{}, err
	}
	if !c.mayWrite(p) {
		return place{}, noPlace("the repository is not in repos")
	}
	return p, nil
}

// mayWrite reports whether the place is in a listed repository; without a list
// every one that the event itself is about is.
func (c *GitHubComment) mayWrite(p place) bool {
	if len(c.opts.Repos) == 0 {
		return c.opts.Repo == nil
	}
	return slices.ContainsFunc(c.opts.Repos, func(repo string) bool {
		return strings.EqualFold(repo, p.Owner+"/"+p.Name)
	})
}

func noPlace(message string) *Error {
	return &Error{Code: "no_destination", Message: message, Permanent: true}
}

func text(doc payload.Value, path ...string) string {
	v, ok := at(doc, path...)
	if !ok || v.Type() != payload.String {
		return ""
	}
	return v.Text()
}

func number(doc payload.Value, path ...string) (int, bool) {
	v, ok := at(doc, path...)
	if !ok || v.Type() != payload.Number {
		return 0, false
	}
	n, err := strconv.Atoi(string(v.Raw()))
	return n, err == nil && n > 0 && n <= math.MaxInt32
}

func at(doc payload.Value, path ...string) (payload.Value, bool) {
	for _, name := range path {
		var ok bool
		if doc, ok = doc.Get(name); !ok {
			return doc, false
		}
	}
	return doc, true
}

// readPlace reads a stored place.
func readPlace(raw json.RawMessage) (place, error) {
	var p place
	if err := json.Unmarshal(raw, &p); err != nil || !github.ValidRepo(p.Owner, p.Name) || p.Number <= 0 {
		return place{}, &Error{Code: "target_changed", Message: "the hook's target is not the one that this delivery was made for", Permanent: true, Err: err}
	}
	return p, nil
}
