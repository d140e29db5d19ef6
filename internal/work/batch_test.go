package work_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/internal/work"
)

// batches runs f in a shop whose hook goes through batches.
func batches(t *testing.T, o claudetest.Options, f func(s *shop)) {
	t.Helper()
	open(t, o, func(s *shop) {
		s.batch = &work.Batch{Ledger: s.db, Claude: s.caller.(work.BatchCaller), LaneOf: func(string) string { return "haiku" }}
		s.hook.Batch, s.hook.MaxAge, s.lane = true, 72*time.Hour, event.BatchLane
		f(s)
	})
}

// accepts queues n jobs.
func (s *shop) accepts(n int) (ids []string) {
	s.t.Helper()
	for range n {
		ids = append(ids, s.accept())
	}
	return ids
}

// asked counts the requests to an endpoint.
func (s *shop) asked(endpoint string) (n int) {
	for _, c := range s.claude.Calls() {
		if c.Endpoint == endpoint {
			n++
		}
	}
	return n
}

// open reads the batches that have not ended.
func (s *shop) open() []event.MessageBatch {
	s.t.Helper()
	all, err := s.db.Batches(s.t.Context(), 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// spent is what the ledger says was spent.
func (s *shop) spent() (cost event.NanoUSD) {
	s.t.Helper()
	rows, err := s.db.Costs(s.t.Context(), "2026-01-01", "2027-12-31")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rows {
		cost += r.Cost
	}
	return cost
}

// post makes a request of a batch again, as a proxy would that held it back.
func post(body []byte, claude http.Handler) {
	r := httptest.NewRequest(http.MethodPost, "http://claude.test/v1/messages/batches", bytes.NewReader(body))
	r.Header.Set("X-Api-Key", "any")
	r.Header.Set("Anthropic-Version", "2026-10-21")
	r.Header.Set("Content-Type", "application/json")
	claude.ServeHTTP(httptest.NewRecorder(), r)
}

func creates(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/v1/messages/batches"
}

// TestBatchMadeLate: a request to make a batch breaks off and is carried out all
// the same, long after: before it is looked for last, the batch is taken for
// what it is; later, it is paid for twice, and that is found, booked and shown.
func TestBatchMadeLate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		after  time.Duration
		copies int
	}{
		{"within minutes", 4 * time.Minute, 0},
		{"after it was asked for again", 20 * time.Minute, 1},
		{"long after ours", 50 * time.Minute, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			batches(t, claudetest.Options{BatchDuration: time.Hour}, func(s *shop) {
				var once sync.Once
				s.front = func(w http.ResponseWriter, r *http.Request, claude http.Handler) (taken bool) {
					if !creates(r) {
						return false
					}
					once.Do(func() {
						body, _ := io.ReadAll(r.Body)
						time.AfterFunc(tt.after, func() { post(body, claude) })
						taken = true
					})
					if taken {
						panic(http.ErrAbortHandler)
					}
					return false
				}
				s.work(func(*work.Worker) {
					ids := s.accepts(3)
					for _, id := range ids {
						s.until(id, event.Succeeded, 3*time.Hour)
					}
					time.Sleep(2 * time.Hour)
					if left := s.open(); len(left) != 0 {
						s.t.Errorf("%+v is still open", left)
					}
					var sum event.NanoUSD
					for _, id := range ids {
						j := s.job(id)
						if len(j.Calls) != 1+tt.copies || j.Attempts != 1 {
							s.t.Fatalf("got %d attempts and the calls %+v, want one and %d copies", j.Attempts, j.Calls, tt.copies)
						}
						for _, c := range j.Calls {
							if (c.Code == "made_twice") != (c.ID != j.Calls[0].ID) || c.Cost == nil || *c.Cost == 0 || c.Usage.ServiceTier != "batch" {
								s.t.Errorf("got call %+v, want it paid, and a copy if it is the second", c)
							}
							sum += *c.Cost
						}
						if got := *j.Cost; got == 0 || tt.copies > 0 && got != *j.Calls[0].Cost+*j.Calls[1].Cost {
							s.t.Errorf("the job cost %d, not what its calls %+v did", got, j.Calls)
						}
					}
					if got := s.spent(); got != sum {
						s.t.Errorf("costs say %d, the calls %d", got, sum)
					}
				})
			})
		})
	}
}

