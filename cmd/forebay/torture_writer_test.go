package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// writeLedger is a process of its own that stores events in the ledger PATH as
// fast as it can and prints "ack JOB TIME" for each after the ledger said that it
// is on disk: when that was, in nanoseconds of Unix time. With the mode "off" the ledger lies: it syncs nothing. The process
// ends when a write fails.
func writeLedger(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ledger-writer PATH full|off")
		return 2
	}
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: args[0], MinFree: -1, UnsafeSynchronousOff: args[1] == "off"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 32 {
		wg.Go(func() {
			for {
				a := newAccept(time.Now())
				_, err := db.Accept(context.Background(), a)
				at := time.Now().UnixNano()
				mu.Lock()
				if err == nil {
					_, err = fmt.Println("ack", a.Job.ID, at)
				}
				mu.Unlock()
				if err != nil && !errors.Is(err, event.ErrFull) {
					return
				}
			}
		})
	}
	wg.Wait()
	return 1
}

// newAccept is an event that nobody has sent before.
func newAccept(now time.Time) event.Accept {
	id := rand.Text()
	return event.Accept{
		Event: event.Event{
			ID: event.NewID(event.PrefixEvent, now), Hook: "pr", Source: "github", Type: "pull_request", DeliveryID: id,
			Time: now, ReceivedAt: now, Method: "POST", ContentType: "application/json", Body: []byte(`{"title":"` + id + `"}`), Digest: []byte(id),
		},
		Keys: []event.Key{{Value: "id:" + id, Redelivers: true}, {Value: "sum:" + id}},
		Job:  event.JobSpec{ID: event.NewID(event.PrefixJob, now), Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook", Priority: 5},
		Now:  now, ForgetAt: now.Add(30 * 24 * time.Hour),
	}
}
