package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/verify"
)

// A verification is what the flags of the command verify say.
type verification struct {
	hook, request, body, method, url, kind, at string
	headers, secrets                           []string
	expected                                   bool
}

// newVerifyCommand explains a captured request.
func newVerifyCommand(a *app) *cobra.Command {
	v := &verification{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Explain why a captured request would be accepted or refused",
		Long: `Verify a captured request as a hook of the configuration would, and explain the
verdict: what is signed, which headers came, how far the clocks are apart, and what
would have made the signature hold: the body before a tool wrote it again (and which
tool), the secret in another form or of another hook, the URL before a proxy, another
sender's type, test mode. Exit code 1 if the request is refused.

  forebay verify --hook pr-summary --request captured.http
  forebay verify --hook pr-summary --header 'X-Hub-Signature-256: sha256=...' --body body.json
  forebay verify --type stripe --secret "$SECRET" --request - < captured.http

A captured request is what went over the wire: request line, headers, an empty
line, the body byte for byte. What curl -v prints is understood too.`,
		GroupID: groupHooks,
		Args:    argCount(0, 0, "run forebay verify --hook NAME --request FILE"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context(), v) },
	}
	a.configFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&v.hook, "hook", "", "the hook of the configuration that it was sent to")
	flags.StringVar(&v.kind, "type", "", "a sender's name; with --secret instead of a configuration")
	flags.StringArrayVar(&v.secrets, "secret", nil, "the `secret` to verify with, instead of the hook's; may be repeated")
	flags.StringVar(&v.request, "request", "", "the `file` with the captured request; - for standard input")
	flags.StringArrayVar(&v.headers, "header", nil, "a `header` of the request, \"Name: value\"; may be repeated")
	flags.StringVar(&v.body, "body", "", "the `file` with the body; - for standard input")
	flags.StringVar(&v.method, "method", "", "the method (default the captured one, or POST)")
	flags.StringVar(&v.url, "url", "", "the URL that was called, for senders that sign it")
	flags.StringVar(&v.at, "at", "", "the `time` of the request: 2026-11-25T10:00:00Z or Unix seconds (default now)")
	flags.BoolVar(&v.expected, "expected", false, "show the signatures that the secrets make: they are as good as the secret for this request")
	return cmd
}

func (a *app) verify(ctx context.Context, v *verification) error {
	source, err := a.verifySource(v)
	if err != nil {
		return err
	}
	c, err := a.captured(v)
	if err != nil {
		return err
	}
	now, err := parseMoment(v.at)
	if err != nil {
		return err
	}
	request := verify.Request{Method: c.method, URL: c.url, Header: c.header, Body: c.body, Now: now}
	source, unread := a.published(ctx, v, source, request)
	e, err := verify.Explain(source, request)
	if bad, ok := errors.AsType[*verify.ConfigError](err); ok {
		return usage("the source does not work: "+bad.Field+": "+bad.Message, bad.Remedy)
	}
	if err != nil {
		return err
	}
	if !e.Accepted {
		if unread != nil {
			e.Findings = append(e.Findings, verify.Finding{Code: "keys", Text: unread.Error()})
		}
		e.Findings = append(e.Findings, a.otherHooks(v, source.Type, request)...)
		for _, note := range c.notes {
			e.Findings = append(e.Findings, verify.Finding{Code: "capture", Text: note})
		}
	}
	if !v.expected {
		e.Expected = nil
	}
	if a.json {
		a.printJSON(e)
	} else {
		a.printExplanation(e)
	}
	if !e.Accepted {
		return exitCode(exitFailed)
	}
	return nil
}

// published adds the keys that the hook's sender publishes, where the request
// needs them. The error says why they could not be read.
func (a *app) published(ctx context.Context, v *verification, source verify.Config, r verify.Request) (verify.Config, error) {
	if v.kind != "" || source.Keys == nil {
		return source, nil
	}
	c, err := a.load()
	if err != nil {
		return source, err
	}
	return forebay.WithPublishedKeys(ctx, c, source, r)
}

// verifySource is the source to verify by: a hook's, or the one that was typed.
func (a *app) verifySource(v *verification) (verify.Config, error) {
	if v.kind != "" {
		if len(v.secrets) == 0 {
			return verify.Config{}, usage("--type is set without --secret", "give both, or name a hook of the configuration with --hook")
		}
		return verify.Config{Type: v.kind, Secrets: v.secrets, PublicURL: signsURL(v.kind, v.url)}, nil
	}
	c, err := a.load()
	if err != nil {
		return verify.Config{}, err
	}
	name, err := namedHook(c, v.hook)
	if err != nil {
		return verify.Config{}, err
	}
	source := c.Hooks[name].Source.Verification()
	if len(v.secrets) > 0 {
		source.Secrets = v.secrets
	}
	return source, nil
}

