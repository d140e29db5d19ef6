package claudetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// Bounds of https://platform.claude.com/docs/en/build-with-claude/batch-processing.
const (
	batchSize    = 100_000
	batchDay     = 24 * time.Hour
	batchResults = 29 * 24 * time.Hour // counted from the creation
)

// batches holds the Message Batches of a server. Time passes for a batch when
// it is looked at: there is no goroutine that works on it.
type batches struct {
	mu   sync.Mutex
	list []*batch // oldest first
}

// A batch is guarded by batches.mu.
type batch struct {
	id, org, workspace   string
	created              time.Time
	cancelled            time.Time // zero: not asked for
	ended                time.Time // zero: still in processing
	requests             []batchRequest
	counts               map[string]int
	results              []byte // JSON lines in no order
	version, resultsBase string
	rng                  *rand.Rand
}

type batchRequest struct {
	CustomID string          `json:"custom_id"`
	Params   json.RawMessage `json:"params"`
}

func (s *Server) createBatch(x *exchange) *apiError {
	if failed := s.admitBatchCall(x.now); failed != nil {
		return failed
	}
	body, failed := x.body(batchBody)
	if failed != nil {
		return failed
	}
	var fields struct {
		Requests []batchRequest `json:"requests"`
	}
	if err := json.Unmarshal(body, &fields); err != nil {
		return decodeError("", err)
	}
	if failed := checkBatch(fields.Requests); failed != nil {
		return failed
	}
	b := &batch{
		id: "msgbatch_01" + x.id(22), org: x.call.Organization, workspace: x.call.Workspace, created: x.now,
		requests: fields.Requests, version: x.version, rng: x.rng, resultsBase: "http://" + x.r.Host,
	}
	s.batches.mu.Lock()
	if failed = s.queueFull(b); failed == nil {
		s.batches.list = append(s.batches.list, b)
	}
	s.batches.mu.Unlock()
	if failed != nil {
		return failed
	}
	return s.answerBatch(x, b)
}

func checkBatch(requests []batchRequest) *apiError {
	if len(requests) == 0 || len(requests) > batchSize {
		return invalid(fmt.Sprintf("requests: List should have between 1 and %d items", batchSize))
	}
	form := regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	seen := make(map[string]bool, len(requests))
	for i, r := range requests {
		switch {
		case !form.MatchString(r.CustomID):
			return invalid(fmt.Sprintf("requests.%d.custom_id: String should match pattern '%s'", i, form))
		case seen[r.CustomID]:
			return invalid(fmt.Sprintf("requests.%d.custom_id: %q is not unique in the batch", i, r.CustomID))
		case len(r.Params) == 0 || r.Params[0] != '{':
			return invalid(fmt.Sprintf("requests.%d.params: Input should be a valid dictionary", i))
		}
		seen[r.CustomID] = true
	}
	return nil
}

// queueFull reports a batch for which the queue has no room. The caller holds
// batches.mu.
func (s *Server) queueFull(b *batch) *apiError {
	_, queue := s.batchLimits()
	waiting := int64(len(b.requests))
	for _, other := range s.batches.list {
		s.advance(other, b.created)
		if other.org == b.org && other.ended.IsZero() {
			waiting += int64(len(other.requests))
		}
	}
	if waiting > queue {
		return rateLimited(fmt.Sprintf("This batch would exceed your organization's limit of %s batch requests in the processing queue.", thousands(queue)), 60)
	}
	return nil
}

// advance lets the time pass for a batch. The caller holds batches.mu.
func (s *Server) advance(b *batch, now time.Time) {
	if !b.ended.IsZero() {
		return
	}
	due := b.created.Add(min(s.BatchDuration, batchDay))
	if !b.cancelled.IsZero() && b.cancelled.Before(due) {
		due = b.cancelled
	}
	if now.Before(due) {
		return
	}
	s.end(b, due)
}

