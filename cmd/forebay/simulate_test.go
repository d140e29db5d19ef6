package main

import (
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// TestSimulateHelp: the options that the help shows are ones that it takes.
func TestSimulateHelp(t *testing.T) {
	t.Parallel()
	from, to := strings.Index(simulateHelp, "\n  {"), strings.LastIndex(simulateHelp, "}")
	o, err := claudetest.ParseOptions([]byte(simulateHelp[from : to+1]))
	if err != nil {
		t.Fatal(err)
	}
	if !o.Magic || o.Latency != 300*time.Millisecond || len(o.Script) != 2 || len(o.Faults) != 1 {
		t.Errorf("got %+v", o)
	}
}
