package governor

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A world is a discrete-event simulation of workers that share a ledger, and
// of the API with its three buckets, in pure fake time.
type world struct {
	setup
	rng    *rand.Rand
	now    time.Time
	start  time.Time
	agenda agenda
	serial int

	api    *provider
	gov    *Governor
	lanes  map[string]event.Lane
	queue  []*job // waiting, in order of readiness
	jobs   []*job
	open   int
	worker []int // calls open by worker
	wakes  []time.Time
	charge []Charge // unwritten, by worker

	sent, refused, done int
	flushing            bool
	onTake              func(a Admission)
}

// A setup is what differs between runs.
type setup struct {
	seed     uint64
	jobs     int
	limits   [3]float64 // requests, input, output per minute
	burst    float64    // seconds that the API's buckets hold
	levels   bool       // its headers tell the true levels
	headers  bool       // it sends rate headers at all
	known    bool       // the limits are configured
	workers  int
	slots    int // of each worker
	hooks    []simHook
	inMean   float64
	outMean  float64
	sigma    float64
	flushGap time.Duration
}

// A simHook is a hook and how its jobs arrive.
type simHook struct {
	name   string
	jobs   int
	every  time.Duration // between arrivals; 0: all at the start
	weight int
	prio   int
}

type job struct {
	event.Candidate
	in, out  float64
	created  time.Time
	granted  time.Time
	finished time.Time
	attempts int
	grant    *Grant
	worker   int
	said     float64
}

type appointment struct {
	at     time.Time
	serial int
	do     func()
}

type agenda []appointment

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].serial < a[j].serial
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(appointment)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

func (w *world) after(d time.Duration, do func()) {
	w.serial++
	heap.Push(&w.agenda, appointment{w.now.Add(d), w.serial, do})
}

const simLane = "haiku-5-5"

func newWorld(s setup) *world {
	if s.workers == 0 {
		s.workers = 1
	}
	if s.slots == 0 {
		s.slots = 64
	}
	if len(s.hooks) == 0 {
		s.hooks = []simHook{{name: "hook", jobs: s.jobs}}
	}
	if s.flushGap == 0 {
		s.flushGap = 250 * time.Millisecond
	}
	start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	w := &world{
		setup: s, rng: rand.New(rand.NewPCG(s.seed, 7)), now: start, start: start,
		lanes: map[string]event.Lane{}, worker: make([]int, s.workers), wakes: make([]time.Time, s.workers), charge: make([]Charge, s.workers),
	}
	w.api = newProvider(w, s.limits, s.burst)
	o := Options{MaxInFlight: s.slots, Hooks: map[string]Hook{}}
	if s.known {
		o.Limits = map[string]Limits{simLane: {int64(s.limits[0]), int64(s.limits[1]), int64(s.limits[2])}}
	}
	for _, h := range s.hooks {
		o.Hooks[h.name] = Hook{Weight: h.weight, MaxTokens: 1024}
	}
	var err error
	if w.gov, err = New(o); err != nil {
		panic(err)
	}
	for _, h := range s.hooks {
		for i := range h.jobs {
			w.arrive(h, i)
		}
	}
	return w
}

// arrive schedules one job. Sizes are lognormal; the event's bytes tell the
// input within a tenth or so.
func (w *world) arrive(h simHook, i int) {
	j := &job{in: w.lognormal(w.inMean), out: math.Min(w.lognormal(w.outMean), 1024)}
	j.JobID = fmt.Sprintf("job_%s_%06d", h.name, i)
	j.Hook, j.Lane, j.Model, j.Priority = h.name, simLane, "claude-haiku-5-5", max(h.prio, 5)
	if h.prio > 0 {
		j.Priority = h.prio
	}
	j.Size = int(j.in * 3.2 * math.Exp(0.1*w.rng.NormFloat64()))
	w.jobs = append(w.jobs, j)
	w.after(time.Duration(i)*h.every, func() {
		j.ReadyAt, j.created = w.now, w.now
		w.queue = append(w.queue, j)
		w.poke()
	})
}

func (w *world) lognormal(mean float64) float64 {
	return math.Max(8, mean*math.Exp(w.sigma*w.rng.NormFloat64()-w.sigma*w.sigma/2))
}

// run goes on until every job is done, or limit has passed.
func (w *world) run(limit time.Duration) {
	for len(w.agenda) > 0 && w.done < len(w.jobs) {
		next := heap.Pop(&w.agenda).(appointment)
		w.now = next.at
		if w.now.Sub(w.start) > limit {
			return
		}
		next.do()
	}
}

