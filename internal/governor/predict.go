package governor

import (
	"math"

	"github.com/forebayhq/forebay/event"
)

// What is assumed before anything was seen.
const (
	firstExtra  = 500.0 // input tokens beyond the event
	firstOutput = 400.0
	bytesPerTok = 3.0  // of input and output text
	firstLag    = 4.0  // seconds from a grant to its average output token
	outputShare = 0.65 // the quantile that stands for the output: about the mean of skewed sizes
	mostInput   = 1e7  // no model takes or gives more in one call
	mostOutput  = 1e6
)

// A profile is what the answers of one hook and model taught: input tokens as a
// straight line over the size of the event, with newer jobs weighing more, and
// output tokens as a quantile.
type profile struct {
	N      float64 `json:"n"` // answers seen
	M      float64 `json:"m"` // inputs seen: they are told when an answer begins
	Size   float64 `json:"x"` // mean of the event's bytes
	Tokens float64 `json:"y"` // mean of the input tokens behind a cached prefix
	VarX   float64 `json:"vx,omitempty"`
	CovXY  float64 `json:"cxy,omitempty"`
	LogOut float64 `json:"q"` // logarithm of the output quantile
	PerTok float64 `json:"b"` // bytes of answer text per output token
	Used   int64   `json:"u"` // ms
}

// sane reports whether a stored profile can be believed.
func (p profile) sane() bool {
	return within(p.N, 0, 1e6) && within(p.M, 0, 1e6) && within(p.Size, 0, 1e10) && within(p.Tokens, 0, mostInput) && within(p.VarX, 0, 1e20) &&
		within(math.Abs(p.CovXY), 0, 1e20) && within(p.LogOut, -1, math.Log(mostOutput)) && within(p.PerTok, 1, 8)
}

// profileKey names a hook's profile for a model. Long names are cut: two that
// collide only share an estimate.
func profileKey(hook, model string) string {
	const most = 60
	return hook[:min(len(hook), most)] + " " + model[:min(len(model), most)]
}

// forecast is what a job is expected to use.
type forecast struct {
	input, output float64
	perToken      float64
	prefix        Prefix // of its prompt, and how it finds it
	heat          heat
}

// predict forecasts a job of so many bytes. The first few answers are weighed
// against what was assumed before them.
func (l *lane) predict(hook Hook, key string, size int) forecast {
	prior := guess(hook, size)
	p, seen := l.Profiles[key]
	if !seen {
		return prior
	}
	input := max(p.Tokens+p.slope()*(float64(size)-p.Size), 0.1*p.Tokens)
	return forecast{
		input:    min(max(mix(p.M, input, prior.input), 1), mostInput),
		output:   bounded(mix(p.N, p.output(), prior.output), hook),
		perToken: p.PerTok,
	}
}

// mix weighs what n jobs taught against what was assumed before them.
func mix(n, learned, prior float64) float64 {
	trust := n / (n + 3)
	return trust*learned + (1-trust)*prior
}

// guess is the forecast before anything was seen.
func guess(hook Hook, size int) forecast {
	extra := float64(hook.ExtraTokens)
	if extra <= 0 {
		extra = firstExtra
	}
	return forecast{
		input:    min(extra+float64(max(size, 0))/bytesPerTok, mostInput),
		output:   bounded(firstOutput, hook),
		perToken: bytesPerTok,
	}
}

// bounded keeps an output forecast below what the hook allows.
func bounded(output float64, hook Hook) float64 {
	if hook.MaxTokens > 0 {
		output = min(output, float64(hook.MaxTokens))
	}
	return max(output, 1)
}

// output returns the output quantile in tokens.
func (p profile) output() float64 { return math.Exp(min(p.LogOut, math.Log(mostOutput))) }

// slope returns tokens per byte, between none and one.
func (p profile) slope() float64 {
	if p.VarX < 1 {
		return 0
	}
	return min(max(p.CovXY/p.VarX, 0), 1)
}

// weigh teaches a profile the input of one job, as soon as its answer begins:
// the rest of a flood of which nothing was known need not wait for its end. It
// reports whether there was one.
func (l *lane) weigh(gr *Grant, u event.Usage, now int64) bool {
	if u.InputTokens <= 0 {
		return false
	}
	key := profileKey(gr.Hook, gr.Model)
	p := l.profile(key, now)
	p.M = min(p.M+1, 1e6)
	p.line(float64(gr.Size), float64(u.InputTokens))
	l.Profiles[key] = p
	return true
}

// profile returns the profile of a key, a new one if there is none.
func (l *lane) profile(key string, now int64) profile {
	if l.Profiles == nil {
		l.Profiles = make(map[string]profile)
	}
	p, ok := l.Profiles[key]
	if !ok {
		p = profile{LogOut: math.Log(firstOutput), PerTok: bytesPerTok}
	}
	p.Used = now
	return p
}

// observe teaches a profile the answer of one job, and its input if that was not
// told before. Values that cannot be are passed over.
func (l *lane) observe(gr *Grant, u event.Usage, now int64) {
	if !gr.weighed {
		l.weigh(gr, u, now)
	}
	key, output := profileKey(gr.Hook, gr.Model), float64(u.OutputTokens)
	p := l.profile(key, now)
	p.N = min(p.N+1, 1e6)
	p.quantile(output)
	if gr.text > 0 && output >= 16 {
		p.PerTok += max(1/p.N, 0.05) * (min(max(float64(gr.text)/output, 1), 8) - p.PerTok)
	}
	l.Profiles[key] = p
}

// line moves the straight line.
func (p *profile) line(x, y float64) {
	if y <= 0 {
		return
	}
	x, y = min(max(x, 0), 1e9), min(y, mostInput)
	weight := max(1/p.M, 0.03)
	dx, dy := x-p.Size, y-p.Tokens
	p.Size += weight * dx
	p.Tokens += weight * dy
	p.VarX = (1 - weight) * (p.VarX + weight*dx*dx)
	p.CovXY = (1 - weight) * (p.CovXY + weight*dx*dy)
}

// quantile moves the output quantile by a step that shrinks with experience.
func (p *profile) quantile(y float64) {
	if y <= 0 {
		return
	}
	y = min(y, mostOutput)
	if p.N <= 1 {
		p.LogOut = math.Log(y)
		return
	}
	step := max(1/math.Sqrt(p.N), 0.05)
	if math.Log(y) > p.LogOut {
		p.LogOut += step * outputShare
	} else {
		p.LogOut -= step * (1 - outputShare)
	}
}
