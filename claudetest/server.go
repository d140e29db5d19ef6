package claudetest

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Body limits of https://platform.claude.com/docs/en/api/errors#request-size-limits.
const (
	messagesBody = 32 << 20
	batchBody    = 256 << 20
)

// A Server is the simulated API. Its zero value is ready for use. The options
// must not be changed once it has been called; SetLimits and Enqueue change
// what can change.
type Server struct {
	Options

	once    sync.Once
	models  []model           // read only after once
	byID    map[string]*model // read only after once
	mux     *http.ServeMux    // read only after once
	closing chan struct{}     // closed by Close

	closeOnce sync.Once
	cache     promptCache
	counting  simpleLimit // count_tokens
	batching  simpleLimit // the batch endpoints

	lanesMu sync.Mutex // guards lanes, what they point to, and limits
	lanes   map[laneKey]*lane
	limits  map[string]Limits

	scriptMu sync.Mutex // guards script, messages and seen
	script   []Step
	messages int               // Messages requests that were asked of Fail
	seen     map[uint64]uint32 // how often a body came, by its hash

	journal journal
	batches batches
}

// New returns a server, or an error that lists everything wrong with the options.
func New(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Server{Options: o}
	s.begin()
	return s, nil
}

// begin makes the zero value ready.
func (s *Server) begin() {
	s.once.Do(func() {
		s.models = models()
		s.byID = indexModels(s.models, s.Retired)
		s.closing = make(chan struct{})
		s.lanes = make(map[laneKey]*lane)
		s.limits = make(map[string]Limits)
		maps.Copy(s.limits, s.Limits)
		s.script = slices.Clone(s.Script)
		s.seen = make(map[uint64]uint32)
		s.journal.size = s.JournalSize
		s.mux = s.routes()
	})
}

// routes is every URL of the simulator.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern, endpoint string
		handle            func(*exchange) *apiError
	}{
		{"POST /v1/messages", "messages", s.createMessage},
		{"POST /v1/messages/count_tokens", "count_tokens", s.countTokens},
		{"GET /v1/models", "models", s.listModels},
		{"GET /v1/models/{id}", "models", s.getModel},
		{"GET /v1/organizations/rate_limits", "rate_limits", s.listRateLimits},
		{"POST /v1/messages/batches", "batches.create", s.createBatch},
		{"GET /v1/messages/batches", "batches.list", s.listBatches},
		{"GET /v1/messages/batches/{id}", "batches.get", s.getBatch},
		{"POST /v1/messages/batches/{id}/cancel", "batches.cancel", s.cancelBatch},
		{"DELETE /v1/messages/batches/{id}", "batches.delete", s.deleteBatch},
		{"GET /v1/messages/batches/{id}/results", "batches.results", s.batchResults},
	} {
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, route.endpoint, route.handle)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, "unknown", func(*exchange) *apiError { return notFound("Not Found") })
	})
	return mux
}

// ServeHTTP answers one request. A panic with [http.ErrAbortHandler] is how it
// cuts a connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.begin()
	s.mux.ServeHTTP(w, r)
}

// Close lets go of every call that hangs or stalls, so that the HTTP server in
// front can shut down. Later calls that would hang end at once.
func (s *Server) Close() {
	s.begin()
	s.closeOnce.Do(func() { close(s.closing) })
}

// An exchange is one request being answered. One goroutine owns it.
type exchange struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	now     time.Time // when the request arrived
	version string
	call    *record // the journal's entry; change it through note once it is shared
	lane    laneKey
	rng     *rand.Rand
	fault   *Failure // of an endpoint other than messages
	out     []byte   // written at the next flush
}

// errGone ends an exchange whose client has gone, or whose server closes.
var errGone = errors.New("claudetest: the client has gone")

func (s *Server) serve(w http.ResponseWriter, r *http.Request, endpoint string, handle func(*exchange) *apiError) {
	x := &exchange{s: s, w: w, r: r, now: time.Now()}
	x.call = s.journal.open(Call{Endpoint: endpoint, At: x.now})
	x.rng = rand.New(rand.NewPCG(s.Seed, uint64(x.call.N)))
	defer x.finish()
	x.identify()
	failed := x.authenticate()
	if failed == nil {
		failed = x.scripted(endpoint)
	}
	if failed == nil && x.call.Status == 0 {
		failed = handle(x)
	}
	if failed != nil {
		x.fail(failed)
	}
}