// TestBatchOfOthersRuns: a batch of another program that was taken for ours is
// not cancelled, although nobody here waits for it any more.
func TestBatchOfOthersRuns(t *testing.T) {
	lost := step(t, "", "cut_before_headers", 1)
	lost.Endpoint = "batches.create"
	batches(t, claudetest.Options{BatchDuration: time.Hour, Script: []claudetest.Step{lost}}, func(s *shop) {
		s.work(func(*work.Worker) {
			id := s.accept()
			time.Sleep(61 * time.Second)
			post([]byte(`{"requests":[{"custom_id":"theirs","params":{"model":"claude-haiku-5-5","max_tokens":10,"messages":[{"role":"user","content":"theirs"}]}}]}`), s.claude)
			time.Sleep(2 * time.Minute)
			if all := s.open(); len(all) != 1 || !all[0].Adopted {
				s.t.Fatalf("got %+v, want their batch taken for ours", all)
			}
			if err := s.db.Cancel(s.t.Context(), id, time.Now()); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(3 * time.Hour)
			if n := s.asked("batches.cancel"); n != 0 {
				s.t.Errorf("their batch was cancelled %d times", n)
			}
			if all := s.open(); len(all) != 0 {
				s.t.Errorf("%+v is still open", all)
			}
			if n := s.asked("batches.create"); n != 2 {
				s.t.Errorf("%d batches were asked for, want ours that was lost and theirs", n)
			}
		})
	})
}

// results replaces the results of the first batch in its first n readings.
func (s *shop) results(n int, change func(w http.ResponseWriter, lines []string)) {
	var mu sync.Mutex
	first := ""
	s.front = func(w http.ResponseWriter, r *http.Request, claude http.Handler) bool {
		if !strings.HasSuffix(r.URL.Path, "/results") {
			return false
		}
		mu.Lock()
		if first == "" {
			first = r.URL.Path
		}
		mine := n > 0 && r.URL.Path == first
		n--
		mu.Unlock()
		if !mine {
			return false
		}
		rec := httptest.NewRecorder()
		claude.ServeHTTP(rec, r)
		w.Header().Set("Content-Type", "application/x-jsonl")
		change(w, strings.SplitAfter(strings.TrimSuffix(rec.Body.String(), "\n"), "\n"))
		return true
	}
}

// TestBatchResultsOdd: whatever the results hold, each job is answered and paid
// for once, and nothing waits for ever.
func TestBatchResultsOdd(t *testing.T) {
	stranger := `{"custom_id":"job_of_nobody","result":{"type":"succeeded","message":{"id":"msg_1","content":[{"type":"text","text":"<script>"}]}}}` + "\n"
	for _, tt := range []struct {
		name    string
		times   int
		made    int // batches
		changes func(w http.ResponseWriter, lines []string)
	}{
		{"one comes twice and one late", 3, 1, func(w http.ResponseWriter, lines []string) {
			_, _ = io.WriteString(w, strings.Join(append([]string{lines[1]}, lines[1:]...), ""))
		}},
		{"one comes twice and one never", 1000, 2, func(w http.ResponseWriter, lines []string) {
			_, _ = io.WriteString(w, strings.Join(append([]string{lines[1]}, lines[1:]...), ""))
		}},
		{"strangers among them", 1, 1, func(w http.ResponseWriter, lines []string) {
			_, _ = io.WriteString(w, stranger+strings.Join(lines, "")+"\n"+stranger)
		}},
		{"one breaks off more often than patience lasts, but each time there is more", 12, 1, func() func(w http.ResponseWriter, lines []string) {
			n := 0
			return func(w http.ResponseWriter, lines []string) {
				n++
				_, _ = io.WriteString(w, strings.Join(lines[:n], "")+`{"custom`+"\n")
			}
		}()},
		{"a line without end", 100, 2, func(w http.ResponseWriter, lines []string) {
			_, _ = io.WriteString(w, lines[0])
			for range 40 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			batches(t, claudetest.Options{BatchDuration: 10 * time.Minute}, func(s *shop) {
				s.results(tt.times, tt.changes)
				s.work(func(*work.Worker) {
					ids := s.accepts(14)
					for _, id := range ids {
						j := s.until(id, event.Succeeded, 6*time.Hour)
						if answered := slices.DeleteFunc(j.Calls, func(c event.Call) bool { return c.Outcome != event.CallOK }); len(answered) != 1 {
							s.t.Errorf("got calls %+v, want one that was answered", j.Calls)
						}
					}
					time.Sleep(time.Hour)
					if all := s.open(); len(all) != 0 {
						s.t.Errorf("%+v is still open", all)
					}
					if n := s.asked("batches.create"); n != tt.made {
						s.t.Errorf("%d batches were made, want %d", n, tt.made)
					}
				})
			})
		})
	}
}

