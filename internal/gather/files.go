package gather

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/prompt"
)

// GitHub lists at most 3,000 files of a pull request, 100 a page.
const (
	maxFiles = 3000
	maxPages = 30
)

// PullFilesOptions configure a step that fetches the files of a pull request.
type PullFilesOptions struct {
	// GitHub is the client. Required.
	GitHub *github.Client
	// MaxTokens is the budget of the part. Default 20,000; at least 200.
	MaxTokens int
	// Exclude are more path patterns to leave out: "docs/**", "*.md".
	Exclude []string
	// CharsPerToken turns the budget into characters. Default
	// prompt.DefaultCharsPerToken.
	CharsPerToken float64
	// Timeout bounds the step. Default one minute.
	Timeout time.Duration
}

// PullFiles fetches the changed files of the pull request that an event is
// about, as far as they are worth reading and the budget goes: lock files,
// vendored, generated, minified and binary files are left out, source comes
// before tests, settings and documentation, and what is left out is said.
type PullFiles struct {
	github  *github.Client
	exclude []pattern
	budget  int // characters
	timeout time.Duration
}

// NewPullFiles checks the options.
func NewPullFiles(o PullFilesOptions) (*PullFiles, error) {
	if o.GitHub == nil {
		return nil, errors.New("gather pull files: no GitHub client")
	}
	tokens := cmp.Or(o.MaxTokens, 20_000)
	if tokens < 200 {
		return nil, fmt.Errorf("gather pull files: max_tokens is %d; write at least 200", tokens)
	}
	s := &PullFiles{github: o.GitHub, timeout: cmp.Or(o.Timeout, time.Minute)}
	s.budget = int(float64(tokens) * cmp.Or(max(o.CharsPerToken, 0), prompt.DefaultCharsPerToken))
	for _, text := range o.Exclude {
		p, err := compilePattern(text)
		if err != nil {
			return nil, fmt.Errorf("gather pull files: exclude: %w", err)
		}
		s.exclude = append(s.exclude, p)
	}
	return s, nil
}

// Gather fetches the files. The Value is a prompt.Document: its text is the
// diff, and its fields are list (path, status, additions and deletions of each
// changed file, and whether it is shown), shown, total, repository, number and
// head_sha. Errors are *Error: gather_no_pull_request, gather_timeout, and the
// codes of package github.
func (s *PullFiles) Gather(ctx context.Context, e event.Event) (Part, error) {
	p, problem := pullOf(e)
	if problem != nil {
		return Part{}, problem
	}
	repo, err := s.github.Repo(p.owner, p.name)
	if err != nil {
		return Part{}, fromGitHub(err)
	}
	own, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	sel := newSelection(s.budget, rules{exclude: s.exclude, attributes: s.attributes(own, repo, p)})
	if err := s.fetch(own, repo, p, sel); err != nil {
		if late := timedOut(ctx, s.timeout, cmp.Or(own.Err(), err)); late != nil {
			return Part{}, late
		}
		return Part{}, fromGitHub(err)
	}
	return sel.part(p), nil
}

// fetch goes through the pages.
func (s *PullFiles) fetch(ctx context.Context, repo *github.Repo, p pull, sel *selection) error {
	for page := 1; page <= maxPages; page++ {
		files, more, err := repo.PullFiles(ctx, p.number, page)
		if err != nil {
			return err
		}
		for _, f := range files {
			sel.add(f)
		}
		if !more {
			break
		}
	}
	sel.cut = len(sel.files) >= maxFiles
	return nil
}

// attributes reads .gitattributes of the base branch, which the author of the
// pull request has no say in. Without it the names alone decide, so its absence
// is no error, and neither is a failure to read it.
func (s *PullFiles) attributes(ctx context.Context, repo *github.Repo, p pull) attributes {
	const most = 64 << 10
	text, err := repo.Content(ctx, ".gitattributes", p.base)
	if err != nil || len(text) > most {
		return nil
	}
	return parseAttributes(string(text))
}
