package claudetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// batchBody is a batch of n requests, job-0 to job-(n-1).
func batchBody(n int) string {
	var items []string
	for i := range n {
		items = append(items, fmt.Sprintf(`{"custom_id":"job-%d","params":%s}`, i, body("claude-haiku-5-5", fmt.Sprint(i), "")))
	}
	return `{"requests":[` + strings.Join(items, ",") + `]}`
}

type batchView struct {
	ID      string
	Status  string           `json:"processing_status"`
	Counts  map[string]int64 `json:"request_counts"`
	Results *string          `json:"results_url"`
	Archive *string          `json:"archived_at"`
}

func (c caller) batch(t *testing.T, method, path, in string) (batchView, answer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+"/v1/messages/batches"+path, strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", "k")
	r.Header.Set("Anthropic-Version", c.version)
	got := read(c.client.Do(r))
	var view batchView
	if got.status == 200 && !strings.HasSuffix(path, "/results") {
		if err := json.Unmarshal([]byte(got.body), &view); err != nil {
			t.Fatalf("%s: %v", got.body, err)
		}
	}
	return view, got
}

func TestBatchLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 40
		api := claudetest.StartPipe(t, claudetest.Options{BatchDuration: time.Hour, BatchQueue: 50})
		client := raw(api)
		made, _ := client.batch(t, http.MethodPost, "", batchBody(n))
		if _, refused := client.batch(t, http.MethodPost, "", batchBody(20)); refused.status != 429 {
			t.Errorf("60 requests in a queue of 50: %d", refused.status)
		}
		time.Sleep(59 * time.Minute)
		half, _ := client.batch(t, http.MethodGet, "/"+made.ID, "")
		if half.Status != "in_progress" || half.Counts["processing"] != n || half.Counts["succeeded"] != 0 || half.Results != nil {
			t.Errorf("before its end: %+v", half)
		}
		if _, early := client.batch(t, http.MethodGet, "/"+made.ID+"/results", ""); early.status != 404 {
			t.Errorf("results before the end: %d", early.status)
		}
		if _, early := client.batch(t, http.MethodDelete, "/"+made.ID, ""); early.status != 400 {
			t.Errorf("deleted before the end: %d", early.status)
		}
		time.Sleep(time.Minute)
		ended, _ := client.batch(t, http.MethodGet, "/"+made.ID, "")
		if ended.Status != "ended" || ended.Counts["processing"] != 0 || ended.Counts["succeeded"] != n || ended.Results == nil {
			t.Errorf("at its end: %+v", ended)
		}
		_, results := client.batch(t, http.MethodGet, "/"+made.ID+"/results", "")
		var order []string
		for line := range strings.Lines(results.body) {
			var row struct {
				ID string `json:"custom_id"`
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			order = append(order, row.ID)
		}
		first := slices.Clone(order)
		slices.Sort(order)
		if len(slices.Compact(order)) != n || first[0] == "job-0" && first[1] == "job-1" && first[2] == "job-2" {
			t.Errorf("results of %v: each once, and shuffled, was wanted", first)
		}
		time.Sleep(29 * 24 * time.Hour)
		if _, late := client.batch(t, http.MethodGet, "/"+made.ID+"/results", ""); late.status != 404 {
			t.Errorf("results after 29 days: %d", late.status)
		}
		if old, _ := client.batch(t, http.MethodGet, "/"+made.ID, ""); old.Archive == nil {
			t.Errorf("after 29 days: %+v", old)
		}
	})
}

func TestBatchExpiresAndIsCancelledInPart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{BatchDuration: 48 * time.Hour})
		client := raw(api)
		expiring, _ := client.batch(t, http.MethodPost, "", batchBody(10))
		cancelled, _ := client.batch(t, http.MethodPost, "", batchBody(10))
		time.Sleep(12 * time.Hour)
		if b, _ := client.batch(t, http.MethodPost, "/"+cancelled.ID+"/cancel", ""); b.Status != "canceling" {
			t.Errorf("got %+v", b)
		}
		time.Sleep(13 * time.Hour)
		for id, want := range map[string]string{
			expiring.ID:  "map[canceled:0 errored:0 expired:5 processing:0 succeeded:5]",
			cancelled.ID: "map[canceled:8 errored:0 expired:0 processing:0 succeeded:2]",
		} {
			b, _ := client.batch(t, http.MethodGet, "/"+id, "")
			if got := fmt.Sprint(b.Counts); b.Status != "ended" || got != want {
				t.Errorf("%s with %s, want %s", b.Status, got, want)
			}
		}
	})
}

func TestBatchIsRefused(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{})
	params := body("claude-haiku-5-5", "x", "")
	for in, want := range map[string]string{
		`{}`: "requests",
		`{"requests":[{"custom_id":"a b","params":` + params + `}]}`:                                         "custom_id",
		`{"requests":[{"custom_id":"a","params":` + params + `},{"custom_id":"a","params":` + params + `}]}`: "not unique",
		`{"requests":[{"custom_id":"a","params":5}]}`:                                                        "params",
		`[`: "not valid JSON",
	} {
		if _, got := raw(api).batch(t, http.MethodPost, "", in); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %s", in, got.status, got.body)
		}
	}
	if _, got := raw(api).batch(t, http.MethodGet, "/msgbatch_none", ""); got.status != 404 {
		t.Errorf("got %d", got.status)
	}
}
