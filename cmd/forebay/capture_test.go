package main

import (
	"strings"
	"testing"
)

func TestReadCapture(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, method, url, header, body string }{
		"crlf":       {"POST /a?b=1 HTTP/1.1\r\nX-A: 1\r\n\r\nbody\r\n", "POST", "/a?b=1", "1", "body\r\n"},
		"no line":    {"X-A: 1\n\nbody", "POST", "", "1", "body"},
		"no body":    {"PUT /a HTTP/1.1\nX-A:1\n", "PUT", "/a", "1", ""},
		"no end":     {"X-A: 1", "POST", "", "1", ""},
		"length":     {"X-A: 1\nContent-Length: 4\n\nbody\n\n", "POST", "", "1", "body"},
		"chunked":    {"X-A: 1\nTransfer-Encoding: chunked\n\n4\r\nbody\r\n0\r\n\r\n", "POST", "", "1", "body"},
		"not chunky": {"X-A: 1\nTransfer-Encoding: chunked\n\nbody", "POST", "", "1", "body"},
		"curl":       {"* x\n> POST /a HTTP/2\n> X-A: 1\n>\nbody\n* y\n< HTTP/2 202\n", "POST", "/a", "1", "body\n"},
		"empty":      {"", "POST", "", "", ""},
		"colon":      {"X-A: 1: 2\n\n", "POST", "", "1: 2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := readCapture([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if c.method != test.method || c.url != test.url || c.header.Get("X-A") != test.header || string(c.body) != test.body {
				t.Errorf("got %+v %q", c, c.body)
			}
		})
	}
}

// FuzzReadCapture shows that no capture makes the reader fail other than by an
// error, and that it invents no bytes.
func FuzzReadCapture(f *testing.F) {
	f.Add("POST / HTTP/1.1\r\nA: b\r\n\r\nbody")
	f.Add("> POST / HTTP/1.1\n> A: b\n>\nbody\n< HTTP/1.1 200 OK\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := readCapture([]byte(text))
		if err != nil {
			return
		}
		if len(c.body) > len(text) || !strings.Contains(text, string(c.body)) && !strings.Contains(text, "\n") {
			t.Errorf("%q has the body %q", text, c.body)
		}
	})
}
