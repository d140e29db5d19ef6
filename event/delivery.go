package event

import (
	"encoding/json"
	"strconv"
	"time"
)

// A DeliveryState says where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending DeliveryState = "pending"
	DeliveryDone    DeliveryState = "done"
	DeliveryDead    DeliveryState = "dead"
)

// A Delivery is one outward effect of a result: a comment, a callback, a
// message.
type Delivery struct {
	ID        string
	JobID     string
	Target    string          // its kind: "github_comment", "callback", or the name of an embedder's function
	Index     int             // its place in the hook's deliver list
	Spec      json.RawMessage // the destination, fixed before Claude was called
	SerialKey string          // deliveries that share it go out one at a time; empty for none
	State     DeliveryState
	Attempts  int
	Round     int // how often a finished delivery was sent again on purpose
	LastError string
	NextAt    time.Time
	URL       string // where a person can see the effect
	UpdatedAt time.Time
}

// MessageID is the id that the receiver sees. It is the same for every retry
// and changes only when an operator sends a finished delivery again.
func (d Delivery) MessageID() string {
	if d.Round == 0 {
		return d.ID
	}
	return d.ID + "_r" + strconv.Itoa(d.Round)
}

// An Anchor remembers the one outward object, such as a sticky comment, that
// deliveries with the same key keep up to date.
type Anchor struct {
	Key        string
	ExternalID string // the object's id at its host: a GitHub comment id
	URL        string
	JobID      string // the job whose answer it shows
	UpdatedAt  time.Time
}
