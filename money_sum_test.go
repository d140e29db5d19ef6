package forebay_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
)

// tangled are hooks whose jobs change their model and price for every reason
// there is.
const tangled = `claude: {api_key: test-key, base_url: "http://claude.test", max_share: {opus: 20%}}
budget: {daily_usd: CAP}
hooks:
  rules:
    source: {type: github, secrets: [the-secret]}
    fair_by: payload.team
    route: [{when: payload.number % 3 == 0, model: opus}]
    model: sonnet
    fallback: [haiku, opus]
    max_tokens: 400
    prompt: "{{ .payload.pull_request.title }}"
    reuse: {for: 1h}
    budget: {daily_usd: 0.2, per_tenant_usd: 0.15, at_cap: downgrade}
  strict:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    escalate: [sonnet]
    max_tokens: 300
    system: You judge.
    prompt: "{{ .payload.pull_request.title }} {{ .payload.pull_request.title }}"
    output: {schema: SCHEMA}
  bulk:
    source: {type: github, secrets: [the-secret]}
    model: sonnet
    spill: {after: 10m}
    max_tokens: 200
    prompt: "{{ .payload.pull_request.title }}"
`

// bill is what the simulated API would ask for its live calls, of any outcome.
func (w *world) bill() (sum event.NanoUSD) {
	w.t.Helper()
	for _, c := range w.claude.MessageCalls() {
		if !c.Billed {
			continue
		}
		cost, ok := catalog.Cost(c.Model, event.Usage{
			InputTokens: c.InputTokens, CacheRead: c.CacheReadTokens, CacheWrite5m: c.CacheWriteTokens, OutputTokens: c.OutputTokens,
		}, c.At, false)
		if !ok {
			w.t.Errorf("no price of %+v", c)
		}
		sum += cost
	}
	return sum
}

// TestMoneyAddsUp: whatever becomes of calls, jobs and the server, what the API
// bills is no more than what is known and estimated of it, both stay within the
// day's budget, and the audit at the end of every world finds that all sums agree.
func TestMoneyAddsUp(t *testing.T) {
	const daily = 0.4
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := claudetest.Options{Seed: seed, Latency: 3 * time.Second}
			for _, kind := range []claudetest.Kind{
				claudetest.CutBeforeReply, claudetest.Cut, claudetest.DropBody, claudetest.CleanEOF, claudetest.Overloaded, claudetest.Refusal,
				claudetest.RefusalMidStream, claudetest.ServerError, claudetest.RateLimited, claudetest.Empty, claudetest.ThinkingOnly,
			} {
				o.Faults = append(o.Faults, claudetest.Fault{Failure: claudetest.Failure{Kind: kind, After: 2}, Rate: 0.04})
			}
			hooks := strings.NewReplacer("CAP", fmt.Sprint(daily), "SCHEMA", verdictSchema(t)).Replace(tangled)
			bubble(t, hooks, o, func(w *world) { w.tangle(rand.New(rand.NewPCG(seed, 7)), daily) })
		})
	}
}

func (w *world) tangle(rng *rand.Rand, daily float64) {
	var ids []string
	for i := range 240 {
		hook := []string{"rules", "strict", "bulk"}[rng.IntN(3)]
		body := numbered(fmt.Sprint("title ", rng.IntN(60)), i)
		if rng.IntN(2) == 0 {
			body = owned(string("ab"[rng.IntN(2)]), rng.IntN(1000))
		}
		status, doc := w.push(hook, "pull_request", body)
		if id, ok := doc["job"].(string); ok && status == 202 {
			ids = append(ids, id)
		}
		time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
		switch id := ids[rng.IntN(len(ids))]; rng.IntN(30) {
		case 0:
			w.admin("POST", "/v1/jobs/"+id+"/cancel")
		case 1, 2:
			w.admin("POST", "/v1/jobs/"+id+"/rerun")
		case 3:
			if i%4 == 0 {
				w.reboot(func(*config.Config) {})
			}
		}
		w.within(daily)
	}
	time.Sleep(3 * time.Hour)
	w.within(daily)
	_, doc := w.admin("GET", "/v1/costs")
	total := doc["total"].(map[string]any)
	known, most := total["cost_usd"].(float64), total["estimated_usd"].(float64)
	if billed := w.bill().Dollars(); billed < daily/3 || most == 0 || billed < known-1e-9 || billed > known+most+1e-9 {
		w.t.Errorf("$%.6f were billed, $%.6f are known and $%.6f estimated; want the bill between the first and both, and a third of the budget at least", billed, known, most)
	}
}

// within checks the money of the day so far.
func (w *world) within(daily float64) {
	w.t.Helper()
	_, doc := w.admin("GET", "/v1/costs")
	total := doc["total"].(map[string]any)
	known, _ := total["cost_usd"].(float64)
	most := total["estimated_usd"].(float64)
	if known+most > daily+1e-9 {
		w.t.Errorf("$%.6f are known and $%.6f estimated under a cap of $%.2f", known, most, daily)
	}
	if billed := w.bill().Dollars(); billed > daily {
		w.t.Errorf("$%.6f were billed under a cap of $%.2f", billed, daily)
	}
}
