package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/verify"
)

const (
	maxTriggers    = 100_000
	triggerTimeout = 90 * time.Second // a sync hook may take a minute
)

// A trigger is what the flags of the command trigger say.
type trigger struct {
	hook, url, secret, key string
	sets                   []string
	count                  int
	list, curl             bool
}

// newTriggerCommand sends signed fixtures to a hook.
func newTriggerCommand(a *app) *cobra.Command {
	t := &trigger{}
	cmd := &cobra.Command{
		Use:   "trigger NAME",
		Short: "Send a signed webhook, such as github.pull_request.opened, to a hook",
		Long: `Send a webhook as a real sender would: signed as the hook's source says, with a
fresh delivery id and fresh times, to the server of --config on this machine.

  forebay trigger --list
  forebay trigger --list gitlab
  forebay trigger github.pull_request.opened
  forebay trigger stripe.charge.dispute.created --hook stripe-disputes --set data.object.amount=99
  forebay trigger github.issues.opened --to https://hooks.example.com/hooks/issues --secret "$SECRET"
  forebay trigger slack.app_mention --curl
  forebay trigger discord.interaction.command --key test.pem

A sender such as Discord signs with a private key that only it has. With --key
the webhook is signed with yours: the file is made if it is not there, and its
public half is printed, to stand in the hook's public_keys while you test.`,
		GroupID: groupHooks,
		Args:    argCount(0, 1, "name a webhook; forebay trigger --list shows all"),
		RunE: func(cmd *cobra.Command, names []string) error {
			if t.list {
				return a.listFixtures(names)
			}
			if len(names) == 0 {
				return usage("no webhook is named", "run forebay trigger --list to see all")
			}
			return a.trigger(cmd.Context(), names[0], t)
		},
	}
	a.configFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&t.hook, "hook", "", "the hook of the configuration; may be left out where only one takes the webhook")
	flags.StringVar(&t.url, "to", "", "the `URL` to send it to; with --secret or --key no configuration is read")
	flags.StringVar(&t.secret, "secret", "", "the secret to sign with, instead of the hook's first")
	flags.StringVar(&t.key, "key", "", "the private key to sign with, a PEM `file`, for senders that sign with one")
	flags.StringArrayVar(&t.sets, "set", nil, "change a value: `path=value`, or header:Name=value; may be repeated")
	flags.BoolVar(&t.curl, "curl", false, "print the signed request as a curl command instead of sending it")
	flags.IntVar(&t.count, "count", 1, "how many to send, one after the other, each of its own")
	flags.BoolVar(&t.list, "list", false, "list the webhooks")
	return cmd
}

func (a *app) trigger(ctx context.Context, name string, t *trigger) error {
	if t.count < 1 || t.count > maxTriggers {
		return usage(fmt.Sprintf("--count is %d", t.count), fmt.Sprintf("write a number from 1 to %d", maxTriggers))
	}
	f, err := get(name, t.sets)
	if err != nil {
		return err
	}
	to, err := a.aim(f, t)
	if err != nil {
		return err
	}
	if made, err := a.signWith(&to, t.key); made || err != nil {
		return err
	}
	if t.curl {
		return a.printCurl(f, to)
	}
	out, err := a.sender(to.url)
	if err != nil {
		return err
	}
	defer out.egress.Close()
	return a.sendAll(ctx, out, to, sending{name: name, sets: t.sets, count: t.count})
}

// get returns the fixture with its changes.
func get(name string, sets []string) (fixture.Fixture, error) {
	f, err := fixture.Get(name)
	if unknown, ok := errors.AsType[*fixture.UnknownError](err); ok {
		todo := "run forebay trigger --list to see all"
		if len(unknown.Near) > 0 {
			todo = "did you mean " + strings.Join(unknown.Near, ", ") + "?"
		}
		return f, usage("there is no webhook "+quote(name), todo)
	}
	if err != nil {
		return f, err
	}
	f, err = f.With(sets)
	if bad, ok := errors.AsType[*fixture.SetError](err); ok {
		return f, usage(bad.Error(), "write --set path.to.value=VALUE; forebay trigger "+name+" --curl shows the body")
	}
	return f, err
}

// A destination is where a webhook goes and how it is signed.
type destination struct {
	hook   string
	url    string
	source verify.Config
	key    crypto.Signer // for senders that sign with a private key
}

// aim finds the destination: what was typed, else the configuration's.
func (a *app) aim(f fixture.Fixture, t *trigger) (destination, error) {
	if t.url != "" && t.secret+t.key != "" && t.hook == "" {
		if f.Source == "" {
			return destination{}, usage(f.Name+" has no sender of its own", "name a hook of the configuration with --hook: it says how to sign")
		}
		return typedDestination(f, t), nil
	}
	c, err := a.load()
	if err != nil {
		return destination{}, err
	}
	name, err := hookFor(c, f, t.hook)
	if err != nil {
		return destination{}, err
	}
	to := destination{hook: name, url: t.url, source: c.Hooks[name].Source.Verification()}
	if to.url == "" {
		to.url = "http://" + dialable(c.Listen) + "/hooks/" + name
	}
	if t.secret != "" {
		to.source.Secrets = []string{t.secret}
	}
	return to, nil
}