// poke lets every worker look for work.
func (w *world) poke() {
	for i := range w.worker {
		w.take(i)
	}
}

// take is what a dispatcher does: one transaction.
func (w *world) take(worker int) {
	free := w.slots - w.worker[worker]
	if free <= 0 || len(w.queue) == 0 {
		return
	}
	a := w.gov.Admit(event.Desk{
		Now: w.now, Lanes: w.lanes, Running: map[string]int{simLane: w.open}, Candidates: w.candidates(), Max: min(free, 16),
	})
	for _, row := range a.Plan.Lanes {
		w.lanes[row.Name] = row
	}
	for _, id := range a.Plan.Take {
		w.launch(id, a.Grants[id], worker)
	}
	if w.onTake != nil {
		w.onTake(a)
	}
	if a.Next.After(w.now) && (w.wakes[worker].IsZero() || a.Next.Before(w.wakes[worker]) || !w.wakes[worker].After(w.now)) {
		w.wakes[worker] = a.Next
		w.after(a.Next.Sub(w.now)+time.Millisecond, func() { w.take(worker) })
	}
	if len(a.Plan.Take) > 0 {
		w.take(worker)
	}
}

// candidates are the first few of each hook.
func (w *world) candidates() []event.Candidate {
	count := map[string]int{}
	var list []event.Candidate
	for _, j := range w.queue {
		if count[j.Hook] < 8 {
			count[j.Hook]++
			list = append(list, j.Candidate)
		}
		if len(count) == len(w.hooks) && len(list) == 8*len(w.hooks) {
			break
		}
	}
	return list
}

// launch carries a granted job: gather, prompt, send.
func (w *world) launch(id string, gr *Grant, worker int) {
	for i, j := range w.queue {
		if j.JobID == id {
			w.queue = append(w.queue[:i:i], w.queue[i+1:]...)
			j.grant, j.worker, j.granted, j.said = gr, worker, w.now, 0
			j.attempts++
			w.open++
			w.worker[worker]++
			w.after(time.Duration(20+w.rng.IntN(180))*time.Millisecond, func() { w.api.receive(j) })
			return
		}
	}
	panic("granted a job that does not wait: " + id)
}

// change applies a change to the lane's row, as the ledger does.
func (w *world) change(f func(event.Lane) event.Lane) {
	row := w.lanes[simLane]
	row.Name = simLane
	w.lanes[simLane] = f(row)
}

// settle ends a job's call.
func (w *world) settle(j *job, o Outcome) {
	w.change(w.gov.Settled(j.grant, o, w.now))
	w.open--
	w.worker[j.worker]--
	if o.Code == "" {
		j.finished = w.now
		w.done++
	} else {
		j.ReadyAt = j.created
		w.queue = append([]*job{j}, w.queue...)
	}
	w.poke()
}

// stream takes text of a running call and writes charges every quarter second.
func (w *world) stream(j *job, tokens float64) {
	w.charge[j.worker] = w.charge[j.worker].Add(j.grant.Stream(int(tokens * 3.7)))
	if !w.flushing {
		w.flushing = true
		w.after(w.flushGap, func() {
			w.flushing = false
			for i, c := range w.charge {
				if c != (Charge{}) {
					w.change(w.gov.Charged(c, w.now))
					w.charge[i] = Charge{}
				}
			}
			w.poke()
		})
	}
}

// least is the fluid lower bound of the drain time.
func (w *world) least() time.Duration {
	var sum [3]float64
	shortest := math.Inf(1)
	for _, j := range w.jobs {
		sum[0]++
		sum[1] += j.in
		sum[2] += j.out
		shortest = math.Min(shortest, 0.4+j.out/90)
	}
	longest := 0.0
	for d, total := range sum {
		rate := w.limits[d] / 60
		longest = math.Max(longest, (total-rate*w.burst)/rate)
	}
	return time.Duration((longest + shortest) * float64(time.Second))
}

// A provider is the API: three buckets, debited in real time.
type provider struct {
	w       *world
	level   [3]float64
	rate    [3]float64 // per second
	holds   [3]float64
	at      time.Time
	pace    func(at time.Time) float64 // share of the rates in force; nil: all
	refuses func(j *job) *Outcome      // a failure by script; nil: none
	lose    func(j *job) bool          // the worker dies with this call; nil: never
	because [3]int                     // refusals by dimension
}

