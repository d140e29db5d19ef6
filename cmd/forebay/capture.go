package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
)

// maxCapture bounds a captured request: a GitHub body of 25 MiB and its headers.
const maxCapture = 27 << 20

// A capturedRequest is a request that somebody wrote down.
type capturedRequest struct {
	method string
	url    string // path and query, or a full URL
	header http.Header
	body   []byte
	notes  []string // what is odd about the capture itself
}

// readCapture reads a request as it went over the wire (a request line,
// headers, an empty line, the body), the same without a request line, or what
// curl -v prints.
func readCapture(text []byte) (*capturedRequest, error) {
	if bytes.HasPrefix(bytes.TrimLeft(text, "\r\n"), []byte("> ")) || bytes.Contains(text, []byte("\n> ")) && bytes.HasPrefix(text, []byte("*")) {
		text = uncurl(text)
	}
	c := &capturedRequest{method: http.MethodPost, header: http.Header{}}
	for first := true; ; first = false {
		line, rest, more := bytes.Cut(text, []byte("\n"))
		text = rest
		trimmed := strings.TrimSuffix(string(line), "\r")
		switch {
		case trimmed == "" && !first:
			c.body = text
			c.measure()
			return c, nil
		case trimmed == "":
		case first && c.requestLine(trimmed):
		case !c.headerLine(trimmed):
			return nil, usage("the capture has a line that is no header: "+quote(cut(printable(trimmed), 60)),
				"write headers as Name: value, then an empty line, then the body; or use --header and --body")
		}
		if !more {
			c.measure()
			return c, nil
		}
	}
}

// uncurl keeps of what curl -v prints the request: the lines after "> ", and
// what follows them up to curl's next words.
func uncurl(text []byte) []byte {
	var out bytes.Buffer
	inBody := false
	for line := range bytes.Lines(text) {
		rest, ours := bytes.CutPrefix(line, []byte(">"))
		switch {
		case ours && !inBody:
			rest = bytes.TrimPrefix(rest, []byte(" "))
			inBody = len(bytes.TrimSpace(rest)) == 0
			out.Write(rest)
		case bytes.HasPrefix(line, []byte("* ")), bytes.HasPrefix(line, []byte("< ")), bytes.HasPrefix(line, []byte("{ [")), bytes.HasPrefix(line, []byte("} [")):
		case inBody:
			out.Write(line)
		}
	}
	return out.Bytes()
}

// requestLine takes "POST /path HTTP/1.1".
func (c *capturedRequest) requestLine(line string) bool {
	parts := strings.Fields(line)
	if len(parts) < 2 || strings.HasSuffix(parts[0], ":") || strings.ToUpper(parts[0]) != parts[0] {
		return false
	}
	c.method, c.url = parts[0], parts[1]
	return true
}

// headerLine takes "Name: value".
func (c *capturedRequest) headerLine(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t{}\"") {
		return false
	}
	c.header.Add(name, strings.TrimSpace(value))
	return true
}

// measure compares the body with what the headers say of it.
func (c *capturedRequest) measure() {
	if strings.EqualFold(c.header.Get("Transfer-Encoding"), "chunked") {
		if whole, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(c.body))); err == nil {
			c.body = whole
			return
		}
	}
	n, err := strconv.Atoi(c.header.Get("Content-Length"))
	switch {
	case err != nil, n == len(c.body):
	case n < len(c.body) && len(bytes.TrimRight(c.body[n:], "\r\n")) == 0:
		c.body = c.body[:n]
		c.notes = append(c.notes, "line ends after the body were left out: Content-Length does not count them")
	default:
		c.notes = append(c.notes, fmt.Sprintf("the capture has %d bytes of body and Content-Length says %d: it is not what was sent", len(c.body), n))
	}
}
