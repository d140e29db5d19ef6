package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/starter"
	"github.com/forebayhq/forebay/verify"
)

// TestEverySenderStarts walks the way of a newcomer for each sender: init
// writes a configuration, check finds nothing wrong with it, preview renders
// the sender's webhook, and trigger has it accepted by a server that serves the
// same hooks; with a wrong secret or key it is refused.
func TestEverySenderStarts(t *testing.T) {
	t.Parallel()
	starters := everyStarter(t)
	env, keys, public := starterEnv(t, starters)
	addr := serveStarters(t, env, public, starters)
	for _, st := range starters {
		t.Run(st.Sender.Name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "forebay.yaml")
			do(t, env, "init", "--sender", st.Sender.Name, "--out", file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text = []byte(strings.Replace(string(text), `":8080"`, strconv.Quote(addr), 1))
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			do(t, env, "check", "--config", file)
			if shown := do(t, env, "preview", "--config", file, "--fixture", st.Fixture.Name); strings.Contains(shown, "would be ignored") {
				t.Errorf("the starter's rule does not take its own webhook\n%s", shown)
			}
			trigger := []string{"trigger", st.Fixture.Name, "--config", file}
			right, wrong := proofs(st, keys)
			do(t, env, append(trigger, right...)...)
			if code, stdout, _ := typed(t, env, append(trigger, wrong...)...); code == 0 {
				t.Errorf("with a wrong secret it is accepted too\n%s", stdout)
			}
		})
	}
}

// do types a command that must succeed.
func do(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	code, stdout, stderr := typed(t, env, args...)
	if code != 0 {
		t.Fatalf("forebay %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// proofs are the flags with which a webhook is accepted, and those with which
// it is not.
func proofs(st starter.Starter, keys map[string]string) (right, wrong []string) {
	if kind := st.Sender.PrivateKey(); kind != "" {
		return []string{"--key", keys[kind]}, []string{"--key", keys[kind+"-other"]}
	}
	if form := st.Sender.Proof.Key; form == "hex" || form == "base64" {
		return nil, []string{"--secret", strings.Repeat("f", 32)}
	}
	return nil, []string{"--secret", "wrong:wrong"}
}

func everyStarter(t *testing.T) []starter.Starter {
	t.Helper()
	var all []starter.Starter
	for _, name := range verify.Types() {
		st, err := starter.For(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, st)
	}
	return all
}

// serveStarters runs a receiver with all starters in one configuration, and
// returns its address.
func serveStarters(t *testing.T, env, public map[string]string, starters []starter.Starter) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var text strings.Builder
	fmt.Fprintf(&text, "listen: %q\nadmin: {listen: \"off\"}\nstore: sqlite:%s\nclaude: {api_key: none}\nhooks:\n", l.Addr(), filepath.Join(dir, "starters.db"))
	for _, st := range starters {
		hook := st.HookText()
		if st.Sender.FetchesKeys() && !strings.Contains(hook, "public_keys") { // as trigger --key says
			hook = strings.Replace(hook, "    source:\n", "    source:\n      public_keys: [\""+public[st.Sender.PrivateKey()]+"\"]\n", 1)
		}
		fmt.Fprintf(&text, "  %s:\n%s", st.Hook(), hook)
	}
	file := filepath.Join(dir, "starters.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, func(name string) (string, bool) { value, ok := env[name]; return value, ok })
	if err != nil {
		t.Fatal(err)
	}
	s, err := forebay.New(t.Context(), forebay.Options{Config: cfg, Role: forebay.RoleReceive, Listener: l, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return l.Addr().String()
}

// starterEnv sets every variable that a starter takes, to a value that fits,
// and makes two private keys of each kind; keys holds their files, public their
// public halves.
func starterEnv(t *testing.T, starters []starter.Starter) (env, keys, public map[string]string) {
	t.Helper()
	keys, public = map[string]string{}, map[string]string{}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		for _, name := range []string{kind, kind + "-other"} {
			keys[name] = filepath.Join(t.TempDir(), name+".pem")
			stdout := do(t, nil, "trigger", madeFor[kind], "--to", "http://127.0.0.1:9/", "--key", keys[name])
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			public[name] = lines[len(lines)-1]
		}
	}
	env = map[string]string{"FOREBAY_ADMIN_KEY": "0123456789abcdef", "ANTHROPIC_API_KEY": "none", "PUBLIC_URL": "https://hooks.example.com"}
	for _, st := range starters {
		for _, variable := range variablesIn([]byte(st.Text())) {
			if env[variable] != "" {
				continue
			}
			switch {
			case strings.HasSuffix(variable, "_PUBLIC_KEY") && st.Sender.PrivateKey() != "":
				env[variable] = public[st.Sender.PrivateKey()]
			case strings.HasSuffix(variable, "_TOPIC_ARN"):
				env[variable] = "arn:aws:sns:eu-central-1:123456789012:orders"
			case strings.HasSuffix(variable, "_SERVICE_ACCOUNT"):
				env[variable] = "push@example.iam.gserviceaccount.com"
			case strings.HasSuffix(variable, "_ISSUER"), strings.HasSuffix(variable, "_AUDIENCE"):
				env[variable] = "https://hooks.example.com"
			case st.Sender.Proof.Scheme == "basic":
				env[variable] = "user:0123456789abcdef"
			default: // text, hex and base64
				env[variable] = "0123456789abcdef0123456789abcdef"
			}
		}
	}
	return env, keys, public
}

// madeFor is a webhook whose sender signs with a key of that kind.
var madeFor = map[string]string{"ed25519": "discord.ping", "ecdsa": "sendgrid.events", "rsa": "highlevel.contact.create"}
