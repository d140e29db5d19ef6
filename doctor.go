package forebay

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/catalog"
)

// A Finding is one thing that the doctor looked at.
type Finding struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, warn, fail or skipped
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// each bounds one look at the surroundings.
const each = 5 * time.Second

// Doctor looks at the surroundings that a configuration needs: the store's
// disk, the API key and the models, the GitHub token and webhooks, the listeners. Offline it
// looks at this machine alone.
func Doctor(ctx context.Context, cfg *config.Config, offline bool) ([]Finding, error) {
	s := &Server{opts: Options{Config: cfg}, log: slog.New(slog.DiscardHandler)}
	defer s.cleanUp()
	if err := s.wireClients(); err != nil {
		return nil, err
	}
	d := &doctor{server: s, cfg: cfg}
	d.look(ctx, "store", d.store)
	d.look(ctx, "listen", func(ctx context.Context) Finding { return d.port(ctx, cfg.Listen) })
	if cfg.Admin.Listen != "off" {
		d.look(ctx, "admin.listen", func(ctx context.Context) Finding { return d.port(ctx, cfg.Admin.Listen) })
	}
	for _, id := range d.models() {
		d.look(ctx, "model "+id, func(ctx context.Context) Finding { return d.model(ctx, id, offline) })
	}
	if s.adminClaude != nil {
		d.look(ctx, "claude.admin_key", func(ctx context.Context) Finding { return d.rateLimits(ctx, offline) })
	}
	d.caching(ctx, offline)
	if d.needsGitHub() {
		d.look(ctx, "github", func(ctx context.Context) Finding { return d.github(ctx, offline) })
	}
	d.webhooks(ctx, offline)
	for _, url := range d.callbacks() {
		d.look(ctx, "callback", func(context.Context) Finding { return d.callback(url) })
	}
	return d.found, nil
}

type doctor struct {
	server *Server
	cfg    *config.Config
	found  []Finding
}

func (d *doctor) look(ctx context.Context, name string, f func(context.Context) Finding) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	found := f(ctx)
	found.Name = name
	d.found = append(d.found, found)
}

func ok(format string, args ...any) Finding {
	return Finding{Status: "ok", Detail: fmt.Sprintf(format, args...)}
}

func bad(remedy, format string, args ...any) Finding {
	return Finding{Status: "fail", Detail: fmt.Sprintf(format, args...), Remedy: remedy}
}

func warn(remedy, format string, args ...any) Finding {
	return Finding{Status: "warn", Detail: fmt.Sprintf(format, args...), Remedy: remedy}
}

// store tries to write beside the store. The store itself is left alone: a
// running server may have it.
func (d *doctor) store(context.Context) Finding {
	dir, err := filepath.Abs(filepath.Dir(storePath(d.cfg)))
	if err != nil {
		return bad("run it in a folder that exists", "the folder of the store is not known: %v", err)
	}
	f, err := os.CreateTemp(dir, ".forebay-doctor-*")
	if err != nil {
		return bad("make the folder and let this user write to it", "the folder of the store cannot be written to: %v", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.WriteString("forebay"); err != nil {
		return bad("free some space", "nothing can be written beside the store: %v", err)
	}
	if err := f.Sync(); err != nil {
		return bad("use a local disk that can fsync", "fsync fails beside the store: %v", err)
	}
	return ok("%s can be written to and fsynced", dir)
}

// port tries to listen where the server will.
func (d *doctor) port(ctx context.Context, address string) Finding {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return warn("stop what listens there, unless it is Forebay itself", "%s cannot be listened on: %v", address, err)
	}
	_ = l.Close()
	return ok("%s is free", address)
}

// models are the ids that the hooks may call.
func (d *doctor) models() []string {
	ids := map[string]bool{}
	for _, h := range d.cfg.Hooks {
		for _, m := range append([]string{h.Model}, h.Fallback...) {
			ids[d.cfg.Model(m)] = true
		}
		for _, r := range h.Route {
			ids[d.cfg.Model(r.Model)] = true
		}
	}
	delete(ids, "")
	return sortedKeys(ids)
}

func (d *doctor) model(ctx context.Context, id string, offline bool) Finding {
	if notice, callable, known := catalog.Retirement(id, nowUTC()); known {
		if !callable {
			return bad("configure another model", "%s", notice)
		}
		return warn("plan the change to another model", "%s", notice)
	}
	if offline {
		return Finding{Status: "skipped", Detail: "the API was not asked"}
	}
	info, err := d.server.claude.Model(ctx, id)
	if err != nil {
		return bad(Remedy(err, "check claude.api_key, claude.base_url and the model's name"), "%v", err)
	}
	switch {
	case info.Lifecycle == "retired":
		return bad("configure another model", "the API says that %s is retired", id)
	case !info.RetiresAt.IsZero():
		return warn("plan the change to another model", "%s retires on %s", id, info.RetiresAt.Format(time.DateOnly))
	case info.Lifecycle == "deprecated":
		return warn("plan the change to another model", "the API says that %s is deprecated", id)
	}
	return ok("the API offers it to this key")
}

func (d *doctor) needsGitHub() bool {
	for _, h := range d.cfg.Hooks {
		for _, t := range h.Deliver {
			if t.GitHubComment != nil {
				return true
			}
		}
		for _, g := range h.Gather {
			if g.GitHubPullFiles != nil {
				return true
			}
		}
	}
	return false
}

func (d *doctor) github(ctx context.Context, offline bool) Finding {
	if offline {
		return Finding{Status: "skipped", Detail: "GitHub was not asked"}
	}
	who, err := d.server.github.Whoami(ctx)
	if err != nil {
		return bad(Remedy(err, "check github.token or github.app"), "%v", err)
	}
	return ok("the credential is %s", who.Login)
}

// callbacks are the fixed URLs that results are sent to.
func (d *doctor) callbacks() []string {
	urls := map[string]bool{}
	for _, h := range d.cfg.Hooks {
		for _, t := range h.Deliver {
			if t.Callback != nil && !strings.Contains(t.Callback.URL, "{{") {
				urls[t.Callback.URL] = true
			}
		}
	}
	return sortedKeys(urls)
}

func (d *doctor) callback(url string) Finding {
	if _, err := d.server.egress.CheckURL(url); err != nil {
		return bad("correct the URL, or list a private destination in egress.allow", "%v", err)
	}
	return ok("%s may be called", url)
}

// nowUTC is the clock of what runs outside a server.
func nowUTC() time.Time { return time.Now().UTC() }