// TestBatchReadingInterrupted: a worker that is stopped while it reads results is
// no reason to give them up, however often that happens.
func TestBatchReadingInterrupted(t *testing.T) {
	batches(t, claudetest.Options{BatchDuration: 10 * time.Minute}, func(s *shop) {
		s.results(10, func(w http.ResponseWriter, lines []string) {
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Minute)
			panic(http.ErrAbortHandler)
		})
		s.grace = time.Second
		id := s.accept()
		for range 10 {
			s.work(func(*work.Worker) { time.Sleep(11*time.Minute + 30*time.Second) })
		}
		for _, b := range s.open() {
			if b.Failures != 0 {
				s.t.Errorf("got %d failures (%s), want none", b.Failures, b.LastError)
			}
		}
		s.work(func(*work.Worker) {
			if j := s.until(id, event.Succeeded, time.Hour); len(j.Calls) != 1 {
				s.t.Errorf("got calls %+v, want one", j.Calls)
			}
		})
	})
}

// TestBatchOfTwoWorkers: two workers with one ledger make each batch once.
func TestBatchOfTwoWorkers(t *testing.T) {
	batches(t, claudetest.Options{BatchDuration: 10 * time.Minute}, func(s *shop) {
		s.batch.Collect, s.batch.MaxRequests = 5*time.Second, 5
		s.named("w1", func(*work.Worker) {
			s.named("w2", func(*work.Worker) {
				ids := s.accepts(40)
				for _, id := range ids {
					if j := s.until(id, event.Succeeded, 2*time.Hour); len(j.Calls) != 1 {
						s.t.Errorf("got calls %+v, want one", j.Calls)
					}
				}
				if n := s.asked("batches.create"); n < 8 || n > 12 {
					s.t.Errorf("%d batches were made, want 8 or a few more", n)
				}
			})
		})
	})
}

// TestBatchClock: a batch whose answer was lost is found although the clock here
// is half an hour off.
func TestBatchClock(t *testing.T) {
	for _, off := range []time.Duration{-30 * time.Minute, 30 * time.Minute} {
		t.Run(off.String(), func(t *testing.T) {
			lost := step(t, "", "drop_body", 1)
			lost.Endpoint = "batches.create"
			batches(t, claudetest.Options{BatchDuration: 10 * time.Minute, Script: []claudetest.Step{lost}}, func(s *shop) {
				s.now = func() time.Time { return time.Now().Add(off) }
				s.work(func(*work.Worker) {
					id := s.accept()
					s.until(id, event.Succeeded, 3*time.Hour)
					if n := s.asked("batches.create"); n != 1 {
						s.t.Errorf("%d batches were asked for, want 1", n)
					}
				})
			})
		})
	}
}

// A full ledger stores no result of a batch for a while.
type full struct {
	*sqlite.DB
	until time.Time
}

func (f full) SettleItem(ctx context.Context, s event.ItemSettlement) error {
	if time.Now().Before(f.until) {
		return fmt.Errorf("%w: no space on the disk", event.ErrFull)
	}
	return f.DB.SettleItem(ctx, s)
}

// TestBatchDiskFull: results that cannot be stored are read again until they can.
func TestBatchDiskFull(t *testing.T) {
	batches(t, claudetest.Options{BatchDuration: 10 * time.Minute}, func(s *shop) {
		s.batch.Ledger = full{s.db, time.Now().Add(3 * time.Hour)}
		s.work(func(*work.Worker) {
			id := s.accept()
			if j := s.until(id, event.Succeeded, 4*time.Hour); len(j.Calls) != 1 || j.Attempts != 1 {
				s.t.Errorf("got %d attempts and calls %+v, want one", j.Attempts, j.Calls)
			}
		})
	})
}
