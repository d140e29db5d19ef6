package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

// newJobsCommand looks at the jobs of a running server and acts on them.
func newJobsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "jobs",
		Short:   "List, show, follow, cancel, redeliver and rerun jobs",
		GroupID: groupLook,
		Args:    knownCommand,
	}
	r := remoteFlags(cmd)
	list := newJobsListCommand(a, r)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return list.RunE(cmd, args) }
	cmd.AddCommand(
		list,
		newJobsShowCommand(a, r),
		newJobsTailCommand(a, r),
		newJobsVerbCommand(a, r, jobVerb{name: "cancel", short: "End a job that is not over"}),
		newJobsVerbCommand(a, r, jobVerb{name: "redeliver", short: "Send the deliveries of a succeeded job again; free"}),
		newJobsVerbCommand(a, r, jobVerb{name: "rerun", short: "Run a job's event again; calls Claude and is billed"}),
	)
	return cmd
}

func newJobsListCommand(a *app, r *remote) *cobra.Command {
	var state, hook, search, cursor string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List jobs, newest first",
		Args:  argCount(0, 0, "narrow the list with --state, --hook or --search"),
		Example: "  forebay jobs list --state dead\n" +
			"  forebay jobs list --hook pr-summary --search octo/repo --json",
	}
	flags := cmd.Flags()
	flags.StringVar(&state, "state", "", "only these: queued, running, succeeded, dead, cancelled, superseded")
	flags.StringVar(&hook, "hook", "", "only of this hook")
	flags.StringVarP(&search, "search", "q", "", "text in the job id, subject, event type or delivery id")
	flags.StringVar(&cursor, "cursor", "", "go on from here: what the page before ended with")
	flags.IntVarP(&limit, "limit", "n", 50, "jobs at most, 1 to 500")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(a, cmd, func(ctx context.Context, c *client) error {
			var list api.JobList
			path := withQuery("/v1/jobs", map[string]string{
				"state": state, "hook": hook, "q": search, "cursor": cursor, "limit": strconv.Itoa(limit)})
			if err := c.ask(ctx, http.MethodGet, path, nil, &list); err != nil {
				return err
			}
			a.printJobs(list)
			return nil
		})
	}
	return cmd
}

func (a *app) printJobs(list api.JobList) {
	if a.json {
		a.printJSON(list)
		return
	}
	if len(list.Jobs) == 0 {
		a.errorf("no jobs\n")
		return
	}
	rows := [][]string{{"JOB", "HOOK", "STATE", "WHY", "UNTIL", "TRIES", "COST", "ABOUT"}}
	for _, j := range list.Jobs {
		rows = append(rows, []string{
			printable(j.ID), printable(j.Hook), string(j.State), orDash(why(j)), orDash(moment(j.Until)),
			strconv.Itoa(j.Attempts), usd(j.CostUSD), printable(j.Type + " " + j.Subject),
		})
	}
	a.table(telling(rows))
	if list.NextCursor != "" {
		a.errorf("more: --cursor %s\n", printable(list.NextCursor))
	}
}

// why says why a job stands where it stands, in a word.
func why(j api.JobHead) string {
	switch {
	case j.Reason != nil:
		return printable(string(*j.Reason))
	case j.SupersededBy != "":
		return "by " + printable(j.SupersededBy)
	case j.State == event.Dead && j.LastError != nil:
		return printable(j.LastError.Code)
	default:
		return ""
	}
}

// A jobVerb is an act on one job.
type jobVerb struct{ name, short string }

func newJobsVerbCommand(a *app, r *remote, verb jobVerb) *cobra.Command {
	return &cobra.Command{
		Use:   verb.name + " JOB",
		Short: verb.short,
		Args:  argCount(1, 1, "name one job: forebay jobs "+verb.name+" JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.run(a, cmd, func(ctx context.Context, c *client) error {
				var done api.VerbView
				if err := c.ask(ctx, http.MethodPost, jobPath(args[0], "/"+verb.name), nil, &done); err != nil {
					return err
				}
				a.printVerb(verb.name, done)
				return nil
			})
		},
	}
}

func (a *app) printVerb(verb string, done api.VerbView) {
	id := printable(done.Job)
	switch {
	case a.json:
		a.printJSON(done)
	case verb == "rerun":
		a.printf("%s will run the event of %s again; this is billed\nfollow it: forebay jobs tail %s\n", id, printable(done.RerunOf), id)
	case verb == "redeliver" && done.Deliveries != nil && *done.Deliveries == 0:
		a.printf("%s has nothing to deliver: its hook had no deliver when it ran\n", id)
	case verb == "redeliver" && done.Deliveries != nil:
		a.printf("%s; this is free\n", goAgain(*done.Deliveries, id))
	default:
		a.printf("%s is cancelled\n", id)
	}
}

func goAgain(deliveries int, job string) string {
	if deliveries == 1 {
		return "1 delivery of " + job + " goes out again"
	}
	return strconv.Itoa(deliveries) + " deliveries of " + job + " go out again"
}
