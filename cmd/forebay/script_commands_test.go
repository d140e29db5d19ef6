package main

import (
	"errors"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	scriptWait = 30 * time.Second      // how long a script waits for anything
	scriptPoll = 25 * time.Millisecond // how often it looks meanwhile
)

// scriptCommands are the commands of scripts besides those of testscript.
func scriptCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"receiver":  receiver,
		"claude":    claude,
		"freeport":  freePorts,
		"waitready": waitReady,
		"waitout":   waitOut,
		"exits":     exits,
		"capture":   capture,
		"terminate": terminate,
	}
}

// freePorts: freeport VAR... sets each variable to a port of 127.0.0.1 that
// nobody listens on.
func freePorts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: freeport VAR...")
	}
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer l.Close() // after all are chosen, so that no two are the same
		ts.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
}

// waitReady: waitready URL waits until something answers at URL, and does not
// say 5xx; ! waitready URL waits until that is no longer so.
func waitReady(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] waitready URL")
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	poll(ts, "the answer of "+args[0], func() bool {
		resp, err := client.Get(args[0])
		if err != nil {
			return neg
		}
		_ = resp.Body.Close()
		return (resp.StatusCode < 500) != neg
	})
}

// waitOut: waitout REGEXP COMMAND [ARG...] runs the command again and again
// until it succeeds with a standard output that matches.
func waitOut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitout REGEXP COMMAND [ARG...]")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	poll(ts, args[0], func() bool {
		return ts.Exec(args[1], args[2:]...) == nil && want.MatchString(ts.ReadFile("stdout"))
	})
}

func poll(ts *testscript.TestScript, what string, done func() bool) {
	tick := time.NewTicker(scriptPoll)
	defer tick.Stop()
	for end := time.Now().Add(scriptWait); !done(); <-tick.C {
		if time.Now().After(end) {
			ts.Fatalf("waited %s in vain for %s", scriptWait, what)
		}
	}
}

// exits: exits CODE COMMAND [ARG...] wants exactly this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// capture: capture VAR REGEXP sets the variable to the first group of the
// first match in the last standard output.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture VAR REGEXP")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("nothing in standard output matches %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// terminate: terminate WORD sends SIGTERM to the background command whose first
// argument is WORD.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: terminate WORD")
	}
	for _, cmd := range ts.BackgroundCmds() {
		if len(cmd.Args) > 1 && cmd.Args[1] == args[0] {
			ts.Check(cmd.Process.Signal(syscall.SIGTERM))
			return
		}
	}
	ts.Fatalf("no forebay %s runs in the background", args[0])
}
