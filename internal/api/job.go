package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A lost signal delays a waiting client by this much: the ledger is read again
// all the same, because a change may have been made by another process.
const recheck = 5 * time.Second

// Job answers GET /v1/jobs/{id}: the job as JSON with an ETag. It is strong and
// over exactly these bytes, unless reason and until of a queued job were worked
// out at this moment: then it is weak and over what is stored, so that a client
// that waits for a change is not woken by the passing of time.
// If-None-Match is answered 304 while the job is the same.
//
// With ?wait=30s (at most 60s) the answer waits: with If-None-Match until the
// ETag differs, without it until the job's state is another one (a finished job
// is answered at once). When the time is over the answer is what it would have
// been without waiting.
func (a *API) Job(w http.ResponseWriter, r *http.Request) {
	values, err := query(r, "wait")
	if err != nil {
		a.refuse(w, err)
		return
	}
	wait, err := waitOf(values)
	if err != nil {
		a.refuse(w, err)
		return
	}
	look := jobLook{id: r.PathValue("id"), match: strings.Join(r.Header.Values("If-None-Match"), ","), wait: wait}
	rep, err := a.await(w, r, look)
	if err != nil {
		a.refuse(w, err)
		return
	}
	w.Header().Set("ETag", rep.tag)
	if matches(look.match, rep.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeBody(w, http.StatusOK, rep.body)
}

// jobLook is what a client wants to see.
type jobLook struct {
	id    string
	match string // If-None-Match
	wait  time.Duration
}

// A representation is a job as it is sent.
type representation struct {
	state event.State
	body  []byte
	tag   string
}

// represent reads a job and encodes it.
func (a *API) represent(ctx context.Context, id string) (representation, error) {
	if !plausibleID(id) {
		return representation{}, noJob(id)
	}
	j, err := a.reader.Job(ctx, id)
	if err != nil {
		return representation{}, jobError(id, err)
	}
	body, err := EncodeJob(j)
	if err != nil {
		return representation{}, err
	}
	sum := sha256.Sum256(body)
	rep := representation{state: j.State, body: body, tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
	stored := j.Reason
	if a.Explain(ctx, &j); j.Reason != stored {
		rep.tag = weak + rep.tag
		rep.body, err = EncodeJob(j)
	}
	return rep, err
}

// weak marks an ETag that does not promise equal bytes.
const weak = "W/"

// await reads the job, and if the client waits and it is still what the client
// knows, again whenever it may have changed.
func (a *API) await(w http.ResponseWriter, r *http.Request, look jobLook) (representation, error) {
	if look.wait == 0 {
		return a.represent(r.Context(), look.id)
	}
	leave, err := a.enter()
	if err != nil {
		return representation{}, err
	}
	defer leave()
	// The server's own write deadline is made for answers that do not wait.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(look.wait + writeTimeout))

	changed, stop := a.signals.Watch(look.id) // before the first read: nothing is missed in between
	defer stop()
	first, err := a.represent(r.Context(), look.id)
	if err != nil || look.satisfied(first, first) {
		return first, err
	}
	return a.awaitChange(r.Context(), look, first, changed)
}

func (a *API) awaitChange(ctx context.Context, look jobLook, first representation, changed <-chan struct{}) (representation, error) {
	over := time.NewTimer(look.wait)
	defer over.Stop()
	again := time.NewTicker(recheck)
	defer again.Stop()
	for last := first; ; {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-over.C:
			return last, nil
		case <-a.drain:
			return last, nil
		case <-changed:
		case <-again.C:
		}
		now, err := a.represent(ctx, look.id)
		if err != nil || look.satisfied(first, now) {
			return now, err
		}
		last = now
	}
}

// satisfied reports whether now is worth an answer to one who saw first.
func (l jobLook) satisfied(first, now representation) bool {
	if l.match != "" {
		return !matches(l.match, now.tag)
	}
	return now.state.Terminal() || now.state != first.state
}

// matches compares If-None-Match with an ETag, weakly, as RFC 9110 section
// 13.1.2 wants it.
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, weak) == strings.TrimPrefix(tag, weak) {
			return true
		}
	}
	return false
}

// enter counts one more who waits, or refuses.
func (a *API) enter() (leave func(), err error) {
	select {
	case a.waiting <- struct{}{}:
		return func() { <-a.waiting }, nil
	default:
		return nil, busy("too_many_waiting", "too many streams and long polls are open")
	}
}

// plausibleID keeps what cannot be an identifier away from the ledger.
func plausibleID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !isWord(c) && c != '-' {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