// end makes the results. Of a batch that was cancelled or ran out of time the
// part is done that its duration allowed.
func (s *Server) end(b *batch, at time.Time) {
	b.ended = at
	b.counts = make(map[string]int)
	done := len(b.requests)
	rest := "expired"
	if !b.cancelled.IsZero() {
		rest = "canceled"
	}
	if elapsed := at.Sub(b.created); s.BatchDuration > 0 && elapsed < s.BatchDuration {
		done = int(float64(done) * float64(elapsed) / float64(s.BatchDuration))
	}
	order := b.rng.Perm(len(b.requests))
	for _, i := range order {
		result := map[string]any{"type": rest}
		if i < done {
			result = s.batchResult(b, b.requests[i])
		}
		b.counts[result["type"].(string)]++
		b.results = append(b.results, mustJSON(map[string]any{"custom_id": b.requests[i].CustomID, "result": result})...)
		b.results = append(b.results, '\n')
	}
}

// batchResult works one request. It is validated only now, as in the real API.
func (s *Server) batchResult(b *batch, r batchRequest) map[string]any {
	errored := func(e *apiError) map[string]any {
		return map[string]any{"type": "errored", "error": json.RawMessage(e.body("req_011C" + randomID(b.rng, 20)))}
	}
	w, failed := decode(r.Params)
	if failed == nil {
		failed = s.prepare(w, b.version, false)
	}
	switch {
	case failed != nil:
		return errored(failed)
	case w.Stream:
		return errored(invalid("stream: not supported in a batch"))
	case *w.MaxTokens == 0:
		return errored(invalid("max_tokens: 0 is not supported in a batch"))
	case w.Speed != nil:
		return errored(invalid("speed: not supported in a batch"))
	}
	request := w.request("batches.create", http.Header{})
	var failure *Failure
	if s.BatchFail != nil {
		failure = s.BatchFail(r.CustomID, request)
	}
	if failure == nil {
		failure = s.chosen(request, 0)
	}
	if failure != nil {
		if failure.Kind == Expired {
			return map[string]any{"type": "expired"}
		}
		if failed := failure.failed(b.ended); failed != nil {
			return errored(failed)
		}
	}
	return map[string]any{"type": "succeeded", "message": s.batchMessage(b, w, request, failure)}
}

func (s *Server) batchMessage(b *batch, w *wireRequest, request Request, failure *Failure) json.RawMessage {
	var reply Reply
	if s.Reply != nil {
		reply = s.Reply(request)
	}
	p := s.plan(w, request, reply, failure)
	use := s.cache.use(w, b.org, b.workspace, b.ended)
	s.cache.commit(use)
	return appendMessage(nil, w.model.id, "msg_01"+randomID(b.rng, 22), p, usage{
		input: w.input - use.read - use.written(), read: use.read, write5m: use.write5m, write1h: use.write1h,
		output: p.output, thinking: p.thinking, tier: "batch",
	})
}

// find returns the batch that the URL names, of the caller's workspace, with
// the time passed for it. The caller holds batches.mu.
func (s *Server) find(x *exchange) (*batch, *apiError) {
	for _, b := range s.batches.list {
		if b.id == x.r.PathValue("id") && b.org == x.call.Organization && b.workspace == x.call.Workspace {
			s.advance(b, x.now)
			return b, nil
		}
	}
	return nil, notFound("Message Batch not found.")
}

func (s *Server) getBatch(x *exchange) *apiError {
	if failed := s.admitBatchCall(x.now); failed != nil {
		return failed
	}
	s.batches.mu.Lock()
	b, failed := s.find(x)
	s.batches.mu.Unlock()
	if failed != nil {
		return failed
	}
	return s.answerBatch(x, b)
}

func (s *Server) answerBatch(x *exchange, b *batch) *apiError {
	s.batches.mu.Lock()
	body := b.body(x.now)
	s.batches.mu.Unlock()
	x.writeJSON(http.StatusOK, body)
	return nil
}

