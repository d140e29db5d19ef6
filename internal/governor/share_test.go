package governor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// shareOptions bound opus to 5 %. The hook "routed" is haiku's by itself, "big"
// is opus' own.
func shareOptions() Options {
	return Options{
		Shares: map[string]float64{"opus": 0.05},
		Hooks: map[string]Hook{
			"routed": {Own: Choice{Model: "m-haiku", Lane: "haiku"}},
			"small":  {Own: Choice{Model: "m-haiku", Lane: "haiku"}},
			"big":    {Own: Choice{Model: "m-opus", Lane: "opus"}},
		},
	}
}

// TestShareHolds: whatever arrives in which order, at which rate, with calls that
// fail and come back, and however many workers take from one ledger: of any 200
// jobs in a row no more than 5 % are sent to opus, and where more ask for it
// than may, not much less.
func TestShareHolds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := &shareSim{T: t, desk: newDesk(t, shareOptions()), rand: rand.New(rand.NewPCG(seed, 1))}
			asking := 0.05 + s.rand.Float64()*0.9 // of the jobs are routed to opus
			for len(s.jobs) < 2000 {
				s.step(asking)
			}
			sent := 0
			for _, j := range s.jobs {
				if j.opus {
					sent++
				}
			}
			if asking > 0.2 && sent < 80 {
				t.Errorf("%d of 2000 jobs went to opus, want about 100 as %.0f%% asked for it", sent, 100*asking)
			}
		})
	}
}

// A shareSim is a ledger with workers whose calls end at random.
type shareSim struct {
	*testing.T
	*desk
	rand *rand.Rand
	open []*Grant
	jobs []shareJob // in the order of their admission
	n    int
}

type shareJob struct {
	id   string
	opus bool
}

// admitted checks the last 200 jobs whenever one is admitted. One that comes back
// within them is the same job.
func (s *shareSim) admitted(gr *Grant) {
	s.Helper()
	last := s.jobs[max(len(s.jobs)-windowJobs, 0):]
	if i := slices.IndexFunc(last, func(j shareJob) bool { return j.id == gr.Job }); i >= 0 {
		last[i].opus = last[i].opus || gr.Lane == "opus"
	} else {
		s.jobs = append(s.jobs, shareJob{gr.Job, gr.Lane == "opus"})
	}
	n := 0
	for _, j := range s.jobs[max(len(s.jobs)-windowJobs, 0):] {
		if j.opus {
			n++
		}
	}
	if n > 10 {
		s.Fatalf("of the 200 jobs up to the %dth, %d went to opus, want at most 10", len(s.jobs), n)
	}
}

func (s *shareSim) step(asking float64) {
	s.now = s.now.Add(time.Duration(s.rand.IntN(2000)) * time.Millisecond)
	for range min(s.rand.IntN(12), 60-len(s.waiting)) { // as many as a ledger shows
		c := event.Candidate{JobID: fmt.Sprintf("job_%06d", s.n), Hook: "small", Lane: "haiku", Model: "m-haiku", Chosen: "hook", Priority: 5, Size: 300, ReadyAt: s.now}
		if s.rand.Float64() < asking {
			c.Hook, c.Lane, c.Model, c.Chosen = "routed", "opus", "m-opus", "route 1"
		}
		s.n++
		s.waiting = append(s.waiting, c)
	}
	asked := slices.Clone(s.waiting)
	a := s.take(1 + s.rand.IntN(8)) // one of the workers
	for _, id := range a.Plan.Take {
		gr := a.Grants[id]
		s.open = append(s.open, gr)
		s.admitted(gr)
		c := asked[slices.IndexFunc(asked, func(c event.Candidate) bool { return c.JobID == id })]
		if to, moved := a.Plan.Moves[id]; moved != (c.Lane != gr.Lane) || (moved && to.Chosen != "route 1 > max_share: opus has its 5%") {
			s.Fatalf("%s asked for %s and got %s: %+v", id, c.Lane, gr.Lane, to)
		}
	}
	for len(s.open) > 0 && s.rand.IntN(3) > 0 {
		s.end(s.rand.IntN(len(s.open)))
	}
}