func newProvider(w *world, limits [3]float64, burst float64) *provider {
	p := &provider{w: w, at: w.now}
	for d, l := range limits {
		p.rate[d] = l / 60
		p.holds[d] = math.Max(p.rate[d]*burst, 1)
		p.level[d] = p.holds[d]
	}
	return p
}

func (p *provider) share() float64 {
	if p.pace == nil {
		return 1
	}
	return p.pace(p.w.now)
}

func (p *provider) fill() {
	dt := p.w.now.Sub(p.at).Seconds()
	p.at = p.w.now
	for d := range p.level {
		p.level[d] = math.Min(p.level[d]+dt*p.rate[d]*p.share(), p.holds[d]*p.share())
	}
}

// receive is the moment at which a request arrives.
func (p *provider) receive(j *job) {
	p.fill()
	p.w.sent++
	if p.lose != nil && p.lose(j) {
		return
	}
	if p.refuses != nil {
		if o := p.refuses(j); o != nil {
			p.w.after(50*time.Millisecond, func() { p.w.settle(j, *o) })
			return
		}
	}
	need := [3]float64{1, math.Min(j.in, p.holds[1]*p.share()), 1}
	for d, name := range []string{"requests", "input tokens", "output tokens"} {
		if p.level[d]+1e-6 < need[d] {
			p.refuse(j, d, name, (need[d]-p.level[d])/(p.rate[d]*p.share()))
			return
		}
	}
	p.level[0]--
	p.level[1] -= j.in
	h := p.header()
	first := time.Duration(300+p.w.rng.IntN(700)) * time.Millisecond
	p.w.after(first, func() { p.answer(j, h, 50+40*p.w.rng.Float64()) })
}

// refuse answers 429.
func (p *provider) refuse(j *job, d int, name string, seconds float64) {
	p.w.refused++
	p.because[d]++
	limit := int64(p.rate[d] * 60 * p.share())
	wait := time.Duration(math.Ceil(math.Max(seconds, 1e-3))) * time.Second
	h := p.header()
	p.w.after(60*time.Millisecond, func() {
		p.w.settle(j, Outcome{
			Code: "rate_limited", Wait: true, Until: p.w.now.Add(wait), Headers: h,
			Detail: fmt.Sprintf("This request would exceed your organization's rate limit of %d %s per minute (org: x)", limit, name),
		})
	})
}

// answer streams an answer.
func (p *provider) answer(j *job, h http.Header, speed float64) {
	if j.grant == nil {
		return
	}
	p.w.change(p.w.gov.Begun(j.grant, event.Usage{InputTokens: int64(j.in), OutputTokens: 1}, h, p.w.now))
	p.w.poke()
	const step = 100 * time.Millisecond
	left := j.out
	var next func()
	next = func() {
		p.fill()
		n := math.Min(speed*step.Seconds(), left)
		left -= n
		p.level[2] -= n
		p.w.stream(j, n)
		if left > 0.5 {
			p.w.after(step, next)
			return
		}
		p.w.settle(j, Outcome{Usage: event.Usage{InputTokens: int64(j.in), OutputTokens: int64(j.out)}, Headers: h})
	}
	p.w.after(step, next)
}

// header tells limits and levels as the API does: tokens to the thousand.
func (p *provider) header() http.Header {
	h := http.Header{}
	if !p.w.headers {
		return h
	}
	h.Set("Date", p.w.now.UTC().Format(http.TimeFormat))
	for d, name := range []string{"Requests", "Input-Tokens", "Output-Tokens"} {
		rate := p.rate[d] * p.share()
		left, full := p.level[d], (p.holds[d]*p.share()-p.level[d])/rate
		if !p.w.levels { // it counts as if it held a whole minute
			left = rate*60 - (p.holds[d]*p.share() - p.level[d])
		}
		left = math.Max(left, 0)
		if d > 0 {
			left = math.Round(left/1000) * 1000
		}
		h.Set("Anthropic-Ratelimit-"+name+"-Limit", strconv.Itoa(int(rate*60)))
		h.Set("Anthropic-Ratelimit-"+name+"-Remaining", strconv.Itoa(int(math.Min(left, rate*60))))
		h.Set("Anthropic-Ratelimit-"+name+"-Reset", p.w.now.Add(time.Duration(full*float64(time.Second))).UTC().Format(time.RFC3339))
	}
	return h
}
