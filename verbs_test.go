package forebay_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// TestVerbsInEveryState: what an operator may do with a job in each of its
// states; what is not possible says so with 409 and changes nothing.
func TestVerbsInEveryState(t *testing.T) {
	hooks := strings.Replace(prHook, "    model:", "    coalesce: {key: 'payload.pull_request.title', quiet: 10s, max_wait: 5m}\n    model:", 1)
	reach := map[string]func(w *world) string{
		"queued":    func(w *world) string { return w.accepted("pr", "pull_request", pull) },
		"running":   func(w *world) string { return w.accepted("pr", "pull_request", pull) },
		"succeeded": func(w *world) string { return w.accepted("pr", "pull_request", pull) },
		"dead":      func(w *world) string { return w.accepted("pr", "pull_request", again("refuse")) },
		"cancelled": func(w *world) string {
			id := w.accepted("pr", "pull_request", pull)
			w.admin(http.MethodPost, "/v1/jobs/"+id+"/cancel")
			return id
		},
		"superseded": func(w *world) string {
			id := w.accepted("pr", "pull_request", pull)
			w.accepted("pr", "pull_request", strings.Replace(pull, "abc", "abd", 1))
			return id
		},
	}
	for _, tt := range []struct {
		state                    string
		cancel, redeliver, rerun int
	}{
		{"queued", 200, 409, 409},
		{"running", 200, 409, 409},
		{"succeeded", 409, 202, 202},
		{"dead", 409, 409, 202},
		{"cancelled", 409, 409, 202},
		{"superseded", 409, 409, 202},
	} {
		for verb, want := range map[string]int{"cancel": tt.cancel, "redeliver": tt.redeliver, "rerun": tt.rerun} {
			t.Run(tt.state+"/"+verb, func(t *testing.T) {
				o := claudetest.Options{Latency: 5 * time.Second}
				if tt.state == "dead" {
					o.Script = []claudetest.Step{step(t, "refusal")}
				}
				bubble(t, hooks, o, func(w *world) {
					id := reach[tt.state](w)
					before := w.until(id, tt.state, time.Minute)
					status, doc := w.admin(http.MethodPost, "/v1/jobs/"+id+"/"+verb)
					if status != want {
						t.Fatalf("got %d %v, want %d", status, doc, want)
					}
					if want == http.StatusConflict {
						failure, _ := doc["error"].(map[string]any)
						if after := w.job(id); failure["code"] != "wrong_state" || fmt.Sprint(after) != fmt.Sprint(before) {
							t.Errorf("got %v and the job\n%v\nwant wrong_state and the job as it was\n%v", doc, after, before)
						}
						return
					}
					w.afterVerb(verb, id, doc)
				})
			})
		}
	}
}

// afterVerb waits for what a verb that was taken must bring.
func (w *world) afterVerb(verb, id string, doc map[string]any) {
	w.t.Helper()
	time.Sleep(time.Minute)
	switch verb {
	case "cancel":
		if got := w.job(id); got["state"] != "cancelled" || got["result"] != nil {
			w.t.Errorf("got %v, want it cancelled and without a result", got)
		}
	case "redeliver":
		if calls := len(w.claude.MessageCalls()); calls != 1 {
			w.t.Errorf("got %d calls, want the one of before", calls)
		}
	case "rerun":
		fresh := w.until(doc["job"].(string), "succeeded", time.Minute)
		if fresh["rerun_of"] != id || doc["billed"] != true {
			w.t.Errorf("got %v and %v, want a billed job that says rerun_of %s", doc, fresh, id)
		}
	}
}
