package claude_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/claude"
)

// TestBatchOfNobody: where nobody was reached there is no batch; where somebody
// was and said nothing, nobody knows.
func TestBatchOfNobody(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer silent.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	for url, want := range map[string]bool{silent.URL: false, "http://" + l.Addr().String(): true} {
		c, err := claude.New(claude.Options{HTTP: &http.Client{}, BaseURL: url})
		if err != nil {
			t.Fatal(err)
		}
		var body claude.BatchBody
		body.Add("a", json.RawMessage(`{}`))
		_, err = c.CreateBatch(t.Context(), &body)
		if e, ok := errors.AsType[*claude.Error](err); !ok || e.NotMade() != want {
			t.Errorf("%s: got %v, want NotMade %v", url, err, want)
		}
	}
}

// TestBatchListWithoutEnd: a list that always has one more page is given up.
func TestBatchListWithoutEnd(t *testing.T) {
	t.Parallel()
	var pages atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		id := fmt.Sprint("msgbatch_", pages.Add(1))
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"data":[{"id":%q,"created_at":"2026-11-25T12:00:00Z"}],"has_more":true,"first_id":%q,"last_id":%q}`, id, id, id)
	}))
	defer srv.Close()
	c, err := claude.New(claude.Options{HTTP: &http.Client{}, BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.BatchesSince(t.Context(), time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)); err == nil || pages.Load() > 1000 {
		t.Errorf("got %v after %d pages, want an error", err, pages.Load())
	}
}
