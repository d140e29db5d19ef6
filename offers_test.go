package forebay_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/verify"
)

// TestOfferedSecret follows Asana from a hook without a secret to a verified
// event: the secret that its handshake brings is kept in a file, used for nothing
// until the operator names that file, and strangers' offers find little room.
func TestOfferedSecret(t *testing.T) {
	pending := strings.Replace(senderHook, "SOURCE", "{type: asana, secrets: [pending]}", 1)
	bubble(t, pending, claudetest.Options{}, func(w *world) {
		const secret = "offered-by-asana-0123456789"
		asana := verify.Config{Type: "asana", Secrets: []string{secret}}
		event := verify.SignInput{Body: []byte(`{"events":[{"action":"changed","resource":{"gid":"1","resource_type":"task"}}]}`)}

		w.want("an event before the handshake", w.send(asana, event), 401, "secret_pending")
		got := w.postRaw(http.Header{"X-Hook-Secret": {secret}}, "{}")
		if got.status != http.StatusOK || got.header.Get("X-Hook-Secret") != secret {
			t.Fatalf("handshake: got %+v, want the secret back", got)
		}
		w.want("an event with the offered secret", w.send(asana, event), 401, "secret_pending")
		w.want("an offer that is no secret", w.postRaw(http.Header{"X-Hook-Secret": {"a b"}}, "{}"), 401, "offer_refused")
		for i := range 7 {
			w.want("a stranger's offer", w.postRaw(http.Header{"X-Hook-Secret": {"stranger" + strings.Repeat("x", i)}}, "{}"), 200, "")
		}
		w.want("one too many", w.postRaw(http.Header{"X-Hook-Secret": {"stranger-again"}}, "{}"), 401, "offer_refused")

		file := filepath.Join(w.dir, "ledger.db-offered", "in-1")
		taken := strings.Replace(pending, "pending", `"${file:`+file+`}"`, 1)
		cfg, err := config.Parse(filepath.Join(w.dir, "forebay.yaml"), []byte(worldConfig+taken), w.dir, os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.server.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.opts.Config = cfg
		w.boot()
		w.want("an event once the operator took it", w.send(asana, event), 200, "")
		w.want("an event of a stranger", w.send(verify.Config{Type: "asana", Secrets: []string{"stranger"}}, event), 401, "signature_mismatch")
		time.Sleep(time.Second)
		if got := w.jobs(); got != 1 {
			t.Errorf("got %d jobs, want 1", got)
		}
	})
}
