package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const clientKey = "a-key-of-sixteen-characters"

// A wire is an admin listener that answers as it is told and writes down what
// it was asked.
type wire struct {
	*httptest.Server
	asked []string
}

func newWire(t *testing.T, answers map[string]string) *wire {
	t.Helper()
	w := &wire{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		asked := r.Method + " " + r.URL.RequestURI()
		w.asked = append(w.asked, strings.TrimSpace(asked+" "+body.String()))
		rw.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer "+clientKey {
			rw.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(rw, `{"error":{"code":"key_missing","message":"this needs an API key"}}`)
			return
		}
		answer, ok := answers[asked]
		if !ok {
			rw.WriteHeader(http.StatusNotFound)
			answer = `{"error":{"code":"not_found","message":"there is no job \"x\"\u001b[31m","hint":"list them with GET /v1/jobs"}}`
		}
		fmt.Fprint(rw, answer)
	}))
	t.Cleanup(w.Close)
	return w
}

// typed runs a command line as a person would type it.
func typed(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}}
	code = run(t.Context(), args, a)
	return code, out.String(), errs.String()
}

var withKey = map[string]string{keyVariable: clientKey}

const hostileJob = `{"id":"job_1","hook":"h","state":"dead","reason":null,"until":null,"attempts":3,"created_at":"2026-11-25T12:00:00Z",` +
	`"cost_usd":0.0029,"subject":"octo\u001b[2J\u202e/repo","type":"push\tx","last_error":{"code":"refusal","message":"no"},` +
	`"event":{"id":"evt_1","source":"github","type":"push","delivery_id":"d","duplicates":2},` +
	`"result":{"text":"line 1\n\u001b]0;title\u0007line 2","json":null,"model":"m","stop_reason":"end_turn","usage":{},"cost_usd":null,"request_id":"r"},` +
	`"calls":[{"id":"c","attempt":1,"model":"m","started_at":"2026-11-25T12:00:00Z","ended_at":null,"outcome":"failed","code":"overloaded","usage":{},"cost_usd":null}],` +
	`"deliveries":[{"id":"dlv","target":"callback","state":"dead","attempts":9,"last_error":"410 Gone","url":""}],"new_field":7}`