// identify writes the headers that every answer carries.
func (x *exchange) identify() {
	x.call.RequestID = "req_011C" + x.id(20)
	x.call.Workspace = x.r.Header.Get("Anthropic-Workspace-Id")
	if x.call.Workspace == "" {
		x.call.Workspace = "wrkspc_simulated"
	}
	x.call.Retry, _ = strconv.Atoi(x.r.Header.Get("X-Stainless-Retry-Count"))
	h := x.w.Header()
	h["Request-Id"] = []string{x.call.RequestID}
	h["Anthropic-Workspace-Id"] = []string{x.call.Workspace}
	h["Server"] = []string{"cloudflare"}
	h["Cf-Ray"] = []string{x.hex(16) + "-SIM"}
	h["Cf-Cache-Status"] = []string{"DYNAMIC"}
	h["Strict-Transport-Security"] = []string{"max-age=31536000; includeSubDomains; preload"}
	h["X-Robots-Tag"] = []string{"none"}
}

// authenticate finds the organisation of the key, in either header, and the
// version of the API.
func (x *exchange) authenticate() *apiError {
	key := x.r.Header.Get("X-Api-Key")
	if bearer, ok := strings.CutPrefix(x.r.Header.Get("Authorization"), "Bearer "); ok && key == "" {
		key = bearer
	}
	if key == "" {
		return unauthorized("x-api-key header is required")
	}
	org := "simulated"
	if len(x.s.Keys) > 0 {
		name, ok := x.s.Keys[key]
		if !ok {
			return unauthorized("invalid x-api-key")
		}
		org = name
	}
	x.call.Organization = org
	x.w.Header()["Anthropic-Organization-Id"] = []string{org}
	x.version = x.r.Header.Get("Anthropic-Version")
	switch x.version {
	case oldVersion, newVersion:
		return nil
	case "":
		return invalid("anthropic-version: header is required")
	}
	return invalid(`anthropic-version: "` + x.version + `" is not a valid version`)
}

// body reads the request's body up to a limit, over which the proxy in front
// of the API answers.
func (x *exchange) body(limit int64) ([]byte, *apiError) {
	if x.r.ContentLength > limit {
		return nil, tooLarge()
	}
	data := make([]byte, 0, min(max(x.r.ContentLength, 512), 1<<20)+1)
	limited := io.LimitReader(x.r.Body, limit+1)
	for {
		n, err := limited.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, tooLarge()
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, invalid("The request body could not be read")
		case len(data) == cap(data):
			data = slices.Grow(data, len(data))
		}
	}
}

// id makes the random part of an id.
func (x *exchange) id(n int) string { return randomID(x.rng, n) }

func randomID(rng *rand.Rand, n int) string {
	const letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	out := make([]byte, n)
	for i := range out {
		out[i] = letters[rng.IntN(len(letters))]
	}
	return string(out)
}

func (x *exchange) hex(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = "0123456789abcdef"[x.rng.IntN(16)]
	}
	return string(out)
}

func (x *exchange) writeJSON(status int, v any) {
	if x.fault != nil && (x.fault.Kind == Cut || x.fault.Kind == DropBody) {
		panic(http.ErrAbortHandler) // the work is done, the answer is lost
	}
	x.call.Status = status
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	x.write(mustJSON(v))
}

// write sends bytes now; an error means that the client has gone, which the
// next wait finds out.
func (x *exchange) write(data []byte) { _, _ = x.w.Write(data) }

// flush sends what the exchange has gathered.
func (x *exchange) flush() {
	x.write(x.out)
	x.out = x.out[:0]
	_ = http.NewResponseController(x.w).Flush() // a writer that cannot flush sends at the end
}

// sleep waits until a moment, or until the client has gone.
func (x *exchange) sleep(until time.Time) error {
	d := time.Until(until)
	if d <= 0 {
		if x.r.Context().Err() != nil {
			return errGone
		}
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-x.r.Context().Done():
		return errGone
	case <-x.s.closing:
		return errGone
	}
}

// hang waits until the client has gone.
func (x *exchange) hang() {
	select {
	case <-x.r.Context().Done():
	case <-x.s.closing:
	}
}
