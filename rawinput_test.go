package forebay_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// rawHead is the head of a signed request for prHook, with a way to say how long
// its body is.
func rawHead(body, length string) string {
	mac := hmac.New(sha256.New, []byte("the-secret"))
	_, _ = io.WriteString(mac, body)
	return "POST /hooks/pr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: pull_request\r\n" +
		"X-Hub-Signature-256: sha256=" + hex.EncodeToString(mac.Sum(nil)) + "\r\n" + length + "\r\n\r\n"
}

// plain is a signed request of declared length, chunked one without.
func plain(body string) string {
	return rawHead(body, fmt.Sprintf("Content-Length: %d", len(body))) + body
}

func chunked(body, head string) string {
	return rawHead(body, "Transfer-Encoding: chunked"+head) + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
}

// spoken sends bytes over a connection of its own and returns the answers, each
// as its status and the code of its error, how long the last one took, and how
// long the server kept the connection.
func (w *world) spoken(text string) (answers string, answered, closed time.Duration) {
	w.t.Helper()
	conn, err := w.net.dial(context.Background(), "tcp", "forebay.test:80")
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	go func() { _, _ = io.WriteString(conn, text) }() // ends with the connection
	var all []string
	for r := bufio.NewReader(conn); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return strings.Join(all, ", "), answered, time.Since(began)
		}
		answered = time.Since(began)
		body, _ := io.ReadAll(resp.Body)
		_, code, _ := strings.Cut(string(body), `"error":{"code":"`)
		code, _, _ = strings.Cut(code, `"`)
		all = append(all, strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", code)))
	}
}

// TestRawRequests: what is odd about a request before anybody reads its body is
// answered as docs/refusals.md says, and holds no connection for long.
func TestRawRequests(t *testing.T) {
	bubble(t, strings.Replace(prHook, "    model:", "    body_limit: 64KiB\n    model:", 1), claudetest.Options{}, func(w *world) {
		jobs := 0
		next := func() string { jobs++; return again(fmt.Sprintf("event %d", jobs)) }
		const reading = 30 * time.Second // that the server reads one request
		for _, c := range []struct {
			name, text, want string
			within           time.Duration // of the answer
		}{
			{"three in a row", plain(next()) + plain(next()) + plain(next()), "202, 202, 202", 0},
			{"one after a refusal", strings.Replace(plain("{}"), "sha256=", "sha256=0", 1) + plain(next()), "401 signature_malformed, 202", 0},
			{"too large by its own word, and one after it", rawHead("", "Content-Length: 70000") + plain(next()), "413 body_too_large", 0},
			{"too large in chunks", chunked(strings.Repeat("x", 70_000), ""), "413 body_too_large", 0},
			{"chunks", chunked(next(), ""), "202", 0},
			{"chunks and a length", chunked(next(), "\r\nContent-Length: 3"), "202", 0},
			{"another coding", chunked("{}", ", identity"), "501", 0},
			{"two codings", chunked("{}", "\r\nTransfer-Encoding: chunked"), "501", 0},
			{"a space before the colon", rawHead("{}", "Transfer-Encoding : chunked"), "400", 0},
			{"a chunk of no size", rawHead("{}", "Transfer-Encoding: chunked") + "zz\r\n{}", "400 body_incomplete", 0},
			{"two lengths", rawHead("{}", "Content-Length: 2\r\nContent-Length: 3") + "{}", "400", 0},
			{"a length with a sign", rawHead("{}", "Content-Length: +2") + "{}", "400", 0},
			{"a length without end", rawHead("{}", "Content-Length: 99999999999999999999") + "{}", "400", 0},
			{"a signature in a trailer", "POST /hooks/pr HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Hub-Signature-256\r\n\r\n" +
				"2\r\n{}\r\n0\r\nX-Hub-Signature-256: sha256=00\r\n\r\n", "401 signature_missing", 0},
			{"asked before the body", rawHead("", "Expect: 100-continue\r\nContent-Length: 70000"), "413 body_too_large", 0},
			{"expects what nobody does", rawHead("{}", "Expect: 200-maybe\r\nContent-Length: 2") + "{}", "417", 0},
			{"5,000 headers", rawHead("{}", strings.Repeat("X-A: b\r\n", 5000)+"Content-Length: 2") + "{}", "431", 0},
			{"a header of 100 kB", rawHead("{}", "X-A: "+strings.Repeat("b", 100_000)+"\r\nContent-Length: 2") + "{}", "431", 0},
			{"no host", strings.Replace(plain("{}"), "Host: x\r\n", "", 1), "400", 0},
			{"HTTP/3.0", strings.Replace(plain("{}"), "HTTP/1.1", "HTTP/3.0", 1), "505", 0},
			{"a NUL in a header", rawHead("{}", "X-A: a\x00b\r\nContent-Length: 2") + "{}", "400", 0},
			{"stops in its head", "POST /hooks/pr HTTP/1.1\r\nHost: x\r\n", "", 0},
			{"stops in its body", rawHead("{}", "Content-Length: 10") + "{}", "400 body_incomplete", reading},
			{"stops in a chunk", rawHead("{}", "Transfer-Encoding: chunked") + "ffffffffffffffff\r\n{", "400 body_incomplete", reading},
			{"says nothing", "", "", 0},
			{"good", plain(next()), "202", 0},
		} {
			got, answered, closed := w.spoken(c.text)
			if got != c.want || answered > c.within || closed > time.Minute {
				t.Errorf("%s: got %q in %v and the connection closed in %v, want %q in %v and a minute", c.name, got, answered, closed, c.want, c.within)
			}
		}
		if got := w.jobs(); got != jobs-1 { // all but the one behind a body that was not read
			t.Errorf("got %d jobs, want %d", got, jobs-1)
		}
	})
}
