package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowdMemory bounds, in MiB, what the server takes when 5,000 connections send
// at once: 150 MB. A full run holds it to that.
const crowdMemory = 143

// TestTortureCrowd sends 5,000 different pull_request events over as many
// connections, all at the same moment, then over 1,000 and over 200, each time to
// a server that has just started. The senders are a process of their own. It
// asserts that all are acknowledged and none is lost, and in a full run what the
// server takes in memory; how long the acknowledgements take depends on the
// machine and is logged.
func TestTortureCrowd(t *testing.T) {
	const events = 5000
	sizes := []int{5000, 1000, 200}
	if os.Getenv("FOREBAY_TORTURE") == "" {
		sizes = sizes[:1]
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Max < 6000 {
		t.Skipf("a crowd needs 6,000 open files, and this system allows %d: %v", files.Max, err)
	}
	for _, connections := range sizes {
		t.Run(strconv.Itoa(connections), func(t *testing.T) {
			s := newStand(t, standOptions{slots: 64, latency: 400 * time.Millisecond})
			s.start()
			wait(t.Context(), 500*time.Millisecond)
			got := s.crowd(connections, events)
			peak, jobs, lost := s.memory("VmHWM"), s.jobs(), 0
			for _, id := range got.jobs {
				if _, ok := jobs[id]; !ok {
					lost++
				}
			}
			slices.Sort(got.acks)
			load, _ := os.ReadFile("/proc/loadavg")
			t.Logf("%d connections: %d acknowledged within %v (%v), ack p50 %v p99 %v max %v, peak %d MiB, lost %d, load average %s",
				connections, len(got.acks), got.took.Round(time.Millisecond), got.answers, quantile(got.acks, 0.5), quantile(got.acks, 0.99), quantile(got.acks, 1), peak, lost, bytes.TrimSpace(load))
			if got.answers[http.StatusAccepted] != events || len(got.jobs) != events || lost > 0 {
				t.Errorf("answers %v, %d jobs, %d of them lost; want %d different jobs", got.answers, len(got.jobs), lost, events)
			}
			if os.Getenv("FOREBAY_TORTURE") != "" && peak >= crowdMemory {
				t.Errorf("peak memory is %d MiB, want less than %d", peak, crowdMemory)
			}
		})
	}
}

// A crowdCount is what a crowd was answered.
type crowdCount struct {
	answers map[int]int // by status; 0: none
	jobs    []string    // different ones
	acks    []time.Duration
	took    time.Duration // from the first byte to the last answer
}

// crowd lets a crowd send to the hook that calls back.
func (s *stand) crowd(connections, events int) crowdCount {
	s.t.Helper()
	template := filepath.Join(s.dir, "template.json")
	s.write(template, string(pullRequest(s)))
	cmd := exec.CommandContext(s.t.Context(), "event-crowd", s.public, template, strconv.Itoa(connections), strconv.Itoa(events))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("the senders failed: %v", err)
	}
	var answers []crowdAnswer
	if err := json.Unmarshal(out, &answers); err != nil {
		s.t.Fatal(err)
	}
	got, jobs := crowdCount{answers: map[int]int{}}, map[string]bool{}
	var first, last time.Time
	for _, a := range answers {
		got.answers[a.Status]++
		if a.Status == http.StatusAccepted {
			jobs[a.Job] = true
			got.acks = append(got.acks, a.Answered.Sub(a.Sent))
		}
		if first.IsZero() || a.Sent.Before(first) {
			first = a.Sent
		}
		if a.Answered.After(last) {
			last = a.Answered
		}
	}
	for id := range jobs {
		got.jobs = append(got.jobs, id)
	}
	got.took = last.Sub(first)
	return got
}
