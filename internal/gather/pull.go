package gather

import (
	"encoding/hex"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/payload"
)

// pull names a pull request.
type pull struct {
	owner, name string
	number      int
	head        string // commit, if the event says it
	base        string // commit of the base branch, if the event says it
}

// pullOf finds the pull request that an event of GitHub is about. No URL of the
// payload is looked at: they would choose where the credential goes.
func pullOf(e event.Event) (pull, *Error) {
	doc := payload.Of(e)
	p := pull{
		owner: text(doc, "repository", "owner", "login"),
		name:  text(doc, "repository", "name"),
		head:  commit(doc, "pull_request", "head", "sha"),
		base:  commit(doc, "pull_request", "base", "sha"),
	}
	p.number = number(doc, "pull_request", "number")
	if p.number == 0 && at(doc, "issue", "pull_request").Type() == payload.Object { // a comment on a pull request
		p.number = number(doc, "issue", "number")
	}
	if !github.ValidRepo(p.owner, p.name) || p.number == 0 {
		return pull{}, &Error{Code: "gather_no_pull_request", Message: "the event does not name a pull request",
			Hint: `let only events about pull requests through: match: event.type == "pull_request"`, Permanent: true}
	}
	return p, nil
}

func at(v payload.Value, path ...string) payload.Value {
	for _, name := range path {
		v, _ = v.Get(name)
	}
	return v
}

func text(v payload.Value, path ...string) string {
	if v = at(v, path...); v.Type() != payload.String {
		return ""
	}
	return v.Text()
}

func number(v payload.Value, path ...string) int {
	n, _ := at(v, path...).Scalar()
	if n, ok := n.(int64); ok && n > 0 && n <= 1<<31-1 {
		return int(n)
	}
	return 0
}

// commit returns a full commit id, SHA-1 or SHA-256.
func commit(v payload.Value, path ...string) string {
	s := text(v, path...)
	if b, err := hex.DecodeString(s); err != nil || (len(b) != 20 && len(b) != 32) {
		return ""
	}
	return s
}
