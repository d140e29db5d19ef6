package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/internal/api"
)

// newLanesCommand looks at the lanes of a running server and holds them.
func newLanesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "lanes",
		Short:   "Show lanes and their pauses; pause and resume them",
		GroupID: groupLook,
		Args:    knownCommand,
	}
	r := remoteFlags(cmd)
	list := &cobra.Command{
		Use:   "list",
		Short: "Show what each lane holds, and why it is paused",
		Args:  argCount(0, 0, "run forebay lanes list"),
	}
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(a, cmd, func(ctx context.Context, c *client) error {
			var answer struct {
				Lanes []api.LaneView `json:"lanes"`
			}
			if err := c.ask(ctx, http.MethodGet, "/v1/lanes", nil, &answer); err != nil {
				return err
			}
			if a.json {
				a.printJSON(answer)
				return nil
			}
			a.printLanes(answer.Lanes)
			return nil
		})
	}
	cmd.RunE = list.RunE
	cmd.AddCommand(list, newLanesPauseCommand(a, r), newLanesResumeCommand(a, r))
	return cmd
}

func newLanesPauseCommand(a *app, r *remote) *cobra.Command {
	var pause api.PauseRequest
	var span time.Duration
	cmd := &cobra.Command{
		Use:   "pause LANE",
		Short: "Let no call of a lane leave; calls in flight finish",
		Args:  argCount(1, 1, "name one lane: forebay lanes pause LANE --for 30m"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if span < 0 {
				return usage("--for is in the past", "write --for 30m, or leave it out to pause until forebay lanes resume")
			}
			if span > 0 {
				pause.For = span.String()
			}
			return r.changeLane(a, cmd, laneChange{lane: args[0], verb: "pause", body: pause})
		},
	}
	cmd.Flags().DurationVar(&span, "for", 0, "how long; default until it is resumed")
	cmd.Flags().StringVar(&pause.Detail, "why", "", "the cause, for those who look")
	return cmd
}

func newLanesResumeCommand(a *app, r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "resume LANE",
		Short: "Let the calls of a lane leave again, whatever it was paused for",
		Args:  argCount(1, 1, "name one lane: forebay lanes resume LANE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.changeLane(a, cmd, laneChange{lane: args[0], verb: "resume"})
		},
	}
}

// A laneChange is an act on one lane.
type laneChange struct {
	lane, verb string
	body       any
}

func (r *remote) changeLane(a *app, cmd *cobra.Command, change laneChange) error {
	return r.run(a, cmd, func(ctx context.Context, c *client) error {
		var lane api.LaneView
		path := "/v1/lanes/" + url.PathEscape(change.lane) + "/" + change.verb
		if err := c.ask(ctx, http.MethodPost, path, change.body, &lane); err != nil {
			return err
		}
		if a.json {
			a.printJSON(lane)
			return nil
		}
		a.printLanes([]api.LaneView{lane})
		return nil
	})
}
