package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/internal/api"
)

// newCostsCommand sums the money.
func newCostsCommand(a *app) *cobra.Command {
	var from, to, by string
	cmd := &cobra.Command{
		Use:     "costs",
		Short:   "Show the money by hook, model and day",
		GroupID: groupLook,
		Args:    argCount(0, 0, "choose days with --from and --to"),
	}
	r := remoteFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "", "the first `day`, UTC: 2026-11-01 (default six days before --to)")
	flags.StringVar(&to, "to", "", "the last `day` (default today)")
	flags.StringVar(&by, "by", "", "sum by hook, model, day or tenant; default by hook, model and day")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if by != "" && by != "hook" && by != "model" && by != "day" && by != "tenant" {
			return usage("--by "+quote(by)+" is not possible", "write --by hook, --by model, --by day or --by tenant")
		}
		return r.run(a, cmd, func(ctx context.Context, c *client) error {
			var report api.CostReport
			path := withQuery("/v1/costs", map[string]string{"from": from, "to": to})
			if err := c.ask(ctx, http.MethodGet, path, nil, &report); err != nil {
				return err
			}
			if a.json {
				a.printJSON(report)
				return nil
			}
			a.printCosts(report, by)
			return nil
		})
	}
	return cmd
}

func (a *app) printCosts(report api.CostReport, by string) {
	defer a.printSaved(report)
	if by == "tenant" {
		a.printTenants(report)
		return
	}
	sums := map[string][]api.CostView{"": report.Rows, "hook": report.ByHook, "model": report.ByModel, "day": report.ByDay}[by]
	if len(sums) == 0 {
		a.errorf("no call ended from %s to %s\n", printable(report.From), printable(report.To))
		return
	}
	rows := [][]string{{"DAY", "HOOK", "MODEL", "CALLS", "INPUT", "CACHE WRITES", "CACHE READS", "OUTPUT", "COST"}}
	for _, s := range sums {
		rows = append(rows, costRow(s, orDash(s.Day), orDash(s.Hook), orDash(s.Model)))
	}
	a.table(append(rows, costRow(report.Total, "together", "", "")))
	if n := report.Total.BatchedCalls; n > 0 {
		a.printf("%s went through batches, which saved %s\n", counted(int(n), "call"), usd(&report.Total.BatchSavedUSD))
	}
	if n := report.Total.UnpricedCalls; n > 0 {
		a.printf("%s not in these sums: what it cost is not known\n", counted(int(n), "call"))
	}
	if n := report.Total.UnknownEnds; n > 0 {
		a.printf("%s may have been billed: the end was never seen\n", counted(int(n), "call"))
	}
	if most := report.Total.EstimatedUSD; most > 0 {
		a.printf("at most %s more may have been billed for calls whose cost is not known; budgets count it\n", usd(&most))
	}
}

func costRow(s api.CostView, day, hook, model string) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		printable(day), printable(hook), printable(model), number(s.Calls), number(s.Usage.InputTokens),
		number(s.Usage.CacheWrite5m + s.Usage.CacheWrite1h), number(s.Usage.CacheRead), number(s.Usage.OutputTokens), usd(s.CostUSD),
	}
}
