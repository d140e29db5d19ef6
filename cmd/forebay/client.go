package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/egress"
)

const (
	defaultURL   = "http://127.0.0.1:8081"
	keyVariable  = "FOREBAY_ADMIN_KEY"
	askTimeout   = 30 * time.Second
	maxAnswer    = 64 << 20  // of one request
	maxStreaming = 256 << 20 // of one stream
)

// A remote is how a command finds the running server that it talks to.
type remote struct {
	url, config, key string
}

// remoteFlags gives cmd and its subcommands the flags that find a server.
func remoteFlags(cmd *cobra.Command) *remote {
	r := &remote{}
	flags := cmd.PersistentFlags()
	flags.StringVar(&r.url, "url", "", "the admin listener of a running server (default "+defaultURL+")")
	flags.StringVarP(&r.config, "config", "c", "", "take the address from admin.listen and the key from admin.keys of this `file`")
	flags.StringVar(&r.key, "key", "", "an API key; better in "+keyVariable+", which other users of the machine cannot see")
	return r
}

// A client talks to the admin API of one server.
type client struct {
	base   string // scheme and host
	policy egress.Policy
	egress *egress.Egress
}

// open finds the server. Nothing is sent yet.
func (r *remote) open(a *app) (*client, error) {
	base, key, err := r.find(a)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(base)
	if err != nil || at.Host == "" || (at.Scheme != "http" && at.Scheme != "https") || strings.Trim(at.Path, "/") != "" || at.User != nil {
		return nil, usage(quote(base)+" is not the address of a server", "write it as "+defaultURL)
	}
	// The address was typed by the operator, so it may be a private one.
	out, err := egress.New(egress.Options{Allow: []string{hostPort(at)}})
	if err != nil {
		return nil, usage(quote(base)+" cannot be called: "+err.Error(), "write it as "+defaultURL)
	}
	policy := egress.Policy{Origin: at.Scheme + "://" + at.Host}
	if key != "" {
		policy.Header = http.Header{"Authorization": {"Bearer " + key}}
	}
	return &client{base: at.Scheme + "://" + at.Host, policy: policy, egress: out}, nil
}

// find says where the server is and with which key: what was typed, else what
// the configuration says, else the default.
func (r *remote) find(a *app) (base, key string, err error) {
	base, key = r.url, r.key
	if key == "" {
		key, _ = a.getenv(keyVariable)
	}
	if r.config == "" {
		if base == "" {
			base = defaultURL
		}
		return base, key, nil
	}
	c, err := config.Load(r.config, a.getenv)
	if err != nil {
		return "", "", err
	}
	if base == "" {
		if c.Admin.Listen == "off" {
			return "", "", fail("the server of "+r.config+" has no admin listener", "set admin.listen, or name another server with --url")
		}
		base = "http://" + dialable(c.Admin.Listen)
	}
	if key == "" && len(c.Admin.Keys) > 0 {
		key = c.Admin.Keys[0].Reveal()
	}
	return base, key, nil
}

// dialable is an address to call for one to listen on: ":8081" and
// "0.0.0.0:8081" listen on loopback too.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// ask sends one request and decodes the answer into into. body may be nil.
func (c *client) ask(ctx context.Context, method, path string, body, into any) error {
	policy := c.policy
	policy.Timeout, policy.MaxBytes = askTimeout, maxAnswer
	resp, err := c.send(ctx, policy, request{method: method, path: path, body: body})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return failBecause(err, "the answer of "+c.base+" broke off", "try again")
	}
	if resp.StatusCode >= 300 {
		return c.refusal(resp, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return c.stranger()
	}
	return nil
}

// A request is what send sends.
type request struct {
	method, path string
	body         any
	header       map[string]string
}

func (c *client) send(ctx context.Context, policy egress.Policy, q request) (*http.Response, error) {
	var body io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, body)
	if err != nil {
		return nil, err
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	hc, err := c.egress.Client(policy)
	if err != nil {
		return nil, err
	}
	resp, err := hc.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return resp, nil
}

// unreachable says why there is no answer.
func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cause, ok := errors.AsType[*url.Error](err); ok {
		err = cause.Err // its text repeats the URL
	}
	return failBecause(err, "no server answers at "+c.base,
		"start one with: forebay serve; or say where it is with --url or --config")
}

// refusal turns the API's error into one for people.
func (c *client) refusal(resp *http.Response, text []byte) error {
	var doc struct {
		Error event.Failure `json:"error"`
	}
	if err := json.Unmarshal(text, &doc); err != nil || doc.Error.Code == "" {
		return c.stranger()
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return &failure{Code: printable(doc.Error.Code), What: "the server at " + c.base + " wants one of its API keys",
			Todo: "set " + keyVariable + ", or give --key or --config", exit: exitFailed}
	}
	return &failure{Code: printable(doc.Error.Code), What: printable(doc.Error.Message),
		Todo: printable(inCommands(resp.Request.URL.Path, doc.Error)), exit: exitFailed}
}

// inCommands is the API's remedy in words of commands: its own speaks to
// programs that call it.
func inCommands(path string, f event.Failure) string {
	switch f.Code {
	case "not_found":
		return notFoundRemedy(path)
	case "method_not_allowed", "query_unknown":
		return sameVersion
	case "query_too_long":
		return "look for less with --hook or --search"
	case "cursor_invalid":
		return "give --cursor what the page before ended with, or leave it out to begin anew"
	case "limit_invalid":
		return "write --limit 50, or leave it out"
	case "pause_invalid":
		return "write --for 30m, or leave it out"
	case "too_many_waiting", "stopping", "store_full", "interrupted":
		return "try again in a few seconds"
	}
	return f.Hint
}

const sameVersion = "the server may be of another version: compare forebay version with its log"

func notFoundRemedy(path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/lanes/"):
		return "list them with: forebay lanes"
	case strings.HasPrefix(path, "/v1/jobs/") && strings.HasSuffix(path, "/event"):
		return "list jobs with: forebay jobs list; retention.events says how long their events are kept"
	case strings.HasPrefix(path, "/v1/jobs/"):
		return "list them with: forebay jobs list; old ones are purged as retention says"
	}
	return sameVersion
}

func (c *client) stranger() error {
	return fail("what answers at "+c.base+" is not the admin listener of Forebay", "say where it is with --url or --config")
}

// jobPath is the path of one job, or of a verb on it ("/cancel").
func jobPath(id, verb string) string { return "/v1/jobs/" + url.PathEscape(id) + verb }

// withQuery adds the parameters that are set.
func withQuery(path string, parameters map[string]string) string {
	query := url.Values{}
	for name, value := range parameters {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// run opens a client for the time of one command.
func (r *remote) run(a *app, cmd *cobra.Command, do func(context.Context, *client) error) error {
	c, err := r.open(a)
	if err != nil {
		return err
	}
	defer c.egress.Close()
	if err := do(cmd.Context(), c); !errors.Is(err, context.Canceled) {
		return err
	}
	return fail("interrupted", "")
}

// printNewline is for text that may not end in one.
func (a *app) printNewline(last string) {
	if !strings.HasSuffix(last, "\n") {
		fmt.Fprintln(a.stdout)
	}
}