// typedDestination is one without a configuration.
func typedDestination(f fixture.Fixture, t *trigger) destination {
	to := destination{url: t.url, source: verify.Config{Type: f.Source, PublicURL: signsURL(f.Source, t.url)}}
	if t.secret != "" {
		to.source.Secrets = []string{t.secret}
	}
	return to
}

// signsURL returns url for the senders that sign it.
func signsURL(source, url string) string {
	if s, _ := verify.Lookup(source); s.SignsURL() {
		return url
	}
	return ""
}

// hookFor returns the hook that was named, or the only one that takes f.
func hookFor(c *config.Config, f fixture.Fixture, named string) (string, error) {
	names := slices.Sorted(maps.Keys(c.Hooks))
	if named == "" {
		var fit []string
		for _, name := range names {
			if takes(c.Hooks[name], f) {
				fit = append(fit, name)
			}
		}
		if len(fit) == 1 {
			return fit[0], nil
		}
		if len(fit) == 0 {
			return "", usage("no hook of "+c.File+" takes "+f.Name, "add a hook with source: {type: "+sourceOf(f)+"}, or name one with --hook")
		}
		return "", usage("several hooks take "+f.Name, "name one with --hook: "+strings.Join(fit, ", "))
	}
	h, ok := c.Hooks[named]
	if !ok {
		return "", usage("there is no hook "+quote(named)+" in "+c.File, "name one of "+strings.Join(names, ", "))
	}
	if !takes(h, f) {
		return "", usage(fmt.Sprintf("hook %s takes webhooks of %s, %s is one of %s", named, h.Source.Type, f.Name, sourceOf(f)),
			"name another hook with --hook, or another webhook; forebay trigger --list shows all")
	}
	return named, nil
}

// generic are the types of source whose sender may send anything.
var generic = []string{"hmac", "token", "basic", "standardwebhooks"}

func takes(h config.Hook, f fixture.Fixture) bool {
	return h.Source.Type == f.Source || f.Source == "" && slices.Contains(generic, h.Source.Type)
}

func sourceOf(f fixture.Fixture) string {
	if f.Source == "" {
		return "hmac"
	}
	return f.Source
}

// signed makes the request of f for a destination.
func signed(f fixture.Fixture, to destination) (*http.Request, []byte, error) {
	body, err := f.Body()
	if err != nil {
		return nil, nil, err
	}
	_, kind, _ := strings.Cut(f.Name, ".")
	r, err := verify.Sign(to.source, verify.SignInput{
		Method: f.Method, URL: to.source.PublicURL, Header: f.Header(), Body: body, Now: time.Now(),
		ID: "msg_" + rand.Text(), Type: kind, Key: to.key,
	})
	if err != nil {
		if bad, ok := errors.AsType[*verify.ConfigError](err); ok {
			return nil, nil, fail("the source cannot sign: "+bad.Message, bad.Remedy)
		}
		return nil, nil, failBecause(err, f.Name+" cannot be signed", "choose a hook whose sender signs with a shared secret")
	}
	req, err := http.NewRequest(r.Method, withSignedQuery(to, r.URL), bytes.NewReader(r.Body))
	if err != nil {
		return nil, nil, usage(quote(to.url)+" is not a URL", "write it as http://127.0.0.1:8080/hooks/NAME")
	}
	req.Header = r.Header
	return req, r.Body, nil
}

// withSignedQuery is the destination's URL, with the query of the signed URL
// where the sender puts its proof there.
func withSignedQuery(to destination, signed string) string {
	was, err := url.Parse(to.source.PublicURL)
	now, err2 := url.Parse(signed)
	target, err3 := url.Parse(to.url)
	if err != nil || err2 != nil || err3 != nil || now.RawQuery == was.RawQuery {
		return to.url
	}
	target.RawQuery = now.RawQuery
	return target.String()
}

// printCurl prints the signed request as a command line.
func (a *app) printCurl(f fixture.Fixture, to destination) error {
	req, body, err := signed(f, to)
	if err != nil {
		return err
	}
	a.printf("curl -sS -X %s %s", req.Method, shellQuote(req.URL.String()))
	for _, key := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[key] {
			a.printf(" \\\n  -H %s", shellQuote(key+": "+value))
		}
	}
	a.printf(" \\\n  --data-binary %s\n", shellQuote(string(body)))
	return nil
}

// shellQuote quotes text for a POSIX shell. A leading @ would make curl read a
// file; no body of a fixture starts with one.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
