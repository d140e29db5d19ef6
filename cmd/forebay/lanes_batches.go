package main

import (
	"strconv"

	"github.com/forebayhq/forebay/internal/api"
)

// printBatches writes the Message Batches that have not ended, if there are any.
func (a *app) printBatches(lanes []api.LaneView) {
	rows := [][]string{{"BATCH", "MODEL", "STATE", "REQUESTS", "SENT", "EXPECTED", "AT THE API", "WHY"}}
	for _, l := range lanes {
		for _, b := range l.Batches {
			rows = append(rows, []string{
				printable(b.ID), printable(b.Model), b.State, strconv.Itoa(b.Requests), orDash(moment(b.CreatedAt)), orDash(moment(b.ExpectedAt)),
				orDash(printable(b.ProviderID)), orDash(printable(b.LastError)),
			})
		}
	}
	if len(rows) > 1 {
		a.printf("\n")
		a.table(rows)
	}
}