// end settles one of the open calls: most are answered, some are given back free.
func (s *shareSim) end(i int) {
	gr := s.open[i]
	s.open = slices.Delete(s.open, i, i+1)
	if s.rand.IntN(20) > 0 {
		s.settle(gr, Outcome{Usage: event.Usage{InputTokens: 100, OutputTokens: 50}})
		return
	}
	s.running[gr.Lane]--
	s.change(gr.Lane, s.g.Released(gr, s.now))
	c := event.Candidate{JobID: gr.Job, Hook: gr.Hook, Lane: gr.Lane, Model: gr.Model, Chosen: "route 1", Priority: 5, Size: gr.Size, ReadyAt: gr.At}
	if gr.From != nil {
		c.Lane, c.Model, c.Chosen = gr.From.Lane, gr.From.Model, gr.From.Chosen
	}
	s.waiting = append(s.waiting, c)
}

// TestShareWhom: what a share holds back, and what it only counts.
func TestShareWhom(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T, o Options) *desk {
		d := newDesk(t, o)
		d.change("opus", func(row event.Lane) event.Lane {
			l := d.g.open(row, noon)
			l.Gate = gate{}
			for i := range 10 {
				l.Share = l.Share.note(fmt.Sprintf("old_%d", i), true)
			}
			return l.close(noon)
		})
		return d
	}
	for _, tt := range []struct {
		name   string
		c      event.Candidate
		change func(*Options, *desk)
		lane   string // empty: it waits
		why    string
	}{
		{"routed", event.Candidate{Hook: "routed", Lane: "opus"}, nil, "haiku", "max_share: opus has its 5%"},
		{"the hook's own", event.Candidate{Hook: "big", Lane: "opus"}, nil, "opus", ""},
		{"begun", event.Candidate{Hook: "routed", Lane: "opus", Attempts: 1}, nil, "opus", ""},
		{"no other model", event.Candidate{Hook: "unknown", Lane: "opus"}, nil, "opus", ""},
		{"counted already", event.Candidate{JobID: "old_3", Hook: "routed", Lane: "opus"}, nil, "opus", ""},
		{"a fallback may not either", event.Candidate{Hook: "falls", Lane: "haiku"}, func(_ *Options, d *desk) {
			d.lanes["haiku"] = event.Lane{Name: "haiku", Paused: true, Reason: "spend_cap"}
		}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := shareOptions()
			o.Hooks["falls"] = Hook{Own: Choice{"m-haiku", "haiku"}, Instead: func(string) []Choice { return []Choice{{"m-opus", "opus"}} }}
			d := full(t, o)
			if tt.change != nil {
				tt.change(&o, d)
			}
			if tt.c.JobID == "" {
				tt.c.JobID = "job"
			}
			tt.c.Model = "m-" + tt.c.Lane
			d.waiting = []event.Candidate{tt.c}
			a := d.take(1)
			gr := a.Grants[tt.c.JobID]
			if (gr == nil) != (tt.lane == "") {
				t.Fatalf("got %v, want it in %q", gr, tt.lane)
			}
			if gr != nil && (gr.Lane != tt.lane || gr.Model != "m-"+tt.lane || a.Plan.Moves[gr.Job].Chosen != tt.why) {
				t.Errorf("got %s, %+v; want %s, %q", gr.Lane, a.Plan.Moves[gr.Job], tt.lane, tt.why)
			}
		})
	}
}

// TestShareState: a window that cannot be is not believed, and none grows.
func TestShareState(t *testing.T) {
	t.Parallel()
	var w window
	for i := range 1000 {
		w = w.note(fmt.Sprint(i), i%2 == 0)
		w = w.note(fmt.Sprint(i), false) // again
	}
	if len(w) != windowJobs*markBytes || w.here() != windowJobs/2 || !w.has("998") || w.has("999") || w.has("2") {
		t.Errorf("got %d bytes and %d here, want those of the last 200 jobs", len(w), w.here())
	}
	if w = w.note("999", true); !w.has("999") || w.here() != windowJobs/2+1 {
		t.Error("a job that came here later is not counted")
	}
	d := newDesk(t, shareOptions())
	for _, bad := range []string{`{"v":1,"share":"AAA="}`, `{"v":1,"share":"` + strings.Repeat("AAAA", 1000) + `"}`, `{"v":1,"share":7}`} {
		if l := d.g.open(event.Lane{Name: "opus", State: []byte(bad)}, noon); len(l.Share) != 0 {
			t.Errorf("%.40s: got a window of %d bytes, want none", bad, len(l.Share))
		}
	}
}
