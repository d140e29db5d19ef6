package metrics_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/metrics"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md anew")

const page = "../../docs/metrics.md"

// TestPage compares the table of docs/metrics.md with what a scrape says, which
// Prometheus's own checker of the format must find nothing wrong with.
func TestPage(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.Options{Hooks: []string{"h"}})
	m.Watch(&ledger{lanes: []event.Lane{{Name: "haiku"}}}, func() time.Time { return epoch })
	m.ObserveIngest("h", "accepted", "", time.Millisecond, 1)
	unpriced := event.Call{Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: epoch, EndedAt: epoch.Add(time.Second),
		Usage: event.Usage{CacheRead: 10, CacheWrite5m: 10}}
	m.ObserveCall("h", unpriced, time.Second)
	priced := unpriced
	priced.Cost = new(event.NanoUSD(1))
	m.ObserveCall("h", priced, time.Second)
	m.ObserveDelivery("callback", "done", time.Second)

	table := "| name | type | labels | what |\n| --- | --- | --- | --- |\n" + rows(t, strings.Join(scrape(t, m), "\n"))
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, had, found := strings.Cut(string(text), "| name |")
	if !found {
		t.Fatalf("%s has no table", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(head+table), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if had = "| name |" + had; had != table {
		t.Errorf("%s is not what a scrape says; write it anew with -update:\n%s", page, table)
	}
}

// rows are the lines of the table, one for each family of ours.
func rows(t *testing.T, text string) string {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Fatalf("the format is not valid, or names are unusual: %v %v", err, problems)
	}
	help, labels := map[string]string{}, map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, what, ok := strings.Cut(strings.TrimPrefix(line, "# HELP "), " "); ok && strings.HasPrefix(line, "# HELP ") {
			help[name] = what
		}
		if m := sample.FindStringSubmatch(line); m != nil {
			labels[m[1]] = strings.Join(names(m[2]), ", ")
		}
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		name, kind, _ := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " ")
		if !strings.HasPrefix(line, "# TYPE forebay_") {
			continue
		}
		of := labels[name]
		if kind == "histogram" {
			of = labels[name+"_count"]
		}
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, kind, of, help[name]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

var (
	sample = regexp.MustCompile(`^(forebay_[a-z0-9_]+)(?:{(.*)})? `)
	label  = regexp.MustCompile(`([a-z_]+)="`)
)

// names are the names of labels, in marks of code.
func names(labels string) (found []string) {
	for _, m := range label.FindAllStringSubmatch(labels, -1) {
		found = append(found, "`"+m[1]+"`")
	}
	return found
}