func TestClientCommands(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args  string
		asked string
		reply string
		wants []string
	}{
		{"jobs list --state dead -n 5", "GET /v1/jobs?limit=5&state=dead", `{"jobs":[` + hostileJob + `],"next_cursor":"abc"}`,
			[]string{"job_1", "dead", "refusal", "$0.00290", "push x octo<U+001B>[2J<U+202E>/repo"}},
		{"jobs", "GET /v1/jobs?limit=50", `{"jobs":[],"next_cursor":""}`, nil},
		{"jobs show job_1", "GET /v1/jobs/job_1", hostileJob,
			[]string{"last error   refusal: no", "copies       2", "overloaded", "410 Gone", "line 1\n<U+001B>]0;title<U+0007>line 2\n"}},
		{"jobs show job_1 --json", "GET /v1/jobs/job_1", hostileJob, []string{`"new_field": 7`}},
		{"jobs cancel job_1", "POST /v1/jobs/job_1/cancel", `{"status":"cancelled","job":"job_1"}`, []string{"job_1 is cancelled"}},
		{"jobs redeliver job_1", "POST /v1/jobs/job_1/redeliver", `{"job":"job_1","deliveries":2}`, []string{"2 deliveries of job_1 go out again; this is free"}},
		{"jobs rerun job_1", "POST /v1/jobs/job_1/rerun", `{"job":"job_2","rerun_of":"job_1","billed":true}`, []string{"job_2 will run the event of job_1 again; this is billed"}},
		{"lanes", "GET /v1/lanes", `{"lanes":[{"name":"haiku","paused":true,"reason":"spend_cap","detail":"the cap","until":null,"queued":3,"running":0,"pace":1}]}`,
			[]string{"haiku  paused  3       0 ", "resumed by hand  spend_cap: the cap"}},
		{"lanes pause haiku --for 30m --why deploy", `POST /v1/lanes/haiku/pause`, `{"name":"haiku","paused":true,"reason":"operator","until":"2026-11-25T12:30:00Z"}`,
			[]string{"2026-11-25 12:30:00Z"}},
		{"lanes resume haiku", "POST /v1/lanes/haiku/resume", `{"name":"haiku","paused":false,"pace":1}`, []string{"open"}},
		{"costs --from 2026-11-01 --by hook", "GET /v1/costs?from=2026-11-01", `{"from":"2026-11-01","to":"2026-11-25","total":{"calls":3,"unpriced_calls":1,"unknown_ends":2,"cost_usd":1.5},"by_hook":[{"hook":"h","calls":3,"cost_usd":1.5}]}`,
			[]string{"$1.50", "1 call not in these sums", "2 calls may have been billed"}},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, map[string]string{tt.asked: tt.reply})
			code, stdout, stderr := typed(t, withKey, append(strings.Fields(tt.args), "--url", w.URL)...)
			if code != 0 {
				t.Fatalf("exit %d: %s (asked %q)", code, stderr, w.asked)
			}
			for _, want := range tt.wants {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in:\n%s", want, stdout)
				}
			}
			if strings.Contains(tt.args, "pause") && w.asked[0] != tt.asked+` {"detail":"deploy","for":"30m0s"}` {
				t.Errorf("asked %q", w.asked)
			}
		})
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	w := newWire(t, nil)
	stranger := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "<html>hello") }))
	t.Cleanup(stranger.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	closed.Close()
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		exit int
		want string
	}{
		{"no server", withKey, []string{"jobs", "--url", nobody}, 1, "no server answers at " + nobody},
		{"what to do then", withKey, []string{"lanes", "--url", nobody}, 1, "forebay serve"},
		{"no key", nil, []string{"costs", "--url", w.URL}, 1, "set FOREBAY_ADMIN_KEY"},
		{"unknown job", withKey, []string{"jobs", "show", "x", "--url", w.URL}, 1, `there is no job "x"<U+001B>[31m; list them with: forebay jobs list`},
		{"another server", withKey, []string{"jobs", "--url", stranger.URL}, 1, "is not the admin listener of Forebay"},
		{"another server's stream", withKey, []string{"jobs", "tail", "x", "--url", stranger.URL}, 1, "is not the admin listener of Forebay"},
		{"no URL", nil, []string{"jobs", "--url", "localhost"}, 2, "write it as http://127.0.0.1:8081"},
		{"a path in it", nil, []string{"jobs", "--url", w.URL + "/admin"}, 2, "write it as"},
		{"a user in it", nil, []string{"jobs", "--url", "http://a:b@localhost"}, 2, "write it as"},
		{"no job", nil, []string{"jobs", "show"}, 2, "name one job"},
		{"two jobs", nil, []string{"jobs", "cancel", "a", "b"}, 2, "name one job"},
		{"unknown sum", nil, []string{"costs", "--by", "moon"}, 2, "--by hook"},
		{"a pause that is over", nil, []string{"lanes", "pause", "haiku", "--for", "-1h"}, 2, "--for 30m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			exit, stdout, stderr := typed(t, tt.env, tt.args...)
			if exit != tt.exit || !strings.Contains(stderr, tt.want) || stdout != "" {
				t.Errorf("exit %d, stdout %q, stderr %q; want %d and %q", exit, stdout, stderr, tt.exit, tt.want)
			}
			if strings.Contains(stderr, clientKey) {
				t.Error("the key is shown")
			}
		})
	}
}

