package forebay

import (
	"fmt"
	"net/http"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/gather"
	"github.com/forebayhq/forebay/internal/prompt"
)

// step makes one gather step of the hook.
func (b *hookBuilder) step(g config.Gather) (gather.Step, error) {
	switch {
	case g.GitHubPullFiles != nil:
		return gather.NewPullFiles(gather.PullFilesOptions{
			GitHub: b.server.github, MaxTokens: g.GitHubPullFiles.MaxTokens, Exclude: g.GitHubPullFiles.Exclude,
			CharsPerToken: charsPerToken(b.server.opts.Config.Model(b.hook.Model)),
		})
	case g.HTTP != nil:
		return b.get(*g.HTTP)
	}
	f, ok := b.server.opts.Gather[g.Func]
	if !ok || f == nil {
		return nil, fmt.Errorf("no gather function %q is registered; register it in Options.Gather", g.Func)
	}
	return step(f), nil
}

// get makes the step that fetches a document. Its credentials go to the URL's
// origin, which no event can change.
func (b *hookBuilder) get(g config.HTTPGet) (gather.Step, error) {
	url, err := prompt.CompileURL("url", g.URL)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, value := range g.Headers {
		header.Set(name, value.Reveal())
	}
	client, err := b.server.egress.Client(egress.Policy{
		Origin: url.Origin(), Header: header, Timeout: g.Timeout.D(), MaxBytes: int64(g.MaxBytes) + 1, HTTPSOnly: true,
	})
	if err != nil {
		return nil, err
	}
	return gather.NewHTTP(gather.HTTPOptions{URL: url, Client: client, MaxBytes: int64(g.MaxBytes), Timeout: g.Timeout.D()})
}
