package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/github"
)

// GitHubCommentOptions configure a comment target.
type GitHubCommentOptions struct {
	GitHub *github.Client // required
	// Hook is the name of the hook; a sticky comment is one per hook and
	// subject. Required.
	Hook string
	// Sticky keeps one comment per subject up to date instead of posting one
	// per job.
	Sticky bool
	// Repo ("owner/name") and Number make the place of an event that is not
	// about an issue or pull request itself. Both or neither; with them, Repos
	// is required.
	Repo, Number func(event.Event) (string, error)
	// Repos are the repositories that may be written to; empty: the one that
	// the event is about.
	Repos []string
	// Key seals the hidden marker by which comments are found again. It should
	// stay the same over restarts. Required, at least 16 bytes.
	Key []byte
	// Secrets are never shown in a comment, neither plain nor split nor encoded.
	Secrets []string
}

// A GitHubComment posts the answer as a comment on an issue or pull request.
//
// The comment is found again by its stored id, else by a sealed marker in a
// comment that our own account wrote, so that an attempt whose outcome is not
// known does not post twice. Deliveries to one place share a serial key.
type GitHubComment struct {
	opts    GitHubCommentOptions
	secrets known
	unsure  unsure
}

// NewGitHubComment checks the options.
func NewGitHubComment(o GitHubCommentOptions) (*GitHubComment, error) {
	switch {
	case o.GitHub == nil || o.Hook == "":
		return nil, errors.New("github_comment: GitHub and Hook are required")
	case len(o.Key) < 16:
		return nil, errors.New("github_comment: the key has less than 16 bytes")
	case (o.Repo == nil) != (o.Number == nil):
		return nil, errors.New("github_comment: Repo and Number go together")
	case o.Repo != nil && len(o.Repos) == 0:
		return nil, errors.New("github_comment: the event chooses the repository, and none is listed")
	}
	return &GitHubComment{opts: o, secrets: newKnown(o.Secrets)}, nil
}

// Plan fixes the place.
func (c *GitHubComment) Plan(e event.Event) (Plan, error) {
	find := placeOf
	if c.opts.Repo != nil {
		find = c.rendered
	}
	p, err := find(e)
	if err != nil {
		return Plan{}, err
	}
	if !c.mayWrite(p) {
		return Plan{}, noPlace("the repository is not in repos")
	}
	spec, err := json.Marshal(p)
	return Plan{Spec: spec, SerialKey: "github:" + p.key()}, err
}

// Deliver posts the comment or brings it up to date.
func (c *GitHubComment) Deliver(ctx context.Context, p Parcel) (Receipt, error) {
	v, err := c.visit(p)
	if err != nil {
		return Receipt{}, err
	}
	if err := v.repo.Ready(); err != nil {
		return Receipt{}, githubFault(err) // before a search that would be in vain
	}
	if c.opts.Sticky {
		if r, done, err := v.byAnchor(ctx); done || err != nil {
			return r, err
		}
	}
	found, m, err := v.search(ctx)
	switch {
	case err != nil:
		return Receipt{}, err
	case found.ID == 0:
		if wait := v.unsure.left(v.place.key()); v.opts.Sticky && wait > 0 {
			return Receipt{}, &Error{Code: "github_unsettled", Message: "another answer may have been posted a moment ago, and a search would not find it yet", RetryAfter: wait}
		}
		return v.create(ctx)
	case m.job > p.Job.ID:
		return v.receipt(found, m.job), nil // it shows a newer answer already
	}
	r, gone, err := v.update(ctx, found.ID)
	if gone {
		return v.create(ctx)
	}
	return r, err
}

// A visit is one attempt at one place.
type visit struct {
	*GitHubComment
	parcel Parcel
	place  place
	repo   *github.Repo
	body   string
}

func (c *GitHubComment) visit(p Parcel) (*visit, error) {
	at, err := readPlace(p.Delivery.Spec)
	if err != nil {
		return nil, err
	}
	if !c.mayWrite(at) {
		return nil, noPlace("the repository is not in repos any more")
	}
	if p.Job.Result == nil {
		return nil, &Error{Code: "no_result", Message: "the job has no result to deliver", Permanent: true}
	}
	repo, err := c.opts.GitHub.Repo(at.Owner, at.Name)
	if err != nil {
		return nil, githubFault(err)
	}
	seal := marker{hook: c.opts.Hook, job: p.Job.ID}.seal(c.opts.Key, at)
	return &visit{GitHubComment: c, parcel: p, place: at, repo: repo, body: compose(p.Job, seal, c.secrets)}, nil
}

func (v *visit) anchorKey() string {
	return "github_comment:" + v.opts.Hook + ":" + v.place.key()
}

