package verify

import (
	"bufio"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An sdkCase is how one official SDK is asked about one sender.
type sdkCase struct {
	sender string // default: the SDK's name
	secret func(g *gen) string
	key    string // kind of the private key, for senders that have one
	forms  int    // of ten bodies
	query  bool   // the URL is signed: it has a random query
	cases  int    // default sdkCases

	// header are headers that the SDK demands besides, or instead.
	header map[string]string

	// spare are changes that this SDK is not asked about, with the reason: it
	// refuses what its sender's documentation allows.
	spare map[string]string
	// stricter are the changes that the SDK accepts and we refuse, on purpose.
	stricter map[string]string
}

const sdkCases = 250

// Why we refuse what an SDK accepts.
const (
	fromFuture = "the SDK accepts any time in the future, so that a request dated ahead can be replayed until then; the tolerance here is two-sided"
	noClock    = "the SDK checks no time, so that a captured request can be replayed for ever"
	loosely    = "the SDK decodes the signature before it compares, so that several texts stand for one signature; here exactly one does"
	byPosition = "the SDK takes the first two items of the header, whatever they are called"
)

func sdkTable() map[string]sdkCase {
	text := func(g *gen) string { return g.word(16 + g.IntN(32)) }
	whsec := func(g *gen) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(g.word(24+g.IntN(20))))
	}
	return map[string]sdkCase{
		"github":           {secret: text},
		"stripe":           {secret: func(g *gen) string { return "whsec_" + g.word(32) }, stricter: map[string]string{"future": fromFuture}},
		"twilio":           {secret: text, forms: 7, query: true},
		"svix":             {secret: whsec},
		"standardwebhooks": {secret: whsec},
		"slack":            {secret: text, forms: 5, stricter: map[string]string{"future": fromFuture}},
		"shopify": {secret: text, header: map[string]string{
			"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": "x.myshopify.com", "X-Shopify-API-Version": "2026-07", "X-Shopify-Webhook-Id": "w-1",
		}},
		"square":   {secret: text, query: true},
		"sendgrid": {key: "ecdsa", cases: 10, stricter: map[string]string{"longer": loosely, "capitals": loosely}},
		"discord":  {key: "ed25519", stricter: map[string]string{"future": noClock, "old": noClock, "capitals": loosely}},
		"paddle": {
			secret:   text,
			stricter: map[string]string{"future": fromFuture},
			spare: map[string]string{
				"late":          "the SDK allows 5 s, which is less than a retry takes",
				"another first": "the SDK looks at the last h1 alone, so that it refuses one of the two during a rotation",
				"another last":  "as before",
			},
		},
		"workos":   {secret: text, stricter: map[string]string{"future": fromFuture, "another name": byPosition}},
		"notion":   {secret: text, stricter: map[string]string{"capitals": loosely}},
		"sanity":   {secret: text},
		"linear":   {secret: text},
		"pusher":   {secret: text, header: map[string]string{"X-Pusher-Key": "key-1", "Content-Type": "application/json"}},
		"razorpay": {secret: text},
	}
}

// TestOfficialSDKs: what Sign makes the sender's own SDK accepts, what the SDK
// signs Verify accepts, and about requests that were changed on the way both
// say the same, but for the listed differences, in all of which Verify is the
// stricter one. It needs Node and the SDKs: make test installs them. The
// requests are the same in every run but for FOREBAY_SDK_SEED; FOREBAY_SDK_TIMES
// multiplies them.
func TestOfficialSDKs(t *testing.T) {
	t.Parallel()
	table := sdkTable()
	oracle := newOracle(t)
	names := slices.Sorted(maps.Keys(table))
	if list := oracle.ask(question{Op: "list"}); len(list.SDKs) != len(names) || len(names) < 12 {
		t.Fatalf("the driver knows %v, the table %v", list.SDKs, names)
	}
	seed := number(t, "FOREBAY_SDK_SEED", 1)
	times := int(number(t, "FOREBAY_SDK_TIMES", 1))
	total, accepted := 0, 0
	for _, name := range names {
		c := table[name]
		c.fill(name)
		c.cases *= times
		g := &gen{rand.New(rand.NewPCG(seed, uint64(len(name))))}
		a := &agreement{T: t, oracle: oracle, sdk: name, c: c, g: g, used: map[string]bool{}}
		begun := time.Now()
		for i := range c.cases + 3*a.kinds() {
			a.both(i)
		}
		for change := range c.stricter {
			if !a.used[change] {
				t.Errorf("%s: %q is listed as a difference and was none: remove it", name, change)
			}
		}
		t.Logf("%s: %d requests in %s", name, a.asked, time.Since(begun).Round(time.Millisecond))
		total, accepted = total+a.asked, accepted+a.accepted
	}
	t.Logf("%d requests put to %d SDKs, %d of them accepted by both", total, len(names), accepted)
}

