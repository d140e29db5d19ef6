package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// The bounds of memory, in MiB. The resident set counts what the kernel has
// mapped of the program itself, which differs between machines, so only a full
// torture run holds it to a bound; what the server allocates is held always.
const (
	idleMemory  = 50  // resident, a full run
	spikeMemory = 150 // resident, a full run
	ownMemory   = 25  // allocated, idle
)

// TestTortureSpike sends 5,000 different pull_request events over 64
// connections, as fast as they go, to a server that has just started. It
// asserts that nothing is lost and what it takes in memory; times depend on the
// machine and are logged.
func TestTortureSpike(t *testing.T) {
	const events = 5000
	s := newStand(t, standOptions{slots: 64, latency: 400 * time.Millisecond})
	var starts []time.Duration
	for range 5 {
		starts = append(starts, s.start())
		s.kill()
	}
	slices.Sort(starts)
	s.start()
	wait(t.Context(), 500*time.Millisecond)
	idle, own := s.memory("VmRSS"), s.memory("RssAnon")

	load := &senders{stand: s, count: 64, limit: events, plain: true}
	began := time.Now()
	load.send(t.Context())
	took := time.Since(began)
	peak := s.memory("VmHWM")
	slices.Sort(load.acks)
	jobs := s.jobs()
	lost := 0
	for _, id := range load.acked {
		if _, ok := jobs[id]; !ok {
			lost++
		}
	}
	t.Logf("start %v (slowest of 5 %v), idle %d MiB (%d without the mapped program); %d events of %d bytes in %v (%.0f/s), ack p50 %v p99 %v max %v, peak %d MiB, lost %d",
		starts[2], starts[4], idle, own, len(load.acked), len(load.template), took.Round(time.Millisecond), float64(events)/took.Seconds(),
		quantile(load.acks, 0.5), quantile(load.acks, 0.99), quantile(load.acks, 1), peak, lost)
	if len(load.acked) != events || lost > 0 {
		t.Errorf("%d of %d events were acknowledged, and %d of these lost", len(load.acked), events, lost)
	}
	if own >= ownMemory {
		t.Errorf("idle, the server has allocated %d MiB, want less than %d", own, ownMemory)
	}
	if os.Getenv("FOREBAY_TORTURE") != "" {
		if idle >= idleMemory {
			t.Errorf("idle memory is %d MiB, want less than %d", idle, idleMemory)
		}
		if peak >= spikeMemory {
			t.Errorf("peak memory is %d MiB, want less than %d", peak, spikeMemory)
		}
		s.drain(3 * time.Minute)
		t.Logf("drained: %v, peak %d MiB", s.audit(load.known()), s.memory("VmHWM"))
	}
}

// TestTortureSteady sends 500 events a second while 50 workers run, and logs
// how long the acknowledgements take.
func TestTortureSteady(t *testing.T) {
	seconds := min(tortured(t, 2), 20)
	s := newStand(t, standOptions{slots: 50, latency: 2 * time.Second})
	s.start()
	(&senders{stand: s, count: 8, limit: 100, plain: true}).send(t.Context())
	for end := time.Now().Add(10 * time.Second); len(s.open()) < 25 && time.Now().Before(end); {
		wait(t.Context(), 20*time.Millisecond)
	}
	const rate, count = 500, 50
	load := &senders{stand: s, first: 100, count: count, plain: true, pause: time.Second * count / rate, limit: int64(rate * seconds)}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Duration(seconds)*time.Second+10*time.Second)
	defer cancel()
	began := time.Now()
	load.send(ctx)
	took := time.Since(began)
	slices.Sort(load.acks)
	t.Logf("%d events at %.0f/s with %d calls open: ack p50 %v p99 %v max %v, peak %d MiB", len(load.acked), float64(len(load.acked))/took.Seconds(), len(s.open()),
		quantile(load.acks, 0.5), quantile(load.acks, 0.99), quantile(load.acks, 1), s.memory("VmHWM"))
	if len(load.acked) != rate*seconds {
		t.Errorf("%d of %d events were acknowledged", len(load.acked), rate*seconds)
	}
}

// quantile is the value below which the share q of the sorted values lies.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(10 * time.Microsecond)
}

// memory reads a line of the server's /proc/PID/status, in MiB.
func (s *stand) memory(field string) int {
	s.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.proc.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		if name, rest, ok := bytes.Cut(line, []byte(":")); ok && string(name) == field {
			kib, err := strconv.Atoi(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))))
			if err != nil {
				s.t.Fatal(err)
			}
			return kib >> 10
		}
	}
	s.t.Fatalf("/proc has no %s", field)
	return 0
}
