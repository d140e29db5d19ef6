package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/fixture"
)

// A poster sends webhooks to one origin.
type poster struct {
	egress *egress.Egress
	http   *http.Client
}

// sender makes the client. The operator typed the address, so it may be a
// private one.
func (a *app) sender(to string) (*poster, error) {
	at, err := url.Parse(to)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, usage(quote(to)+" is not a URL", "write it as http://127.0.0.1:8080/hooks/NAME")
	}
	out, err := egress.New(egress.Options{Allow: []string{hostPort(at)}})
	if err != nil {
		return nil, usage(quote(to)+" cannot be called: "+err.Error(), "write it as http://127.0.0.1:8080/hooks/NAME")
	}
	hc, err := out.Client(egress.Policy{Origin: at.Scheme + "://" + at.Host, Timeout: triggerTimeout, MaxBytes: 1 << 20})
	if err != nil {
		out.Close()
		return nil, err
	}
	return &poster{egress: out, http: hc}, nil
}

// A sending is a series of webhooks.
type sending struct {
	name  string
	sets  []string
	count int
}

// An answer is what the server said to one webhook.
type answer struct {
	Webhook string          `json:"webhook"`
	URL     string          `json:"url"`
	Status  int             `json:"status"`
	Millis  int64           `json:"ms"`
	Body    json.RawMessage `json:"answer,omitempty"`
	Text    string          `json:"text,omitempty"` // where the answer is not JSON
}

func (a *app) sendAll(ctx context.Context, out *poster, to destination, s sending) error {
	refused := 0
	for range s.count {
		f, err := get(s.name, s.sets)
		if err != nil {
			return err
		}
		got, err := send(ctx, out.http, f, to)
		if err != nil {
			return err
		}
		if got.Status >= 300 {
			refused++
		}
		a.printAnswer(got)
	}
	if refused > 0 {
		return exitCode(exitFailed)
	}
	return nil
}

// send sends one webhook and reads the answer.
func send(ctx context.Context, hc *http.Client, f fixture.Fixture, to destination) (answer, error) {
	req, _, err := signed(f, to)
	if err != nil {
		return answer{}, err
	}
	begin := time.Now()
	resp, err := hc.Do(req.WithContext(ctx))
	if ctx.Err() != nil {
		return answer{}, fail("interrupted", "")
	}
	if err != nil {
		if cause, ok := errors.AsType[*url.Error](err); ok {
			err = cause.Err // its text repeats the URL
		}
		return answer{}, failBecause(err, "nothing answers at "+to.url, "start the server with: forebay serve; or say where it is with --to")
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, failBecause(err, "the answer broke off", "try again")
	}
	got := answer{Webhook: f.Name, URL: to.url, Status: resp.StatusCode, Millis: time.Since(begin).Milliseconds()}
	if json.Valid(text) {
		got.Body = text
	} else {
		got.Text = string(text)
	}
	return got, nil
}

// printAnswer says in one line, or in JSON, what the server said.
func (a *app) printAnswer(got answer) {
	if a.json {
		a.printJSON(got)
		return
	}
	var said struct {
		Status, Job, Reason string
		Error               struct{ Code, Message, Hint string }
	}
	_ = json.Unmarshal(got.Body, &said) // a body of another shape says nothing here
	line := fmt.Sprintf("%d %s", got.Status, strings.Join(strings.Fields(said.Status+" "+said.Job+" "+said.Reason), " "))
	if said.Error.Code != "" {
		line = fmt.Sprintf("%d %s: %s; %s", got.Status, said.Error.Code, said.Error.Message, said.Error.Hint)
	} else if said.Status == "" {
		line = fmt.Sprintf("%d %s", got.Status, cut(got.Text+string(got.Body), 200))
	}
	color := green
	if got.Status >= 300 {
		color = red
	}
	a.printf("%s %s\n", a.paint(color, printable(strings.TrimSpace(line))), a.paint(faint, fmt.Sprintf("(%d ms)", got.Millis)))
}

// cut shortens text to n bytes at most.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "..."
}