// fill completes the row of a table.
func (c *sdkCase) fill(name string) {
	if c.sender == "" {
		c.sender = name
	}
	if c.cases == 0 {
		c.cases = sdkCases
	}
}

// number is a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// An agreement is between one SDK and Verify.
type agreement struct {
	*testing.T
	oracle   *oracle
	sdk      string
	c        sdkCase
	g        *gen
	used     map[string]bool // the listed differences that were seen
	asked    int
	accepted int
}

// config is a configuration with a random secret, and what the SDK calls that.
func (a *agreement) config() (cfg Config, key crypto.Signer, secret string) {
	cfg = Config{Type: a.c.sender, PublicURL: "https://example.com/hooks/" + a.g.word(5)}
	s, ok := Lookup(a.c.sender)
	if !ok {
		a.Fatalf("no sender %s", a.c.sender)
	}
	if !signsURL(s) {
		cfg.PublicURL = ""
	}
	switch a.c.key {
	case "":
		secret = a.c.secret(a.g)
		cfg.Secrets = []string{secret}
		return cfg, nil, secret
	case "ed25519":
		key = testKeys()["ed25519"]
		secret = hex.EncodeToString(key.Public().(ed25519.PublicKey))
	default:
		key = testKeys()[a.c.key]
		secret = publicText(key)
	}
	cfg.PublicKeys = []string{secret}
	return cfg, key, secret
}

func signsURL(s Sender) bool {
	return s.Proof.Scheme == "twilio" || strings.Contains(s.Proof.Signed, "{url")
}

// both asks the SDK and Verify about one request, and where the SDK signs, about
// one of its own. The first few go through all changes, the others are random.
func (a *agreement) both(i int) {
	a.Helper()
	cfg, key, secret := a.config()
	body, contentType := a.g.body(a.c.forms)
	header := http.Header{"Content-Type": {contentType}}
	for name, value := range a.c.header {
		header.Set(name, value)
	}
	in := SignInput{Body: body, Header: header, Now: testNow.Add(time.Duration(a.g.IntN(1000)) * time.Hour), ID: "msg_" + a.g.word(8), Key: key}
	if a.c.query {
		in.URL = cfg.PublicURL + "?" + a.g.word(3) + "=" + a.g.word(4)
		if s, _ := Lookup(a.c.sender); s.Proof.Scheme != "twilio" {
			cfg.PublicURL = in.URL
		}
	}
	r, err := Sign(cfg, in)
	if err != nil {
		a.Fatal(err)
	}
	change := a.change(i, cfg, &r)
	if change != "" {
		a.compare(cfg, secret, r, change)
	}
	a.theirs(cfg, secret, in)
}

// kinds is how many kinds of change there are for this sender.
func (a *agreement) kinds() int {
	cfg, _, _ := a.config()
	return len(a.changes(cfg))
}

// compare puts one request to both.
func (a *agreement) compare(cfg Config, secret string, r Request, change string) {
	a.Helper()
	got := a.oracle.ask(question{SDK: a.sdk, Op: "verify", Secret: secret, URL: r.URL, Header: flat(r.Header), Body: string(r.Body), Now: r.Now.Unix()})
	_, err := mustNew(a, cfg).Verify(r)
	a.asked++
	switch ours := err == nil; {
	case ours && got.OK:
		a.accepted++
	case change == "none":
		a.Errorf("%s: its own form of request: we say %v, the SDK %v %s; %s", a.sdk, err, got.OK, got.Error, shown(r))
	case ours == got.OK:
	case got.OK && a.c.stricter[change] != "":
		a.used[change] = true
	default:
		a.Errorf("%s, %s: we say %v, the SDK %v %s; %s", a.sdk, change, err, got.OK, got.Error, shown(r))
	}
}

