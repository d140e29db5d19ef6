//go:build unix

package ingest_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkIngest compares the whole receiver, fsync included, with a handler
// that only reads the body and checks the HMAC, in one run: the ratio is the
// figure to quote.
func BenchmarkIngest(b *testing.B) {
	body := realisticBody(b)
	b.Run("bare", func(b *testing.B) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(r.Body)
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(data)
			want := []byte("sha256=" + hex.EncodeToString(mac.Sum(nil)))
			if err != nil || !hmac.Equal(want, []byte(r.Header.Get("X-Hub-Signature-256"))) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		}))
		defer srv.Close()
		load(b, srv.URL, body)
	})
	b.Run("durable", func(b *testing.B) {
		load(b, newBench(b, nil, nil).url+"/hooks/pr", body)
	})
}

// load posts distinct signed bodies over 32 connections.
func load(b *testing.B, url string, body []byte) {
	b.Helper()
	address, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	var n atomic.Int64
	run := time.Now().UnixNano()
	b.SetBytes(int64(len(body)))
	b.SetParallelism((31 + runtime.GOMAXPROCS(0)) / runtime.GOMAXPROCS(0)) // times GOMAXPROCS is 32, or a few more
	before := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		s, err := dial(address, path, body)
		if err != nil {
			b.Error(err)
			return
		}
		defer s.conn.Close()
		for pb.Next() {
			status, err := s.send(fmt.Sprintf("%020d-%010d", run, n.Add(1)))
			if err != nil || status != http.StatusAccepted {
				b.Errorf("got %d, %v, want 202", status, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpuTime is what this process has used so far, sender and receiver together.
func cpuTime(b *testing.B) time.Duration {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// A sender sends one signed event after another over a connection of its own.
// It is as lean as can be, because it shares the processor with what is
// measured: the request is written in one piece and of the answer only the
// status and the length are read.
type sender struct {
	conn   net.Conn
	answer *bufio.Reader
	head   string
	mac    hash.Hash
	body   []byte
	out    []byte
}

func dial(address, path string, body []byte) (*sender, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	head := "POST /" + path + " HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\nX-GitHub-Event: pull_request\r\nX-GitHub-Delivery: "
	return &sender{
		conn: conn, answer: bufio.NewReader(conn), head: head,
		mac: hmac.New(sha256.New, []byte(secret)), body: bytes.Clone(body),
	}, nil
}

// send posts the event with id in the padding at its end.
func (s *sender) send(id string) (status int, err error) {
	copy(s.body[len(s.body)-len(id)-2:], id)
	s.mac.Reset()
	s.mac.Write(s.body)
	s.out = append(append(append(s.out[:0], s.head...), id...), "\r\nX-Hub-Signature-256: sha256="...)
	s.out = hex.AppendEncode(s.out, s.mac.Sum(nil))
	s.out = append(append(s.out, "\r\n\r\n"...), s.body...)
	if _, err := s.conn.Write(s.out); err != nil {
		return 0, err
	}
	line, err := s.answer.ReadSlice('\n')
	if err != nil || len(line) < len("HTTP/1.1 202") {
		return 0, fmt.Errorf("status line %q: %w", line, err)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := 0
	for len(line) > 2 {
		if line, err = s.answer.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			if err != nil {
				return 0, err
			}
		}
	}
	_, err = s.answer.Discard(length)
	return status, err
}

// realisticBody is a pull_request event of about 21 KB that ends in a field of
// padding.
func realisticBody(b *testing.B) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "pull_request.json"))
	if err != nil {
		b.Fatal(err)
	}
	data = bytes.TrimSuffix(bytes.TrimSpace(data), []byte("}"))
	return append(data, []byte(`,"padding":"`+strings.Repeat("0", 40)+`"}`)...)
}
