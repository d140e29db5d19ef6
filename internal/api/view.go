package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A JobHead is a job without its parts, as lists show it. Reason and Until are
// null unless the job is queued; CostUSD is null when it is not known.
type JobHead struct {
	ID           string         `json:"id"`
	Hook         string         `json:"hook"`
	State        event.State    `json:"state"`
	Reason       *event.Reason  `json:"reason"`
	Until        *time.Time     `json:"until"`
	Attempts     int            `json:"attempts"`
	CreatedAt    time.Time      `json:"created_at"`
	UpdatedAt    *time.Time     `json:"updated_at,omitempty"`
	FinishedAt   *time.Time     `json:"finished_at,omitempty"`
	Subject      string         `json:"subject,omitempty"`
	Type         string         `json:"type,omitempty"`
	Lane         string         `json:"lane,omitempty"`
	Model        string         `json:"model,omitempty"`
	Chosen       string         `json:"chosen,omitempty"` // why this model
	Priority     int            `json:"priority,omitempty"`
	Tenant       string         `json:"tenant,omitempty"` // with whom it shares its hook's turn
	Note         string         `json:"note,omitempty"`   // what went otherwise than configured
	RerunOf      string         `json:"rerun_of,omitempty"`
	SupersededBy string         `json:"superseded_by,omitempty"`
	ReusedFrom   string         `json:"reused_from,omitempty"` // the job whose answer this one has
	Coalesced    int            `json:"coalesced,omitempty"`   // how many earlier jobs this one replaced
	LastError    *event.Failure `json:"last_error,omitempty"`
	CostUSD      *float64       `json:"cost_usd"` // of all its calls, as far as known
}

// A JobView is a job as clients and callbacks get it.
type JobView struct {
	JobHead
	Event      EventView      `json:"event"`
	Result     *ResultView    `json:"result"` // null until there is one
	Calls      []CallView     `json:"calls"`
	Deliveries []DeliveryView `json:"deliveries"`
}

// An EventView is an event without its body and headers.
type EventView struct {
	ID         string     `json:"id"`
	Source     string     `json:"source"`
	Type       string     `json:"type"`
	DeliveryID string     `json:"delivery_id"`
	Duplicates int        `json:"duplicates"`
	Subject    string     `json:"subject,omitempty"`
	ReceivedAt *time.Time `json:"received_at,omitempty"`
	Bytes      int        `json:"bytes,omitempty"`
}

// A ResultView is Claude's answer. JSON is null unless the hook asks for
// structured output; CostUSD is null when the model's price is not known.
type ResultView struct {
	Text       string          `json:"text"`
	JSON       json.RawMessage `json:"json"`
	Model      string          `json:"model"`
	StopReason string          `json:"stop_reason"`
	Usage      event.Usage     `json:"usage"`
	CostUSD    *float64        `json:"cost_usd"`
	RequestID  string          `json:"request_id"`
	CreatedAt  *time.Time      `json:"created_at,omitempty"`
	Notes      []string        `json:"notes,omitempty"`
}

// A CallView is one request to Claude. Its outcome stays "unknown" if its end
// was never seen; it may have been billed then.
type CallView struct {
	ID         string            `json:"id"`
	Attempt    int               `json:"attempt"`
	Lane       string            `json:"lane"`
	Model      string            `json:"model"`
	StartedAt  time.Time         `json:"started_at"`
	EndedAt    *time.Time        `json:"ended_at"`
	Outcome    event.CallOutcome `json:"outcome"`
	Code       string            `json:"code,omitempty"`
	Message    string            `json:"message,omitempty"`
	StopReason string            `json:"stop_reason,omitempty"`
	RequestID  string            `json:"request_id"`
	Usage      event.Usage       `json:"usage"`
	CostUSD    *float64          `json:"cost_usd"`
}

// A DeliveryView is one outward effect. ID is the webhook-id that a callback's
// receiver sees.
type DeliveryView struct {
	ID        string              `json:"id"`
	Target    string              `json:"target"`
	State     event.DeliveryState `json:"state"`
	Attempts  int                 `json:"attempts"`
	LastError string              `json:"last_error"`
	URL       string              `json:"url"`
	NextAt    *time.Time          `json:"next_at,omitempty"` // while it is pending
}

