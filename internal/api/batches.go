package api

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A BatchView is one Message Batch that has not ended. State is "collected" (it
// is about to be sent), "in_doubt" (it is not known whether the API made it; it
// is looked for) or "running".
type BatchView struct {
	ID         string     `json:"id"`
	ProviderID string     `json:"provider_id,omitempty"` // the API's id for it
	Model      string     `json:"model"`
	State      string     `json:"state"`
	Requests   int        `json:"requests"`
	CreatedAt  *time.Time `json:"created_at"`
	ExpectedAt *time.Time `json:"expected_at"` // when its end may be expected
	ExpiresAt  *time.Time `json:"expires_at"`  // when the API gives up what is not done
	LastError  string     `json:"last_error,omitempty"`
}

// batchLane adds to the lane of Message Batches those that have not ended.
func (a *API) batchLane(ctx context.Context, byName map[string]LaneView) error {
	lane, ok := byName[event.BatchLane]
	if !ok || a.batches == nil {
		return nil
	}
	open, err := a.batches(ctx)
	if err != nil {
		return err
	}
	for _, b := range open {
		lane.Batches = append(lane.Batches, newBatchView(b))
	}
	byName[event.BatchLane] = lane
	return nil
}

func newBatchView(b event.MessageBatch) BatchView {
	state := "running"
	switch {
	case b.State == event.BatchIntended && b.PostedAt.IsZero():
		state = "collected"
	case b.State == event.BatchIntended:
		state = "in_doubt"
	}
	return BatchView{
		ID: b.ID, ProviderID: b.ProviderID, Model: b.Model, State: state, Requests: b.Requests,
		CreatedAt: at(b.CreatedAt), ExpectedAt: at(b.ExpectedAt), ExpiresAt: at(b.ExpiresAt), LastError: b.LastError,
	}
}