// byAnchor updates the sticky comment that is stored. done is false when there
// is none, or none any more.
func (v *visit) byAnchor(ctx context.Context) (r Receipt, done bool, err error) {
	a, err := v.parcel.Anchors.Anchor(ctx, v.anchorKey())
	if errors.Is(err, event.ErrNotFound) {
		return Receipt{}, false, nil
	}
	if err != nil {
		return Receipt{}, false, &Error{Code: "store", Message: "the store does not answer", Err: err}
	}
	if a.JobID > v.parcel.Job.ID {
		return Receipt{URL: a.URL}, true, nil // identifiers grow with time: it shows a newer answer already
	}
	id, err := strconv.ParseInt(a.ExternalID, 10, 64)
	if err != nil || id <= 0 {
		return Receipt{}, false, nil
	}
	r, gone, err := v.update(ctx, id)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == "github_forbidden" && v.foreign(ctx, id) {
		return Receipt{}, false, nil
	}
	return r, err == nil && !gone, err
}

// foreign reports whether a comment is known to be another account's, as it is
// after a change of the credential.
func (v *visit) foreign(ctx context.Context, id int64) bool {
	self, err := v.opts.GitHub.Whoami(ctx)
	if err != nil {
		return false
	}
	comment, err := v.repo.Comment(ctx, id)
	return err == nil && !self.Wrote(comment)
}

// update replaces a comment's text. gone is true when somebody deleted it.
func (v *visit) update(ctx context.Context, id int64) (r Receipt, gone bool, err error) {
	made, err := v.repo.UpdateComment(ctx, id, v.body)
	if e, ok := errors.AsType[*github.Error](err); ok && (e.Code == "github_not_found" || e.Code == "github_gone") {
		return Receipt{}, true, nil
	}
	if err != nil {
		return Receipt{}, false, githubFault(err)
	}
	return v.receipt(made, v.parcel.Job.ID), false, nil
}

// settling is how long GitHub may take to list what it has taken.
const settling = time.Minute

// create posts a new comment. Where it is not known whether that worked, the
// next attempt waits until a search would find it.
func (v *visit) create(ctx context.Context) (Receipt, error) {
	made, err := v.repo.CreateComment(ctx, v.place.Number, v.body)
	if err == nil {
		return v.receipt(made, v.parcel.Job.ID), nil
	}
	fault := githubFault(err)
	if e, ok := errors.AsType[*github.Error](err); ok && !e.Permanent && (e.Status == 0 || e.Status >= 500) {
		fault.RetryAfter = max(fault.RetryAfter, settling)
		v.unsure.note(v.place.key())
	}
	return Receipt{}, fault
}

func (v *visit) receipt(made github.Comment, job string) Receipt {
	r := Receipt{URL: made.URL}
	if v.opts.Sticky {
		r.Anchor = &event.Anchor{
			Key: v.anchorKey(), ExternalID: strconv.FormatInt(made.ID, 10), URL: made.URL, JobID: job, UpdatedAt: v.parcel.Now,
		}
	}
	return r
}

// maxPages bounds the search: 3,000 comments.
const maxPages = 30

// search finds our comment by its marker: of this job, or, if sticky, of any job
// of the hook. What others wrote is never ours, whatever it says.
func (v *visit) search(ctx context.Context) (github.Comment, marker, error) {
	self, err := v.opts.GitHub.Whoami(ctx)
	if err != nil {
		return github.Comment{}, marker{}, githubFault(err)
	}
	for page, more := 1, true; more && page <= maxPages; page++ {
		var comments []github.Comment
		comments, more, err = v.repo.Comments(ctx, v.place.Number, page)
		if err != nil {
			return github.Comment{}, marker{}, githubFault(err)
		}
		for _, comment := range comments {
			if m, ok := findMarker(comment.Body, v.opts.Key, v.place); ok && self.Wrote(comment) && v.ours(m) {
				return comment, m, nil
			}
		}
	}
	return github.Comment{}, marker{}, nil
}

func (v *visit) ours(m marker) bool {
	return m.hook == v.opts.Hook && (v.opts.Sticky || m.job == v.parcel.Job.ID)
}

// githubFault makes a delivery's error of GitHub's.
func githubFault(err error) *Error {
	e, ok := errors.AsType[*github.Error](err)
	if !ok {
		return &Error{Code: "github", Message: "the call to GitHub failed", Err: err}
	}
	message := e.Message
	if e.Hint != "" {
		message += "; " + e.Hint
	}
	return &Error{Code: e.Code, Message: message, Permanent: e.Permanent, RetryAfter: e.RetryAfter, Err: err}
}