// body is the batch as the API shows it: until it has ended, the counts say
// only that all is in processing.
func (b *batch) body(now time.Time) map[string]any {
	status, counts := "in_progress", map[string]int{"processing": len(b.requests)}
	var results, archived any
	switch {
	case !b.ended.IsZero():
		status, counts = "ended", b.counts
		results = b.resultsBase + "/v1/messages/batches/" + b.id + "/results"
		if end := b.created.Add(batchResults); now.After(end) {
			archived, results = rfc3339(end), nil
		}
	case !b.cancelled.IsZero():
		status = "canceling"
	}
	return map[string]any{
		"id": b.id, "type": "message_batch", "processing_status": status,
		"request_counts": map[string]int{
			"processing": counts["processing"], "succeeded": counts["succeeded"], "errored": counts["errored"],
			"canceled": counts["canceled"], "expired": counts["expired"],
		},
		"created_at": rfc3339(b.created), "expires_at": rfc3339(b.created.Add(batchDay)),
		"ended_at": nullTime(b.ended), "archived_at": archived,
		"cancel_initiated_at": nullTime(b.cancelled), "results_url": results,
	}
}

func (s *Server) listBatches(x *exchange) *apiError {
	if failed := s.admitBatchCall(x.now); failed != nil {
		return failed
	}
	s.batches.mu.Lock()
	var ids []string
	bodies := make(map[string]any)
	for i := len(s.batches.list) - 1; i >= 0; i-- { // newest first
		b := s.batches.list[i]
		if b.org == x.call.Organization && b.workspace == x.call.Workspace {
			s.advance(b, x.now)
			ids = append(ids, b.id)
			bodies[b.id] = b.body(x.now)
		}
	}
	s.batches.mu.Unlock()
	page, failed := paginate(ids, x.r.URL.Query())
	if failed != nil {
		return failed
	}
	x.writeJSON(http.StatusOK, page.body(func(id string) any { return bodies[id] }))
	return nil
}

func (s *Server) cancelBatch(x *exchange) *apiError {
	if failed := s.admitBatchCall(x.now); failed != nil {
		return failed
	}
	s.batches.mu.Lock()
	b, failed := s.find(x)
	if failed == nil && !b.ended.IsZero() {
		failed = invalid("Batch " + b.id + " has already ended and cannot be canceled.")
	}
	if failed == nil && b.cancelled.IsZero() {
		b.cancelled = x.now
	}
	s.batches.mu.Unlock()
	if failed != nil {
		return failed
	}
	return s.answerBatch(x, b)
}

func (s *Server) deleteBatch(x *exchange) *apiError {
	if failed := s.admitBatchCall(x.now); failed != nil {
		return failed
	}
	s.batches.mu.Lock()
	b, failed := s.find(x)
	if failed == nil && b.ended.IsZero() {
		failed = invalid("Batch " + b.id + " cannot be deleted while it is being processed.")
	}
	if failed == nil {
		s.batches.remove(b)
	}
	s.batches.mu.Unlock()
	if failed != nil {
		return failed
	}
	x.writeJSON(http.StatusOK, map[string]string{"id": b.id, "type": "message_batch_deleted"})
	return nil
}

func (l *batches) remove(gone *batch) {
	kept := l.list[:0]
	for _, b := range l.list {
		if b != gone {
			kept = append(kept, b)
		}
	}
	clear(l.list[len(kept):])
	l.list = kept
}

func (s *Server) batchResults(x *exchange) *apiError {
	if failed := s.admitBatchCall(x.now); failed != nil {
		return failed
	}
	s.batches.mu.Lock()
	b, failed := s.find(x)
	if failed == nil && b.ended.IsZero() {
		failed = notFound("Batch " + b.id + " has no available results.")
	}
	if failed == nil && x.now.After(b.created.Add(batchResults)) {
		failed = notFound("The results of batch " + b.id + " are no longer available.")
	}
	var lines []byte
	if failed == nil {
		lines = b.results // never changed once the batch has ended
	}
	s.batches.mu.Unlock()
	if failed != nil {
		return failed
	}
	x.call.Status = http.StatusOK
	x.w.Header().Set("Content-Type", "application/x-jsonl")
	if x.fault != nil && x.fault.Kind == Cut {
		x.out = lines[:len(lines)/2]
		x.flush()
		panic(http.ErrAbortHandler)
	}
	x.write(lines)
	return nil
}
