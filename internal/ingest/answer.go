package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/verify"
)

// Outcomes of a request besides those of the ledger.
const (
	outcomeIgnored   = "ignored"
	outcomeHandshake = "handshake"
	outcomeRefused   = "refused"
	outcomeShed      = "shed"
)

// An answer is what the sender reads, and what is counted of it.
type answer struct {
	status      int
	outcome     string
	code        string
	event, job  string
	contentType string // default application/json
	headers     map[string]string
	body        []byte
	close       bool // the rest of the body is not worth reading
}

// A problem is a refusal in words.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (a *answer) header(name, value string) {
	if a.headers == nil {
		a.headers = make(map[string]string, 1)
	}
	a.headers[name] = value
}

// write sends the answer. Answers are never cached nor guessed at by a browser.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if a.contentType == "" {
		a.contentType = "application/json"
	}
	if len(a.body) > 0 {
		h["Content-Type"] = []string{a.contentType}
	}
	if a.status != http.StatusNoContent { // RFC 9110, section 8.6: no length with a 204
		h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	for name, value := range a.headers {
		h.Set(name, value)
	}
	if a.close {
		h["Connection"] = []string{"close"}
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a sender that hung up finds out by its next try
	}
}

// refuse is the sender's fault.
func refuse(status int, p problem) answer {
	body, _ := json.Marshal(map[string]problem{"error": p}) // strings always encode
	return answer{status: status, outcome: outcomeRefused, code: p.Code, body: body}
}

// unavailable is our fault, and the sender may come back.
func (v *visit) unavailable(code, message string) answer {
	a := refuse(http.StatusServiceUnavailable, problem{code, message, "send it again after the time in Retry-After"})
	a.outcome = outcomeShed
	a.close = v.body == nil
	a.header("Retry-After", strconv.Itoa(int(v.rc.opts.RetryAfter.Seconds())))
	return a
}

// greet answers a handshake in the sender's words.
func (v *visit) greet(g *verify.Answer) answer {
	if g.Confirm != "" {
		if a, ok := v.confirm(g); !ok {
			return a
		}
	}
	if g.Offer != "" {
		if a, ok := v.offered(g); !ok {
			return a
		}
	}
	a := answer{
		status: g.Status, outcome: outcomeHandshake, code: g.Name,
		contentType: g.ContentType, body: g.Body, headers: g.Header,
	}
	if a.contentType == "" {
		a.contentType = "text/plain; charset=utf-8"
	}
	return a
}

// demanded turns a 2xx of ours into the one that the sender demands. What
// happened stays in the verdict and in the Location header.
func (v *visit) demanded(a answer) answer {
	ack := v.ack
	if ack.Status != 0 {
		a.status = ack.Status
	}
	switch {
	case ack.Body != "":
		a.contentType, a.body = ack.ContentType, []byte(ack.Body)
	case ack.Empty || a.status == http.StatusNoContent:
		a.body = nil
	}
	return a
}

// ignored is verified and makes no job.
func ignored(reason string) answer {
	body, _ := json.Marshal(map[string]string{"status": outcomeIgnored, "reason": reason})
	return answer{status: http.StatusOK, outcome: outcomeIgnored, code: reason, body: body}
}

// taken is on disk. The ids are our own and need no escaping.
func taken(rec event.Receipt) answer {
	url := "/v1/jobs/" + rec.JobID
	a := answer{
		status: http.StatusAccepted, outcome: string(rec.Outcome), event: rec.EventID, job: rec.JobID,
		body: []byte(`{"status":"accepted","job":"` + rec.JobID + `","event":"` + rec.EventID + `","status_url":"` + url + `"}`),
	}
	a.header("Location", url)
	return a
}

// duplicate was seen before.
func duplicate(rec event.Receipt) answer {
	return answer{
		status: http.StatusOK, outcome: string(rec.Outcome), event: rec.EventID, job: rec.JobID,
		body: []byte(`{"status":"duplicate","job":"` + rec.JobID + `"}`),
	}
}
