//go:build linux

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
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const crowdSize = 32 // connections that send at once

// BenchmarkIngest measures receivers of signed events, one after the other.
func BenchmarkIngest(b *testing.B) {
	for _, name := range []string{"bare", "durable", "express", "express-at-work"} {
		b.Run(name, func(b *testing.B) {
			r := start(b, name)
			c := newCrowd(b, r.url)
			b.SetBytes(c.size)
			before := r.cpuTime(b)
			b.ResetTimer()
			c.post(b, b.N)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
			b.ReportMetric(float64((r.cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkIngestShare gives the receivers turns of half a second, so that
// whatever else the machine does strikes all of them: the medians of the ratios
// within a round are the figures to quote. Benchmark it with a number of rounds
// (-benchtime 20x).
func BenchmarkIngestShare(b *testing.B) {
	bare, durable, express, atWork := newTurn(b, "bare", 8000), newTurn(b, "durable", 4000), newTurn(b, "express", 3000), newTurn(b, "express-at-work", 500)
	var ofBare, ofExpress, ofAtWork []float64
	for b.Loop() {
		rate := durable()
		ofBare = append(ofBare, rate/bare())
		ofExpress = append(ofExpress, rate/express())
		ofAtWork = append(ofAtWork, rate/atWork())
	}
	b.ReportMetric(median(ofBare), "of_bare")
	b.ReportMetric(median(ofExpress), "of_express")
	b.ReportMetric(median(ofAtWork), "of_express_at_work")
}

// newTurn starts a receiver, warms it up, and returns how many of n requests it
// answers in a second.
func newTurn(b *testing.B, name string, n int) func() float64 {
	r := start(b, name)
	c := newCrowd(b, r.url)
	turn := func() float64 {
		started := time.Now()
		c.post(b, n)
		rate := float64(n) / time.Since(started).Seconds()
		r.rest()
		return rate
	}
	turn()
	return turn
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// A receiver runs in a process of its own, so that it has nothing from the heap
// or the scheduler of another, nor of the senders.
type receiver struct {
	url  string
	pid  int
	rest func() // waits until it has no work left
}

// receiverName is set in the environment of such a process.
const receiverName = "FOREBAY_BENCH_RECEIVER"

func start(b *testing.B, name string) receiver {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^$", "-test.bench", "^BenchmarkReceiver$", "-test.benchtime", "1x")
	rest := func() {}
	switch name {
	case "express":
		cmd = exec.Command("node", filepath.Join(installExpress(b), "server.mjs"), secret)
	case "express-at-work":
		var upstream string
		upstream, rest = startUpstream(b)
		cmd = exec.Command("node", filepath.Join(installExpress(b), "server.mjs"), secret, upstream)
	}
	cmd.Env = append(os.Environ(), receiverName+"="+name, "NODE_ENV=production")
	stop, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Skipf("%s cannot run: %v", name, err)
	}
	b.Cleanup(func() {
		_ = stop.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("%s: %v", name, err)
		}
	})
	reader := bufio.NewReader(out)
	url, err := reader.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	go func() { io.Copy(os.Stdout, reader) }()
	return receiver{url: strings.TrimSpace(url), pid: cmd.Process.Pid, rest: rest}
}

// startUpstream is what a receiver that does its work itself calls: GitHub and
// Claude in one, as quick as can be. rest waits until every event has its
// comment.
func startUpstream(b *testing.B) (url string, rest func()) {
	var diffs, comments atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case strings.HasSuffix(r.URL.Path, ".diff"):
			diffs.Add(1)
			_, _ = io.WriteString(w, "+one line\n")
		case r.URL.Path == "/v1/messages":
			_, _ = io.WriteString(w, `{"content":[{"type":"text","text":"fine"}]}`)
		default:
			comments.Add(1)
			w.WriteHeader(http.StatusCreated)
		}
	}))
	b.Cleanup(srv.Close)
	return srv.URL, func() {
		for seen, until := int64(-1), time.Now().Add(30*time.Second); seen != diffs.Load() || comments.Load() < seen; time.Sleep(50 * time.Millisecond) {
			if seen = diffs.Load(); time.Now().After(until) {
				b.Errorf("%d of %d events have their comment", comments.Load(), seen)
				return
			}
		}
	}
}

// BenchmarkReceiver is the process that start starts: it says where it listens,
// and ends when its standard input does.
func BenchmarkReceiver(b *testing.B) {
	var url string
	switch name := os.Getenv(receiverName); name {
	case "bare":
		srv := httptest.NewServer(http.HandlerFunc(bare))
		defer srv.Close()
		url = srv.URL
	case "durable":
		url = newBench(b, nil, nil).url
	default:
		b.Skip("part of BenchmarkIngest")
	}
	fmt.Fprintln(os.Stderr, url+"/hooks/pr")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// bare only reads the body and checks the HMAC.
func bare(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(data)
	want := []byte("sha256=" + hex.EncodeToString(mac.Sum(nil)))
	if err != nil || !hmac.Equal(want, []byte(r.Header.Get("X-Hub-Signature-256"))) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// installExpress returns a directory with an in-memory Express receiver, which
// needs Node.js and npm.
func installExpress(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "express"))); err != nil {
		b.Fatal(err)
	}
	install := exec.CommandContext(b.Context(), "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir)
	if out, err := install.CombinedOutput(); err != nil {
		b.Skipf("npm cannot install express: %v %.200s", err, out)
	}
	return dir
}

// A crowd is senders that post distinct signed bodies at once.
type crowd struct {
	senders []*sender
	size    int64 // of a body
	run     int64
	n       atomic.Int64
}

func newCrowd(b *testing.B, url string) *crowd {
	body := realisticBody(b)
	c := &crowd{size: int64(len(body)), run: time.Now().UnixNano()}
	address, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	for range crowdSize {
		s, err := dial(address, path, body)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.conn.Close() })
		c.senders = append(c.senders, s)
	}
	return c
}

// post sends n events and waits for their acknowledgements.
func (c *crowd) post(b *testing.B, n int) {
	last := c.n.Load() + int64(n)
	var all sync.WaitGroup
	for _, s := range c.senders {
		all.Go(func() {
			for {
				at := c.n.Add(1)
				if at > last {
					return
				}
				status, err := s.send(fmt.Sprintf("%020d-%010d", c.run, at))
				if err != nil || status != http.StatusAccepted {
					b.Errorf("got %d, %v, want 202", status, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// cpuTime is what the receiver and this process, with the senders, have used.
func (r receiver) cpuTime(b *testing.B) time.Duration {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		b.Fatal(err)
	}
	var own unix.Timespec
	if err := unix.ClockGettime(int32(^r.pid)<<3|2, &own); err != nil { // its processor clock, clock_getcpuclockid(3)
		b.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano() + own.Nano())
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
