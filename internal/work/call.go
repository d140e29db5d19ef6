package work

import (
	"context"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

// flushEvery is how often streamed text is stored for those who watch.
const flushEvery = 250 * time.Millisecond

// begin stores the call's row before the request leaves, so that a crash
// leaves a trace of money that may have been spent.
func (a *attempt) begin(ctx context.Context) error {
	now := a.w.now()
	a.call = &event.Call{
		ID: event.NewID(event.PrefixCall, now), JobID: a.job.Job.ID, Attempt: a.job.Job.Attempts,
		Lane: a.job.Job.Lane, Model: a.job.Job.Model, StartedAt: now, Outcome: event.CallUnknown,
		Reserved: a.most,
	}
	return a.w.opts.Ledger.BeginCall(ctx, a.job.Lease, *a.call)
}

// ask calls Claude and stores the text as it streams in.
func (a *attempt) ask(ctx context.Context, text string) (claude.Answer, error) {
	d := &draft{a: a, ctx: ctx}
	r := a.request(text)
	r.Begun = func(b claude.Begin) { a.begun(ctx, b) }
	answer, err := a.w.opts.Claude.Call(ctx, r, d.add)
	d.flush()
	return answer, err
}

// request is the question that the hook asks of the model.
func (a *attempt) request(text string) claude.Request {
	return claude.Request{
		Model: a.job.Job.Model, System: a.hook.System, Prompt: text,
		MaxTokens: a.hook.MaxTokens, Thinking: a.hook.Thinking, Effort: a.hook.Effort,
		Cache: a.hook.Cache, Schema: a.hook.Schema,
	}
}

// begun tells the lane what the first event of the answer says.
func (a *attempt) begun(ctx context.Context, b claude.Begin) {
	a.seen = b.Usage
	if a.grant == nil {
		return
	}
	now := a.w.now()
	if err := a.w.opts.Ledger.UpdateLane(ctx, a.job.Job.Lane, now, a.w.opts.Governor.Begun(a.grant, b.Usage, b.Headers, now)); err != nil && ctx.Err() == nil {
		a.log.Error("lane not updated", "error", err)
	}
}

// A draft gathers streamed text and stores it piece by piece. Losing a piece
// loses nothing but a spectator's view.
type draft struct {
	a      *attempt
	ctx    context.Context // of the call that streams; the draft lives no longer
	text   strings.Builder
	offset int // bytes stored
	last   time.Time
}

// add takes the next piece of text.
func (d *draft) add(text string) {
	now := d.a.w.now()
	if d.a.first == 0 {
		d.a.first = now.Sub(d.a.call.StartedAt)
	}
	if d.a.grant != nil {
		d.a.w.streamed(d.a.job.Job.Lane, d.a.grant.Stream(len(text)))
	}
	d.text.WriteString(text)
	if now.Sub(d.last) >= flushEvery {
		d.flush()
		d.last = now
	}
}

// flush stores what has gathered.
func (d *draft) flush() {
	if d.text.Len() == 0 {
		return
	}
	piece := event.DraftChunk{Attempt: d.a.job.Job.Attempts, Offset: d.offset, Text: d.text.String()}
	d.offset += d.text.Len()
	d.text.Reset()
	if err := d.a.w.opts.Ledger.SaveDraft(d.ctx, d.a.job.Lease, piece); err != nil && d.ctx.Err() == nil {
		d.a.log.Debug("draft not stored", "error", err)
	}
}
