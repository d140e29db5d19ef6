package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/internal/api"
)

func newJobsShowCommand(a *app, r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "show JOB",
		Short: "Show one job: its event, answer, calls and deliveries",
		Args:  argCount(1, 1, "name one job: forebay jobs show JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.run(a, cmd, func(ctx context.Context, c *client) error {
				var raw json.RawMessage
				if err := c.ask(ctx, http.MethodGet, jobPath(args[0], ""), nil, &raw); err != nil {
					return err
				}
				var job api.JobView
				if err := json.Unmarshal(raw, &job); err != nil {
					return c.stranger()
				}
				if a.json {
					a.printJSON(raw) // with fields that this version does not know
					return nil
				}
				a.printJob(job)
				return nil
			})
		},
	}
}

func (a *app) printJob(j api.JobView) {
	a.table(jobFacts(j))
	if len(j.Calls) > 0 {
		a.printf("\n%s\n", a.paint(bold, "Calls"))
		a.table(callRows(j.Calls))
	}
	if len(j.Deliveries) > 0 {
		a.printf("\n%s\n", a.paint(bold, "Deliveries"))
		a.table(deliveryRows(j.Deliveries))
	}
	if j.Result != nil {
		a.printf("\n%s\n%s", a.paint(bold, "Answer"), escapeHidden(j.Result.Text))
		a.printNewline(j.Result.Text)
		for _, note := range j.Result.Notes {
			a.printf("(%s)\n", printable(note))
		}
	}
}

// jobFacts are the head of a job, without what it does not have.
func jobFacts(j api.JobView) [][]string {
	model := j.Model
	if j.Chosen != "" {
		model += " (" + j.Chosen + ")"
	}
	state := string(j.State)
	if w := why(j.JobHead); w != "" {
		state += ": " + w
	}
	if j.Until != nil {
		state += " until " + moment(j.Until)
	}
	failure := ""
	if j.LastError != nil {
		failure = strings.TrimSpace(j.LastError.Code + ": " + j.LastError.Message + " " + j.LastError.Hint)
	}
	var rows [][]string
	for _, fact := range [][2]string{
		{"job", j.ID}, {"state", state}, {"last error", failure}, {"hook", j.Hook},
		{"event", j.Event.ID + " " + j.Event.Source + " " + j.Event.Type}, {"about", j.Event.Subject},
		{"delivery id", j.Event.DeliveryID}, {"copies", nonZero(j.Event.Duplicates)},
		{"created", moment(&j.CreatedAt)}, {"finished", moment(j.FinishedAt)},
		{"model", model}, {"lane", j.Lane}, {"tries", strconv.Itoa(j.Attempts)}, {"cost", usd(j.CostUSD)},
		{"tenant", j.Tenant}, {"note", j.Note},
		{"rerun of", j.RerunOf}, {"superseded by", j.SupersededBy}, {"answer of", j.ReusedFrom},
	} {
		if fact[1] != "" {
			rows = append(rows, []string{fact[0], printable(fact[1])})
		}
	}
	return rows
}

func nonZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func callRows(calls []api.CallView) [][]string {
	rows := [][]string{{"TRY", "MODEL", "OUTCOME", "WHY", "BEGAN", "INPUT", "CACHED", "OUTPUT", "COST", "REQUEST"}}
	for _, c := range calls {
		reason := c.Code
		if reason == "" {
			reason = c.StopReason
		}
		rows = append(rows, []string{
			strconv.Itoa(c.Attempt), printable(c.Model), string(c.Outcome), orDash(printable(reason)), moment(&c.StartedAt),
			strconv.FormatInt(c.Usage.InputTokens, 10), strconv.FormatInt(c.Usage.CacheRead, 10),
			strconv.FormatInt(c.Usage.OutputTokens, 10), usd(c.CostUSD), printable(c.RequestID),
		})
	}
	return rows
}

func deliveryRows(deliveries []api.DeliveryView) [][]string {
	rows := [][]string{{"TARGET", "STATE", "TRIES", "NEXT TRY", "WHERE", "LAST ERROR"}}
	for _, d := range deliveries {
		rows = append(rows, []string{
			printable(d.Target), string(d.State), strconv.Itoa(d.Attempts), orDash(moment(d.NextAt)),
			orDash(printable(d.URL)), printable(d.LastError),
		})
	}
	return rows
}