// otherHooks names the hooks of the configuration whose secrets fit a request
// that this one refuses.
func (a *app) otherHooks(v *verification, kind string, r verify.Request) []verify.Finding {
	if v.kind != "" {
		return nil
	}
	c, err := a.load()
	if err != nil {
		return nil // it was read before, and said what is wrong with it
	}
	var out []verify.Finding
	for _, name := range slices.Sorted(maps.Keys(c.Hooks)) {
		source := c.Hooks[name].Source
		if name == v.hook || source.Type != kind {
			continue
		}
		if e, err := verify.Explain(source.Verification(), r); err == nil && e.Accepted {
			out = append(out, verify.Finding{Code: "other_hook", Text: "the secret of the hook " + name + " made this signature: the sender uses that for this URL, or calls the wrong one"})
		}
	}
	return out
}

// namedHook returns the hook that was named, or the only one there is.
func namedHook(c *config.Config, named string) (string, error) {
	names := slices.Sorted(maps.Keys(c.Hooks))
	if named == "" && len(names) == 1 {
		return names[0], nil
	}
	if named == "" {
		return "", usage("no hook is named", "name one with --hook: "+strings.Join(names, ", "))
	}
	if _, ok := c.Hooks[named]; !ok {
		return "", usage("there is no hook "+quote(named)+" in "+c.File, "name one of "+strings.Join(names, ", "))
	}
	return named, nil
}

// captured puts the request together: what was captured, then what was typed.
func (a *app) captured(v *verification) (*capturedRequest, error) {
	if v.request == "" && len(v.headers) == 0 {
		return nil, usage("there is no request", "give --request FILE, or --header and --body")
	}
	var text []byte
	var err error
	if v.request != "" {
		if text, err = a.readInput(v.request); err != nil {
			return nil, err
		}
	}
	c, err := readCapture(text)
	if err != nil {
		return nil, err
	}
	for _, line := range v.headers {
		if !c.headerLine(line) {
			return nil, usage("--header "+quote(line)+" is no header", `write --header "Name: value"`)
		}
	}
	if v.body != "" {
		if c.body, err = a.readInput(v.body); err != nil {
			return nil, err
		}
		c.notes = nil
	}
	if v.method != "" {
		c.method = v.method
	}
	if v.url != "" {
		c.url = v.url
	}
	return c, nil
}

// readInput reads a file, or standard input for "-".
func (a *app) readInput(path string) ([]byte, error) {
	in := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, failBecause(err, "the file cannot be read", "name an existing file, or - for standard input")
		}
		defer f.Close() // only read: nothing to lose
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxCapture+1))
	switch {
	case err != nil:
		return nil, failBecause(err, path+" cannot be read", "name an existing file, or - for standard input")
	case len(text) > maxCapture:
		return nil, fail(path+" is larger than 27 MiB", "no hook takes such a request")
	}
	return text, nil
}

// parseMoment reads a time; empty is now.
func parseMoment(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usage("--at "+quote(text)+" is no time", "write 2026-11-25T10:00:00Z or Unix seconds")
	}
	return t, nil
}

// printExplanation writes a verdict for people.
func (a *app) printExplanation(e verify.Explanation) {
	switch {
	case e.Handshake != "":
		a.printf("%s as the handshake %s of %s\n", a.paint(green, "accepted"), e.Handshake, e.Sender)
	case e.Accepted && e.Secret != nil:
		a.printf("%s: it comes from %s; secret %d made the signature\n", a.paint(green, "accepted"), e.Sender, *e.Secret+1)
	case e.Accepted:
		a.printf("%s: it comes from %s\n", a.paint(green, "accepted"), e.Sender)
	default:
		a.printf("%s: %s: %s; %s\n", a.paint(red, "refused"), e.Code, printable(e.Message), printable(e.Hint))
	}
	for _, f := range e.Findings {
		a.printf("  %s %s\n", a.paint(bold, f.Code+":"), printable(f.Text))
	}
	a.printf("\n")
	rows := [][]string{}
	if e.Signed != "" {
		rows = append(rows, []string{"signed", fmt.Sprintf("%s, %d bytes", e.Signed, e.SignedBytes)})
	}
	if e.SkewSeconds != nil {
		rows = append(rows, []string{"clock", skew(*e.SkewSeconds)})
	}
	for _, h := range e.Headers {
		rows = append(rows, []string{"header", printable(headerSeen(h))})
	}
	for i, s := range e.Expected {
		rows = append(rows, []string{"expected", fmt.Sprintf("%s (secrets[%d])", s, i)})
	}
	a.table(rows)
}

func skew(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case seconds < 0:
		return fmt.Sprintf("signed %s in the future", -d)
	case seconds == 0:
		return "signed this second"
	default:
		return fmt.Sprintf("signed %s ago", d)
	}
}

func headerSeen(h verify.HeaderSeen) string {
	switch h.Times {
	case 0:
		return h.Name + " is missing; it holds " + h.Wants
	case 1:
		return fmt.Sprintf("%s: %s (%d characters; it holds %s)", h.Name, h.Start, h.Length, h.Wants)
	default:
		return fmt.Sprintf("%s stands there %d times", h.Name, h.Times)
	}
}
