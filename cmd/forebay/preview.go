package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/verify"
)

// previewFlags are what forebay preview was asked.
type previewFlags struct {
	hook, fixture, event, kind, job string
	sets                            []string
	gather, count                   bool
}

// newPreviewCommand renders a prompt without calling Claude.
func newPreviewCommand(a *app) *cobra.Command {
	var f previewFlags
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show the prompt of an event: text, tokens, price; no call",
		Long:  "Render what a hook would send to Claude for an event, with its tokens and its price.\nClaude is not called; with --count the API counts the tokens, which is free.",
		Example: "  forebay preview --hook pr-summary --fixture github.pull_request.opened\n" +
			"  forebay preview --hook pr-summary --event body.json --type pull_request --gather\n" +
			"  forebay preview --job job_01j9... --gather",
		GroupID: groupHooks,
		Args:    argCount(0, 0, "run forebay preview --hook NAME --fixture NAME"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.preview(cmd.Context(), f) },
	}
	a.configFlag(cmd)
	cmd.Flags().StringVar(&f.hook, "hook", "", "the hook's `name`; may be left out where only one takes the event")
	cmd.Flags().StringVar(&f.fixture, "fixture", "", "a fixture's `name`; see forebay trigger --list")
	cmd.Flags().StringArrayVar(&f.sets, "set", nil, "change a value of the fixture: `path=value`; may be repeated")
	cmd.Flags().StringVar(&f.event, "event", "", "a `file` with the body of an event; - for standard input")
	cmd.Flags().StringVar(&f.job, "job", "", "take the stored event of the job with this `id` from the running server")
	cmd.Flags().StringVar(&f.kind, "type", "", "the event `type` of --event, such as pull_request")
	cmd.Flags().BoolVar(&f.gather, "gather", false, "fetch the gathered parts")
	cmd.Flags().BoolVar(&f.count, "count", false, "let the API count the tokens")
	return cmd
}

func (a *app) preview(ctx context.Context, f previewFlags) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	e, err := a.previewed(ctx, cfg, f)
	if err != nil {
		return err
	}
	p, err := forebay.NewPreview(ctx, cfg, forebay.PreviewRequest{Hook: e.Hook, Event: e, Gather: f.gather, Count: f.count})
	if err != nil {
		return failBecause(err, "no preview", forebay.Remedy(err, "correct the hook, or try another event"))
	}
	if a.json {
		a.printJSON(p)
		return nil
	}
	a.showPreview(p)
	return nil
}

// previewed makes the event that is to be previewed.
func (a *app) previewed(ctx context.Context, c *config.Config, f previewFlags) (event.Event, error) {
	given := 0
	for _, from := range []string{f.fixture, f.event, f.job} {
		if from != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return event.Event{}, usage("an event is needed, and only one", "give --fixture NAME, --event FILE or --job ID")
	case f.event == "" && f.kind != "":
		return event.Event{}, usage("--type is set without --event", "leave it out: a fixture and a stored event have a type")
	case f.fixture == "" && len(f.sets) > 0:
		return event.Event{}, usage("--set is set without --fixture", "only a fixture can be changed; put what you want into the file of --event")
	case f.event != "":
		return a.eventFromFile(c, f)
	case f.job != "":
		return a.eventFromServer(ctx, f)
	}
	return eventFromFixture(c, f)
}

// eventFromFile takes the body of an event as it is: nobody signed it.
func (a *app) eventFromFile(c *config.Config, f previewFlags) (event.Event, error) {
	name, err := namedHook(c, f.hook)
	if err != nil {
		return event.Event{}, err
	}
	body, err := a.readInput(f.event)
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{
		Hook: name, Source: c.Hooks[name].Source.Type, Type: f.kind, ReceivedAt: time.Now().UTC(),
		Method: http.MethodPost, ContentType: "application/json", Body: body,
	}, nil
}

// eventFromServer asks the running server for the event of a job.
func (a *app) eventFromServer(ctx context.Context, f previewFlags) (event.Event, error) {
	c, err := (&remote{config: a.config}).open(a)
	if err != nil {
		return event.Event{}, err
	}
	defer c.egress.Close()
	var v api.RawEventView
	if err := c.ask(ctx, http.MethodGet, jobPath(f.job, "/event"), nil, &v); err != nil {
		return event.Event{}, err
	}
	e := v.Event()
	if f.hook != "" {
		e.Hook = f.hook // what another hook would make of it
	}
	return e, nil
}

