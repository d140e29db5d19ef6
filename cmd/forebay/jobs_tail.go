package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

func newJobsTailCommand(a *app, r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "tail JOB",
		Short: "Follow a job until it is done; the answer as it is written",
		Long: "Follow a job until it is done. The answer goes to standard output as it is written, what happens to the job to standard error.\n" +
			"With --json each event of the stream is one line. The exit code is 1 unless the job succeeds.",
		Args: argCount(1, 1, "name one job: forebay jobs tail JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.run(a, cmd, func(ctx context.Context, c *client) error {
				t := &tail{app: a, client: c, job: args[0]}
				return t.follow(ctx)
			})
		},
	}
}

const (
	tailTries = 8       // connections in a row that bring nothing
	maxEvent  = 8 << 20 // bytes of one line of the stream: done carries the whole answer
)

// A tail follows one job over as many connections as it takes.
type tail struct {
	app    *app
	client *client
	job    string

	lastID  string // resumes the stream
	told    string // the last line about the job's state
	call    int    // whose text is printed
	offset  int    // bytes of it that were printed
	midLine bool
	final   *api.JobView
}

// follow reads streams until one says done.
func (t *tail) follow(ctx context.Context) error {
	failures := 0
	for {
		before := t.lastID
		err := t.connect(ctx)
		switch {
		case t.final != nil:
			return t.end()
		case ctx.Err() != nil:
			return ctx.Err()
		case t.lastID == "" && err != nil:
			return err
		case t.lastID != before:
			failures = 0
		default:
			failures++
		}
		if failures >= tailTries {
			return failBecause(cmp.Or(err, io.ErrUnexpectedEOF), "the stream broke off", "run the command again")
		}
		if err := pause(ctx, time.Duration(1+failures)*500*time.Millisecond); err != nil {
			return err
		}
	}
}

// pause waits unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connect reads one stream to its end.
func (t *tail) connect(ctx context.Context) error {
	policy := t.client.policy
	policy.MaxBytes = maxStreaming
	header := map[string]string{"Accept": "text/event-stream"}
	if t.lastID != "" {
		header["Last-Event-ID"] = t.lastID
	}
	resp, err := t.client.send(ctx, policy, request{method: http.MethodGet, path: jobPath(t.job, "/stream"), header: header})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // whatever it is, it is no stream
		return t.client.refusal(resp, text)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	var e streamEvent
	for lines.Scan() {
		if done := e.add(lines.Text()); !done {
			continue
		}
		if err := t.take(e); err != nil {
			return err
		}
		e = streamEvent{}
	}
	return lines.Err()
}

// A streamEvent is one server-sent event.
type streamEvent struct {
	Event string          `json:"event"`
	ID    string          `json:"id"`
	Data  json.RawMessage `json:"data"`
}

// add reads one line and reports whether the event is whole. Comments make an
// event without a name, which is dropped.
func (e *streamEvent) add(line string) bool {
	if line == "" {
		return e.Event != ""
	}
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "event":
		e.Event = value
	case "id":
		e.ID = value
	case "data":
		e.Data = json.RawMessage(value)
	}
	return false
}

// take prints one event and remembers where it ended.
func (t *tail) take(e streamEvent) error {
	if !json.Valid(e.Data) {
		return t.client.stranger()
	}
	t.lastID = e.ID
	if t.app.json {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		t.app.printf("%s\n", line)
	}
	var err error
	switch e.Event {
	case "state":
		var state struct {
			api.JobHead
			Stream struct{ Call, Offset int } `json:"stream"`
		}
		if err = json.Unmarshal(e.Data, &state); err == nil {
			t.state(state.JobHead, state.Stream.Call, state.Stream.Offset)
		}
	case "delta":
		var delta struct{ Text string }
		if err = json.Unmarshal(e.Data, &delta); err == nil {
			t.text(delta.Text)
		}
	case "done":
		t.final = new(api.JobView)
		err = json.Unmarshal(e.Data, t.final)
	}
	return err
}

// state tells what happened to the job.
func (t *tail) state(j api.JobHead, call, offset int) {
	anew := t.offset > 0 && (call != t.call || offset != t.offset)
	t.call, t.offset = call, offset
	line := string(j.State)
	if w := why(j); w != "" {
		line += ": " + w
	}
	if j.Until != nil {
		line += " until " + moment(j.Until)
	}
	if line != t.told || anew { // a new connection begins with a state that may be no news
		t.told = line
		t.say(line)
	}
	if anew {
		t.say(fmt.Sprintf("call %d: the text starts anew", call))
	}
}

// text prints a piece of the answer.
func (t *tail) text(piece string) {
	t.offset += len(piece)
	if t.app.json || piece == "" {
		return
	}
	t.app.printf("%s", escapeHidden(piece))
	t.midLine = !strings.HasSuffix(piece, "\n")
}

// say writes a line about the job, on a line of its own.
func (t *tail) say(line string) {
	if t.app.json {
		return
	}
	if t.midLine {
		t.app.printf("\n")
		t.midLine = false
	}
	t.app.errorf("%s %s\n", printable(t.job), line)
}

// end tells how it ended.
func (t *tail) end() error {
	j := t.final
	if j.State == event.Succeeded {
		t.say("succeeded: " + usd(j.CostUSD))
		return nil
	}
	if t.midLine {
		t.app.printf("\n")
	}
	what := printable(t.job) + " is " + string(j.State)
	if j.LastError != nil {
		return fail(what+": "+printable(j.LastError.Code+": "+j.LastError.Message), printable(j.LastError.Hint))
	}
	if j.SupersededBy != "" {
		return fail(what, "follow the newer one: forebay jobs tail "+printable(j.SupersededBy))
	}
	return fail(what, "")
}