// With --config the address and the key are those of the server.
func TestClientReadsTheConfig(t *testing.T) {
	t.Parallel()
	w := newWire(t, map[string]string{"GET /v1/lanes": `{"lanes":[]}`})
	file := filepath.Join(t.TempDir(), "forebay.yaml")
	text := "admin: {listen: \"" + strings.TrimPrefix(w.URL, "http://") + "\", keys: [\"${KEY}\"]}\n" +
		"claude: {api_key: key-for-claude}\n" +
		"hooks: {h: {source: {type: github, secrets: [a-secret-of-the-sender]}, model: haiku, prompt: hello}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := typed(t, map[string]string{"KEY": clientKey}, "lanes", "--config", file)
	if code != 0 || len(w.asked) != 1 {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	state := func(id string, call, offset int) string {
		return fmt.Sprintf("event: state\nid: %s\ndata: {\"id\":\"job_1\",\"state\":\"running\",\"stream\":{\"call\":%d,\"offset\":%d}}\n\n", id, call, offset)
	}
	delta := func(id, text string) string {
		data, _ := json.Marshal(map[string]string{"text": text})
		return "event: delta\nid: " + id + "\ndata: " + string(data) + "\n\n"
	}
	done := func(id, state string) string {
		return "event: done\nid: " + id + ":done\ndata: {\"id\":\"job_1\",\"state\":\"" + state + "\",\"cost_usd\":0.5,\"last_error\":{\"code\":\"refusal\",\"message\":\"it refused\"}}\n\n"
	}
	for _, tt := range []struct {
		name    string
		streams []string // one per connection
		resumed []string // the Last-Event-IDs
		exit    int
		stdout  string
		stderr  string
	}{
		{"one stream", []string{state("1:0", 1, 0) + ": still here\n\n" + delta("1:5", "Hello") + delta("1:13", " \x1b[31mred") + done("1:13", "succeeded")},
			[]string{""}, 0, "Hello <U+001B>[31mred\n", "succeeded: $0.50"},
		{"cut in between", []string{state("1:0", 1, 0) + delta("1:5", "Hello"), state("1:5", 1, 5) + delta("1:11", " world") + done("1:11", "succeeded")},
			[]string{"", "1:5"}, 0, "Hello world\n", "job_1 running\njob_1 succeeded"},
		{"another call", []string{state("1:0", 1, 0) + delta("1:5", "Hello") + state("2:0", 2, 0) + delta("2:3", "Bye") + done("2:3", "succeeded")},
			[]string{""}, 0, "Hello\nBye\n", "call 2: the text starts anew"},
		{"a dead one", []string{state("1:0", 1, 0) + done("1:0", "dead")}, []string{""}, 1, "", "job_1 is dead: refusal: it refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var resumed []string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				if n := len(resumed); n < len(tt.streams) {
					fmt.Fprint(w, tt.streams[n])
				}
				resumed = append(resumed, r.Header.Get("Last-Event-ID"))
			}))
			t.Cleanup(srv.Close)
			exit, stdout, stderr := typed(t, nil, "jobs", "tail", "job_1", "--url", srv.URL)
			if exit != tt.exit || stdout != tt.stdout || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit %d\nstdout %q\nwant   %q\nstderr %q", exit, stdout, tt.stdout, stderr)
			}
			if fmt.Sprint(resumed) != fmt.Sprint(tt.resumed) {
				t.Errorf("resumed from %q, want %q", resumed, tt.resumed)
			}
		})
	}
}

// TestConfigErrorsAsJSON: every command that reads the configuration tells
// programs all its mistakes in the same form, and people one to a line.
func TestConfigErrorsAsJSON(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "forebay.yaml")
	if err := os.WriteFile(file, []byte("lisen: 1\nhooks:\n  x: {sorce: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"serve", "doctor", "backup copy.db", "check-store", "trigger github.push", "verify --hook x", "preview --hook x --fixture github.push",
		"jobs list", "jobs show j", "lanes", "costs",
	} {
		args := append(strings.Fields(command), "--config", file)
		code, _, stderr := typed(t, nil, append(args, "--json")...)
		var doc struct {
			Error failure `json:"error"`
		}
		if err := json.Unmarshal([]byte(stderr), &doc); err != nil {
			t.Errorf("%s: got %q, want JSON: %v", command, stderr, err)
			continue
		}
		if got := doc.Error; code != exitFailed || got.Code != codeConfig || len(got.Errors) < 2 || got.Errors[0].Line != 1 || got.Errors[0].Remedy == "" {
			t.Errorf("%s: got %d %+v, want 1, %s and each mistake with line and remedy", command, code, got, codeConfig)
		}
		code, _, stderr = typed(t, nil, args...)
		if lines := strings.Count(stderr, "\n"); code != exitFailed || !strings.HasPrefix(stderr, file+":1:") || lines != len(doc.Error.Errors) {
			t.Errorf("%s: got %d %q, want %d lines that begin with the file", command, code, stderr, len(doc.Error.Errors))
		}
	}
}
