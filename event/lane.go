package event

import (
	"encoding/json"
	"time"
)

// A Lane is one model class of one account: its budgets and its pause. Limits
// and levels are the governor's and travel here as an opaque State.
type Lane struct {
	Name      string
	Paused    bool
	Reason    string    // rate_limited, ramp_limited, spend_cap, own_spend_limit, unauthorized, overloaded, operator, ...
	Detail    string    // the cause in words, for people
	Until     time.Time // when the pause ends by itself; zero: not before somebody resumes it
	UpdatedAt time.Time
	State     json.RawMessage // what the governor must not forget over a restart
	Queued    int             // filled in where lanes are listed
	Running   int
}

// Blocks reports whether the lane lets no call leave at now.
func (l Lane) Blocks(now time.Time) bool {
	return l.Paused && (l.Until.IsZero() || now.Before(l.Until))
}

// A LanePause asks the ledger to let no call of a lane leave.
type LanePause struct {
	Lane   string
	Reason string
	Detail string
	Until  time.Time // zero: until somebody resumes it
}

// JobReason is the reason that a job queued in a lane paused for why shows.
func JobReason(why string) Reason {
	switch why {
	case "rate_limited", "ramp_limited":
		return RateLimited
	case "budget":
		return Budget
	default:
		return LanePaused
	}
}