// NewJobView is j as clients see it.
func NewJobView(j event.Job) JobView {
	v := JobView{
		JobHead:    NewJobHead(j),
		Event:      newEventView(j),
		Calls:      make([]CallView, 0, len(j.Calls)),
		Deliveries: make([]DeliveryView, 0, len(j.Deliveries)),
	}
	if j.Result != nil {
		v.Result = newResultView(*j.Result)
	}
	for _, c := range j.Calls {
		v.Calls = append(v.Calls, newCallView(c))
	}
	for _, d := range j.Deliveries {
		v.Deliveries = append(v.Deliveries, newDeliveryView(d))
	}
	return v
}

// NewJobHead is j as lists show it.
func NewJobHead(j event.Job) JobHead {
	h := JobHead{
		ID: j.ID, Hook: j.Hook, State: j.State, Attempts: j.Attempts,
		CreatedAt: j.CreatedAt, UpdatedAt: at(j.UpdatedAt), FinishedAt: at(j.FinishedAt),
		Subject: j.Subject, Type: j.Type, Lane: j.Lane, Model: j.Model, Chosen: j.Chosen, Priority: j.Priority,
		Tenant: j.Tenant, Note: j.Note,
		RerunOf: j.RerunOf, SupersededBy: j.SupersededBy, ReusedFrom: j.ReusedFrom, Coalesced: j.Coalesced,
		LastError: j.LastError, CostUSD: dollars(jobCost(j)),
	}
	if j.State == event.Queued {
		h.Until = at(j.Until)
		if j.Reason != "" {
			h.Reason = &j.Reason
		}
	}
	return h
}

// jobCost is what the ledger says, or the sum of the calls that were read.
func jobCost(j event.Job) *event.NanoUSD {
	if j.Cost != nil {
		return j.Cost
	}
	var sum *event.NanoUSD
	for _, c := range j.Calls {
		switch {
		case c.Cost == nil:
		case sum == nil:
			sum = new(*c.Cost)
		default:
			*sum += *c.Cost
		}
	}
	return sum
}

func newEventView(j event.Job) EventView {
	v := EventView{ID: j.EventID, Type: j.Type, Subject: j.Subject}
	if e := j.Event; e != nil {
		v.Source, v.Type, v.DeliveryID, v.Duplicates = e.Source, e.Type, e.DeliveryID, e.Duplicates
		v.ReceivedAt, v.Bytes = at(e.ReceivedAt), len(e.Body)
	}
	return v
}

func newResultView(r event.Result) *ResultView {
	v := &ResultView{
		Text: r.Text, Model: r.Model, StopReason: r.StopReason, Usage: r.Usage,
		CostUSD: dollars(r.Cost), RequestID: r.RequestID, CreatedAt: at(r.CreatedAt), Notes: r.Notes,
	}
	if json.Valid(r.JSON) {
		v.JSON = r.JSON
	}
	return v
}

func newCallView(c event.Call) CallView {
	return CallView{
		ID: c.ID, Attempt: c.Attempt, Lane: c.Lane, Model: c.Model,
		StartedAt: c.StartedAt, EndedAt: at(c.EndedAt), Outcome: c.Outcome, Code: c.Code, Message: c.Message,
		StopReason: c.StopReason, RequestID: c.RequestID, Usage: c.Usage, CostUSD: dollars(c.Cost),
	}
}

func newDeliveryView(d event.Delivery) DeliveryView {
	v := DeliveryView{ID: d.MessageID(), Target: d.Target, State: d.State, Attempts: d.Attempts, LastError: d.LastError, URL: d.URL}
	if d.State == event.DeliveryPending {
		v.NextAt = at(d.NextAt)
	}
	return v
}

// EncodeJob returns the JSON of j that GET /v1/jobs/{id} answers and callbacks
// send, ending in a newline.
func EncodeJob(j event.Job) ([]byte, error) { return encode(NewJobView(j)) }

// encode writes v without the escapes that only HTML needs.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

func dollars(n *event.NanoUSD) *float64 {
	if n == nil {
		return nil
	}
	return new(n.Dollars())
}

// USD writes dollars for people; unknown stands for an amount that is not known.
func USD(amount *float64, unknown string) string {
	switch {
	case amount == nil:
		return unknown
	case *amount == 0:
		return "$0"
	case *amount < 0:
		return "-" + USD(new(-*amount), unknown)
	case *amount < 0.01:
		return fmt.Sprintf("$%.5f", *amount)
	default:
		return fmt.Sprintf("$%.2f", *amount)
	}
}
