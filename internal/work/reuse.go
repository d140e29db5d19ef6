package work

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/forebayhq/forebay/event"
)

// behind is how long a job waits at most for another's answer before it looks
// again.
const behind = time.Minute

// reuse answers the job with what the same request was answered with before,
// if that is not older than the hook allows. A request that is under way is
// waited for, so that two at once cost one call. A rerun is always paid anew.
func (a *attempt) reuse(ctx context.Context, text string) (event.Settlement, bool) {
	if a.hook.Reuse <= 0 {
		return event.Settlement{}, false
	}
	now := a.w.now()
	found, err := a.w.opts.Ledger.Reuse(ctx, event.Reuse{
		Lease: a.job.Lease, Key: a.digest(text), For: a.hook.Reuse, Fresh: a.job.Job.RerunOf != "", Now: now,
	})
	switch {
	case err != nil:
		if ctx.Err() == nil {
			a.log.Error("no answer looked up to use again", "error", err)
		}
		return event.Settlement{}, false
	case found.Wait:
		return a.again(event.Again{Reason: event.WaitingTurn, Until: now.Add(behind), Free: true, Behind: found.JobID}), true
	case found.Result == nil:
		return event.Settlement{}, false
	}
	return a.reused(found, now), true
}

// reused is a settlement with another job's answer: no call, no cost, and
// deliveries of its own.
func (a *attempt) reused(found event.Reusable, now time.Time) event.Settlement {
	result, saved := *found.Result, event.NanoUSD(0)
	if result.Cost != nil {
		saved = *result.Cost
	}
	result.Usage, result.Cost, result.CreatedAt = event.Usage{}, new(event.NanoUSD(0)), now
	result.Notes = append(a.notes, "the answer of "+found.JobID+" to the same request")
	s := a.settlement()
	s.Done = &event.Done{Result: result, Deliveries: a.plans, ReusedFrom: found.JobID, Saved: saved}
	return s
}

// digest names all that an answer depends on. The hook is part of it: what one
// hook was answered is nothing that another may be told.
func (a *attempt) digest(text string) []byte {
	h := sha256.New()
	for _, part := range []string{
		a.hook.Name, a.job.Job.Model, a.hook.System, text, a.hook.Thinking, a.hook.Effort, string(a.hook.Schema),
	} {
		_ = binary.Write(h, binary.BigEndian, int64(len(part)))
		h.Write([]byte(part))
	}
	_ = binary.Write(h, binary.BigEndian, int64(a.hook.MaxTokens))
	return h.Sum(nil)
}
