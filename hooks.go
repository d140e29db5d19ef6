package forebay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/keys"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/internal/work"
	"github.com/forebayhq/forebay/verify"
)

// A hookSet is every configured hook, as each step of the journey sees it.
type hookSet struct {
	receive map[string]*ingest.Hook
	work    map[string]*work.Hook
	extra   map[string]int64                      // input tokens beyond the event, by hook
	cached  map[string]map[string]governor.Prefix // by hook and model
}

// buildHooks compiles the hooks of the configuration.
func (s *Server) buildHooks() (*hookSet, error) {
	set := &hookSet{receive: map[string]*ingest.Hook{}, work: map[string]*work.Hook{}, extra: map[string]int64{}, cached: map[string]map[string]governor.Prefix{}}
	for name, h := range s.opts.Config.Hooks {
		b := &hookBuilder{server: s, name: name, hook: h}
		receive, err := b.receive()
		if err != nil {
			return nil, fmt.Errorf("hooks.%s: %w", name, err)
		}
		carry, err := b.work()
		if err != nil {
			return nil, fmt.Errorf("hooks.%s: %w", name, err)
		}
		if set.cached[name], err = prefixes(s.opts.Config, carry); err != nil {
			return nil, fmt.Errorf("hooks.%s: %w", name, err)
		}
		set.receive[name], set.work[name], set.extra[name] = receive, carry, b.extraTokens(carry)
	}
	return set, nil
}

// target finds a hook's target for the dispatcher.
func (h *hookSet) target(hook string, index int) (deliver.Target, bool) {
	w, ok := h.work[hook]
	if !ok || index < 0 || index >= len(w.Targets) {
		return nil, false
	}
	return w.Targets[index].Target, true
}

// respec says with what a rerun of a job starts: the hook as it is now.
func (h *hookSet) respec(job event.Job) (event.JobSpec, error) {
	hook, ok := h.receive[job.Hook]
	if !ok {
		return event.JobSpec{}, fmt.Errorf("the hook %s is no longer configured", job.Hook)
	}
	e := event.Event{Hook: job.Hook}
	if job.Event != nil {
		e = *job.Event
	}
	return hook.Choose(rule.NewInput(e)), nil
}

// A hookBuilder compiles one hook.
type hookBuilder struct {
	server *Server
	name   string
	hook   config.Hook
}

// receive compiles what the receiver needs.
func (b *hookBuilder) receive() (*ingest.Hook, error) {
	source := b.hook.Source.Verification()
	published := b.server.keys.Source(keys.Login{ClientID: source.ClientID, ClientSecret: source.ClientSecret})
	source.Keys = published
	v, err := verify.New(source)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	h := &ingest.Hook{
		Name: b.name, Source: b.hook.Source.Type, Verifier: v, Keys: published, PublicURL: b.hook.Source.PublicURL,
		Methods: b.hook.Method, BodyLimit: int64(b.hook.BodyLimit), Remember: b.hook.Dedupe.Window.D(),
	}
	if sender, known := verify.Lookup(b.hook.Source.Type); known {
		h.Ack = sender.Ack
	}
	if b.hook.Respond.Mode == "sync" {
		h.Wait = b.hook.Respond.Wait.D()
	}
	if b.hook.Match != "" {
		if h.Match, err = holds(b.hook.Match); err != nil {
			return nil, fmt.Errorf("match: %w", err)
		}
	}
	if c := b.hook.Coalesce; c != nil {
		r, err := rule.Compile(c.Key, rule.String)
		if err != nil {
			return nil, fmt.Errorf("coalesce.key: %w", err)
		}
		h.Key = r.String
		h.Quiet, h.MaxWait = c.Quiet.D(), c.MaxWait.D()
	}
	if key := b.hook.Dedupe.Key; key != "" {
		r, err := rule.Compile(key, rule.String)
		if err != nil {
			return nil, fmt.Errorf("dedupe.key: %w", err)
		}
		h.Meaning = r.String
	}
	if h.Choose, err = b.choose(); err != nil {
		return nil, err
	}
	if b.hook.FairBy != "" {
		if h.Choose, err = shared(h.Choose, b.hook.FairBy); err != nil {
			return nil, fmt.Errorf("fair_by: %w", err)
		}
	}
	return h, nil
}

// holds compiles a rule that is true or false.
func holds(src string) (func(*rule.Input) (bool, error), error) {
	r, err := rule.Compile(src, rule.Bool)
	if err != nil {
		return nil, err
	}
	return r.Bool, nil
}

