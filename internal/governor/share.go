package governor

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/event"
)

// windowJobs is how many jobs, of all lanes together, the share of one is taken
// of: of that many jobs in a row no more than the share goes there.
const windowJobs = 200

// A window remembers the last jobs that were admitted anywhere, oldest first:
// four bytes each, a hash of the job's id whose lowest bit says whether it went
// to the window's lane. A job that is admitted again is not counted again.
type window []byte

const markBytes = 4

func mark(job string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(job)) // a hash takes everything
	return h.Sum32() &^ 1
}

func (w window) at(i int) uint32 { return binary.LittleEndian.Uint32(w[i*markBytes:]) }

// find returns the place of a job, or -1.
func (w window) find(job string) int {
	m := mark(job)
	for i := range len(w) / markBytes {
		if w.at(i)&^1 == m {
			return i
		}
	}
	return -1
}

// has reports whether a job went to the lane.
func (w window) has(job string) bool {
	i := w.find(job)
	return i >= 0 && w.at(i)&1 == 1
}

// here counts the jobs that went to the lane.
func (w window) here() int {
	n := 0
	for i := range len(w) / markBytes {
		n += int(w.at(i) & 1)
	}
	return n
}

// note adds a job, or remembers that one which was counted came here later.
func (w window) note(job string, here bool) window {
	i := w.find(job)
	if i < 0 {
		w = binary.LittleEndian.AppendUint32(w, mark(job))
		i = len(w)/markBytes - 1
	}
	if here {
		w[i*markBytes] |= 1
	}
	return w[max(len(w)-windowJobs*markBytes, 0):]
}

func (w window) sane() bool { return len(w)%markBytes == 0 && len(w) <= windowJobs*markBytes }

// shares are the lanes whose share of the jobs is bounded, during one admission.
type shares struct {
	lanes map[string]*lane
	left  map[string]int // how many more jobs may be sent there
	of    map[string]float64
	noted bool
}

// shares opens the lanes that have a bound.
func (g *Governor) shares(lanes *book) *shares {
	s := &shares{lanes: make(map[string]*lane), left: make(map[string]int), of: g.options.Shares}
	for name, share := range g.options.Shares {
		l := lanes.lane(name)
		s.lanes[name] = l
		s.left[name] = int(share*windowJobs+1e-9) - l.Share.here()
	}
	return s
}

// room reports whether a job may be sent to a lane.
func (s *shares) room(lane, job string) bool {
	l, bounded := s.lanes[lane]
	return !bounded || s.left[lane] > 0 || l.Share.has(job)
}

// send takes the room of a job that is sent to a lane.
func (s *shares) send(lane, job string) {
	if l, bounded := s.lanes[lane]; bounded && !l.Share.has(job) {
		s.left[lane]--
	}
}

// full says in words that a lane has no room.
func (s *shares) full(lane string) string {
	return "max_share: " + lane + " has its " + strconv.FormatFloat(100*s.of[lane], 'g', 6, 64) + "%"
}

// note counts a granted job, in the windows of all lanes.
func (s *shares) note(gr *Grant) {
	for name, l := range s.lanes {
		l.Share, l.dirty = l.Share.note(gr.Job, name == gr.Lane), true
		s.noted = true
	}
}

// rows are the lanes to be stored that had no turn.
func (s *shares) rows(turns []*turn, now time.Time) []event.Lane {
	if !s.noted {
		return nil
	}
	var rows []event.Lane
	for _, name := range slices.Sorted(maps.Keys(s.lanes)) {
		l := s.lanes[name]
		if !slices.ContainsFunc(turns, func(t *turn) bool { return t.lane == l }) {
			rows = append(rows, l.close(now))
		}
	}
	return rows
}