// eventFromFixture signs the fixture as its sender would and verifies it as
// the server would.
func eventFromFixture(c *config.Config, f previewFlags) (event.Event, error) {
	fx, err := get(f.fixture, f.sets)
	if err != nil {
		return event.Event{}, err
	}
	name, err := hookFor(c, fx, f.hook)
	if err != nil {
		return event.Event{}, err
	}
	to, err := previewSource(c.Hooks[name].Source.Verification())
	if err != nil {
		return event.Event{}, err
	}
	source := to.source
	to.url = "http://127.0.0.1/hooks/" + name
	req, body, err := signed(fx, to)
	if err != nil {
		return event.Event{}, err
	}
	v, err := verify.New(source)
	if err != nil {
		return event.Event{}, err
	}
	now := time.Now().UTC()
	d, err := v.Verify(verify.Request{Method: req.Method, URL: req.URL.RequestURI(), Header: req.Header, Body: body, Now: now})
	if err != nil {
		return event.Event{}, failBecause(err, "hook "+name+" would refuse the fixture", "choose another fixture, or correct the hook's source")
	}
	if len(d.Batch) > 0 { // each event of a body is a job of its own; the first stands for them
		first := d.Batch[0]
		d.Type, d.ID, d.Subject, d.Time, d.Payload = first.Type, first.ID, first.Subject, first.Time, first.Payload
	}
	return event.Event{
		Hook: name, Source: source.Type, Type: d.Type, DeliveryID: d.ID, Subject: d.Subject, Time: d.Time, ReceivedAt: now,
		Method: req.Method, Query: d.Query, ContentType: req.Header.Get("Content-Type"),
		Header: harmless(req.Header, v.Sensitive()), Body: d.Body, Payload: d.Payload,
	}, nil
}

// previewSource is a hook's source with which a fixture can be signed here: in
// place of the sender's private key, or of a secret that is not known yet,
// stands one that is made for the moment.
func previewSource(source verify.Config) (destination, error) {
	s, _ := verify.Lookup(source.Type)
	if len(source.Secrets) == 1 && source.Secrets[0] == "pending" {
		source.Secrets = []string{rand.Text()}
	}
	if s.PrivateKey() == "" {
		return destination{source: source}, nil
	}
	key, err := fixture.NewKey(s.PrivateKey())
	if err != nil {
		return destination{}, err
	}
	hook, err := fixture.Hook{Config: source}.WithKey(key)
	return destination{source: hook.Config, key: key}, err
}

// harmless are the headers that templates and rules may see.
func harmless(h http.Header, sensitive []string) map[string]string {
	kept := map[string]string{}
	for name, values := range h {
		if name = strings.ToLower(name); name != "authorization" && !slices.Contains(sensitive, name) {
			kept[name] = strings.Join(values, ", ")
		}
	}
	return kept
}

func (a *app) showPreview(p *forebay.Preview) {
	if !p.Matched {
		a.printf("%s\n\n", a.paint(yellow, "This event would be ignored: "+printable(p.Reason)))
	}
	a.printf("%s\n%s\n\n", a.paint(bold, "System"), escapeHidden(p.System))
	a.printf("%s\n%s\n\n", a.paint(bold, "Prompt"), escapeHidden(p.Prompt))
	for _, n := range p.Notes {
		a.printf("Left out: %s\n", printable(n))
	}
	how := "estimated"
	if p.Counted {
		how = "counted by the API"
	}
	rows := append([][]string{{"hook", p.Hook}}, modelRows(p)...)
	a.table(append(rows, [][]string{
		{"input", fmt.Sprintf("%d tokens, %s", p.Input, how)},
		{"output", fmt.Sprintf("at most %d tokens", p.MaxTokens)},
		{"price", priceRange(p)},
		{"caching", p.Cache},
	}...))
	for _, price := range p.Prices {
		a.printf("%s: $%.6f to $%.6f\n", price.When, price.LeastUSD, price.MostUSD)
	}
}

// modelRows say who would answer and why, and who may do so instead.
func modelRows(p *forebay.Preview) [][]string {
	why := p.Chosen
	if p.Rule != "" {
		why += ": " + p.Rule
	}
	rows := [][]string{{"model", printable(p.Model + " (" + why + "), lane " + p.Lane)}}
	for _, other := range [][]string{
		{"over its share", p.OverShare}, {"fallback", strings.Join(p.Fallback, ", ")}, {"escalate", strings.Join(p.Escalate, ", ")},
	} {
		if other[1] != "" {
			rows = append(rows, other)
		}
	}
	return rows
}

func priceRange(p *forebay.Preview) string {
	if p.LeastUSD == nil || p.MostUSD == nil {
		return "not known for this model"
	}
	return fmt.Sprintf("$%.6f to $%.6f", *p.LeastUSD, *p.MostUSD)
}