// choose compiles the routes: the first that holds names the model. A route
// whose rule fails on an event does not hold.
func (b *hookBuilder) choose() (func(*rule.Input) event.JobSpec, error) {
	type route struct {
		holds func(*rule.Input) (bool, error)
		spec  event.JobSpec
	}
	spec := func(model, why string) event.JobSpec {
		id := b.server.opts.Config.Model(model)
		return event.JobSpec{Model: id, Lane: b.lane(id), Chosen: why, Priority: b.hook.Priority}
	}
	var routes []route
	for i, r := range b.hook.Route {
		f, err := holds(r.When)
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
		routes = append(routes, route{f, spec(r.Model, fmt.Sprintf("route %d", i+1))})
	}
	otherwise := spec(b.hook.Model, "hook")
	return func(in *rule.Input) event.JobSpec {
		for _, r := range routes {
			if ok, err := r.holds(in); err == nil && ok {
				return r.spec
			}
		}
		return otherwise
	}, nil
}

// work compiles what a journey needs.
func (b *hookBuilder) work() (*work.Hook, error) {
	h := &work.Hook{
		Name: b.name, MaxTokens: b.hook.MaxTokens, Thinking: b.hook.Thinking, Effort: b.hook.Effort, Cache: b.hook.Cache,
		Reuse:       b.hook.Reuse.For.D(),
		MaxAttempts: b.hook.Retry.MaxAttempts, MaxAge: b.hook.Retry.MaxAge.D(), Batch: b.hook.Lane == event.BatchLane,
	}
	if b.hook.Spill != nil {
		h.Spill = b.hook.Spill.After.D()
	}
	var err error
	if h.System, err = b.system(); err != nil {
		return nil, fmt.Errorf("system: %w", err)
	}
	if h.Render, err = b.render(); err != nil {
		return nil, fmt.Errorf("prompt: %w", err)
	}
	if b.hook.Output != nil {
		if h.Schema, h.Validate, err = schema(b.server.opts.Config.Dir, b.hook.Output.Schema); err != nil {
			return nil, fmt.Errorf("output.schema: %w", err)
		}
	}
	if own := b.hook.Own(); own != "" {
		h.Own = b.choices([]string{own})[0]
	}
	h.Fallback, h.Escalate = b.choices(b.hook.Fallback), b.choices(b.hook.Escalate)
	for _, name := range slices.Sorted(maps.Keys(b.hook.Gather)) {
		step, err := b.step(b.hook.Gather[name])
		if err != nil {
			return nil, fmt.Errorf("gather.%s: %w", name, err)
		}
		h.Parts = append(h.Parts, work.Part{Name: name, Step: step})
	}
	for i, t := range b.hook.Deliver {
		d, err := b.destination(t)
		if err != nil {
			return nil, fmt.Errorf("deliver[%d]: %w", i, err)
		}
		h.Targets = append(h.Targets, d)
	}
	return h, nil
}

// choices are models as a job may go to them.
func (b *hookBuilder) choices(models []string) []work.Choice {
	var all []work.Choice
	for _, model := range models {
		id := b.server.opts.Config.Model(model)
		all = append(all, work.Choice{Model: id, Lane: b.lane(id)})
	}
	return all
}

// extraTokens guesses what the prompt needs besides the event: the system
// prompt, and half of what may be gathered.
func (b *hookBuilder) extraTokens(h *work.Hook) int64 {
	n := int64(len(h.System)) / 3
	for _, g := range b.hook.Gather {
		if g.GitHubPullFiles != nil {
			n += int64(g.GitHubPullFiles.MaxTokens) / 2
		}
		if g.HTTP != nil {
			n += int64(g.HTTP.MaxBytes) / 6
		}
	}
	return cmp.Or(n, 100)
}

// schema reads a JSON Schema and compiles its check.
func schema(dir, path string) (json.RawMessage, func(json.RawMessage) error, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("output.json", doc); err != nil {
		return nil, nil, err
	}
	compiled, err := compiler.Compile("output.json")
	if err != nil {
		return nil, nil, err
	}
	return data, func(answer json.RawMessage) error {
		var v any
		if err := json.Unmarshal(answer, &v); err != nil {
			return fmt.Errorf("the answer is not JSON: %w", err)
		}
		return compiled.Validate(v)
	}, nil
}

func hookNames(cfg *config.Config) []string { return sortedKeys(cfg.Hooks) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