// theirs has the SDK sign, where it can.
func (a *agreement) theirs(cfg Config, secret string, in SignInput) {
	a.Helper()
	if !slices.Contains(a.oracle.signs, a.sdk) || len(in.Body) == 0 {
		return
	}
	url := in.URL
	if a.sdk == "twilio" && !strings.HasPrefix(in.Header.Get("Content-Type"), "application/x-www") {
		return // getExpectedTwilioSignature covers no body
	}
	got := a.oracle.ask(question{SDK: a.sdk, Op: "sign", Secret: secret, URL: url, Header: flat(in.Header), Body: string(in.Body), Now: in.Now.Unix(), ID: in.ID})
	r := Request{Method: http.MethodPost, URL: url, Header: in.Header.Clone(), Body: in.Body, Now: in.Now}
	for name, value := range got.Headers {
		r.Header.Set(name, value)
	}
	a.asked++
	if _, err := mustNew(a, cfg).Verify(r); err != nil || got.Error != "" {
		a.Errorf("%s: what the SDK signed is refused: %v %s; %s", a.sdk, err, got.Error, shown(r))
		return
	}
	a.accepted++
	r.Body = append(slices.Clone(r.Body), ' ')
	if _, err := mustNew(a, cfg).Verify(r); err == nil {
		a.Errorf("%s: a changed body is accepted: %s", a.sdk, shown(r))
	}
}

func flat(h http.Header) map[string]string {
	out := map[string]string{}
	for name := range h {
		out[strings.ToLower(name)] = h.Get(name)
	}
	return out
}

func shown(r Request) string {
	return fmt.Sprintf("%s %v %.200q at %d", r.URL, flat(r.Header), r.Body, r.Now.Unix())
}

// An oracle is the driver of the SDKs, a process of its own.
type oracle struct {
	t     *testing.T
	in    io.Writer
	out   *bufio.Scanner
	signs []string
}

type question struct {
	SDK    string            `json:"sdk,omitempty"`
	Op     string            `json:"op"`
	Secret string            `json:"secret,omitempty"`
	URL    string            `json:"url,omitempty"`
	ID     string            `json:"id,omitempty"`
	Header map[string]string `json:"headers,omitempty"`
	Body   string            `json:"body"`
	Now    int64             `json:"now"`
}

type reply struct {
	SDKs    []string          `json:"sdks"`
	Signs   []string          `json:"signs"`
	OK      bool              `json:"ok"`
	Headers map[string]string `json:"headers"`
	Error   string            `json:"error"`
}

// newOracle starts the driver beside the SDKs that FOREBAY_SDKS names, or skips
// the test.
func newOracle(t *testing.T) *oracle {
	t.Helper()
	modules := os.Getenv("FOREBAY_SDKS")
	if modules == "" {
		t.Skip("FOREBAY_SDKS names no folder with the official SDKs: run make test, with npm")
	}
	dir := t.TempDir()
	driver, err := os.ReadFile("testdata/sdk/driver.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "driver.mjs"), driver, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(modules, "node"), filepath.Join(dir, "driver.mjs"))
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	o := &oracle{t: t, in: in, out: bufio.NewScanner(out)}
	o.out.Buffer(nil, 1<<20)
	o.signs = o.ask(question{Op: "list"}).Signs
	return o
}

func (o *oracle) ask(q question) reply {
	o.t.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.in.Write(append(line, '\n')); err != nil {
		o.t.Fatalf("the driver is gone: %v", err)
	}
	if !o.out.Scan() {
		o.t.Fatalf("the driver is gone: %v", o.out.Err())
	}
	var r reply
	if err := json.Unmarshal(o.out.Bytes(), &r); err != nil {
		o.t.Fatalf("%v: %s", err, o.out.Bytes())
	}
	return r
}
