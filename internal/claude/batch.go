package claude

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
)

const (
	// maxResults bounds the results of a batch, which are streamed: a hundred
	// thousand of the longest answers are not more.
	maxResults = 64 << 30
	// maxPages bounds how far back a list of batches is read.
	maxPages = 100
)

// A BatchInfo is what the API says about a Message Batch
// (https://platform.claude.com/docs/en/api/retrieving-message-batches).
type BatchInfo struct {
	ID        string
	Ended     bool // every request has a result
	Requests  int  // of all kinds together
	CreatedAt time.Time
	ExpiresAt time.Time
	Archived  bool // its results are gone, 29 days after it was created
}

// Params returns the parameters of a request as a batch carries them. Equal
// requests give equal bytes.
func Params(r Request) (json.RawMessage, error) {
	params, err := messageParams(r)
	if err != nil {
		return nil, &Error{Verdict: GiveUp, Code: CodeInvalidRequest, Message: oneLine(err.Error())}
	}
	text, err := json.Marshal(params)
	if err != nil {
		return nil, &Error{Verdict: GiveUp, Code: CodeInvalidRequest, Message: oneLine(err.Error())}
	}
	return text, nil
}

// A BatchBody collects the requests of a batch. The zero value is ready.
type BatchBody struct {
	buf    bytes.Buffer
	n      int
	closed bool
}

// Add adds a request, with parameters of Params; the id comes back with its
// result. It is 1 to 64 letters, digits, - and _.
func (b *BatchBody) Add(id string, params json.RawMessage) {
	if b.n++; b.n == 1 {
		b.buf.WriteString(`{"requests":[`)
	} else {
		b.buf.WriteByte(',')
	}
	name, _ := json.Marshal(id) // a string cannot fail
	b.buf.WriteString(`{"custom_id":`)
	b.buf.Write(name)
	b.buf.WriteString(`,"params":`)
	b.buf.Write(params)
	b.buf.WriteByte('}')
}

// bytes is the whole request. Nothing can be added any more.
func (b *BatchBody) bytes() []byte {
	if !b.closed {
		b.buf.WriteString("]}")
		b.closed = true
	}
	return b.buf.Bytes()
}

// Len returns how many requests were added.
func (b *BatchBody) Len() int { return b.n }

// CreateBatch asks the API to make a batch. It makes exactly one HTTP request.
// An *Error with NotMade says for sure that there is no batch; after any other
// error there may be one, and it is paid for.
func (c *Client) CreateBatch(ctx context.Context, b *BatchBody) (BatchInfo, error) {
	body := b.bytes() // not copied: it may be large
	var info BatchInfo
	err := c.short(ctx, "", func(ctx context.Context, o option.RequestOption) error {
		got, err := c.api.Messages.Batches.New(ctx, anthropic.MessageBatchNewParams{}, option.WithRequestBody("application/json", body), o)
		if err == nil {
			info = batchInfo(*got)
		}
		return err
	})
	if err == nil && info.ID == "" {
		err = &Error{Verdict: Retry, Code: CodeInvalidOutput, Message: "the answer names no batch"}
	}
	return info, err
}

// NotMade reports whether the API refused to make what it was asked for, so
// that nothing was made: it answered, and that the request was not good or not
// now, or nobody was reached who could have made it. After a failure on its
// side, or none that came, nobody knows.
func (e *Error) NotMade() bool {
	if op, ok := errors.AsType[*net.OpError](e.Err); ok && op.Op == "dial" {
		return true
	}
	return e.Status >= 400 && e.Status < 500 && e.Status != 408 && e.Status != 409
}

// Batch asks about one batch. An *Error with CodeBatchLost: there is none of
// this id any more.
func (c *Client) Batch(ctx context.Context, id string) (BatchInfo, error) {
	var info BatchInfo
	var cause error
	err := c.short(ctx, "", func(ctx context.Context, o option.RequestOption) error {
		var got *anthropic.MessageBatch
		if got, cause = c.api.Messages.Batches.Get(ctx, id, anthropic.MessageBatchGetParams{}, o); cause == nil {
			info = batchInfo(*got)
		}
		return cause
	})
	return info, lost(cause, err)
}

// lost makes of the API's own word that there is no such batch, or no results
// of it, an *Error with CodeBatchLost. A 404 of somebody else's, a proxy, stays
// what it was.
func lost(cause, err error) error {
	e, ours := errors.AsType[*Error](err)
	api, theirs := errors.AsType[*anthropic.Error](cause)
	if !ours || !theirs || api.Type() != "not_found_error" {
		return err
	}
	e.Verdict, e.Code, e.Message = GiveUp, CodeBatchLost, oneLine(api.Message)
	e.Hint = "results are kept for 29 days; see the Claude console for who deleted the batch"
	return e
}

// BatchesSince lists the batches of the workspace that were created at since or
// later, newest first.
func (c *Client) BatchesSince(ctx context.Context, since time.Time) ([]BatchInfo, error) {
	var all []BatchInfo
	after, more := "", true
	for pages := 0; more; pages++ {
		if pages == maxPages {
			return nil, &Error{Verdict: Retry, Code: CodeInvalidOutput, Message: "the list of batches has no end"}
		}
		err := c.short(ctx, "", func(ctx context.Context, o option.RequestOption) error {
			params := anthropic.MessageBatchListParams{Limit: anthropic.Int(100)}
			if after != "" {
				params.AfterID = anthropic.String(after)
			}
			page, err := c.api.Messages.Batches.List(ctx, params, o)
			if err != nil {
				return err
			}
			more = page.HasMore && page.LastID != "" && page.LastID != after
			after = page.LastID
			for _, b := range page.Data {
				if b.CreatedAt.Before(since) {
					more = false
					continue
				}
				all = append(all, batchInfo(b))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// CancelBatch asks the API to end a batch early. Requests that are done are
// paid for and have results.
func (c *Client) CancelBatch(ctx context.Context, id string) error {
	return c.short(ctx, "", func(ctx context.Context, o option.RequestOption) error {
		_, err := c.api.Messages.Batches.Cancel(ctx, id, anthropic.MessageBatchCancelParams{}, o)
		return err
	})
}

func batchInfo(b anthropic.MessageBatch) BatchInfo {
	n := b.RequestCounts
	return BatchInfo{
		ID: b.ID, Ended: b.ProcessingStatus == anthropic.MessageBatchProcessingStatusEnded,
		Requests:  int(n.Processing + n.Succeeded + n.Errored + n.Canceled + n.Expired),
		CreatedAt: b.CreatedAt, ExpiresAt: b.ExpiresAt, Archived: !b.ArchivedAt.IsZero(),
	}
}

// errVisit is a visitor's word to stop.
type errVisit struct{ error }

// Unwrap returns the visitor's own error.
func (e errVisit) Unwrap() error { return e.error }

// BatchResults streams the results of a batch that has ended to visit, in no
// order. It stops at the first error, visit's own included; a stream that broke
// off is an *Error, and one with CodeBatchLost says that there is nothing to read.
func (c *Client) BatchResults(ctx context.Context, id string, visit func(BatchResult) error) error {
	watched, w := c.watch(ctx)
	defer w.stop()
	w.limit = maxResults
	stream := c.api.Messages.Batches.ResultsStreaming(watched, id, anthropic.MessageBatchResultsParams{}, option.WithMiddleware(w.middleware))
	defer func() { _ = stream.Close() }()
	err := func() error {
		for stream.Next() {
			if err := visit(BatchResult{stream.Current()}); err != nil {
				return errVisit{err}
			}
		}
		return stream.Err()
	}()
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[errVisit](err); ok {
		return own.error
	}
	if ctx.Err() != nil {
		return fmt.Errorf("reading of batch results interrupted: %w", context.Cause(ctx))
	}
	p := newReply(Request{}, nil)
	return lost(err, p.failed(w.explain(err), w.resp, time.Now()))
}
