package githubtest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Webhook is one that sends to a URL. ID and nothing else is set by
// AddWebhook.
type Webhook struct {
	ID     int64
	Owner  string // "owner/name", "org", or "app"
	URL    string
	Secret string
}

// An Attempt is one try to deliver an event.
type Attempt struct {
	ID          int64
	Webhook     int64
	GUID        string
	Event       string
	Payload     string
	DeliveredAt time.Time
	Redelivery  bool
	StatusCode  int // of the receiver; 502: it could not be reached, as GitHub says it
	Status      string
}

// keepDeliveries is how long attempts are listed and can be repeated.
// https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
const keepDeliveries = 3 * 24 * time.Hour

// sendTimeout is how long the receiver has.
const sendTimeout = 10 * time.Second

// AddWebhook adds a webhook and returns its number.
func (s *Server) AddWebhook(h Webhook) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.webhooks == nil {
		s.webhooks = map[int64]*Webhook{}
	}
	h.ID = int64(len(s.webhooks)) + 500_001
	s.webhooks[h.ID] = &h
	return h.ID
}

// Send delivers an event through a webhook, once, as GitHub does: a failure is
// recorded and never repeated by itself.
func (s *Server) Send(ctx context.Context, webhook int64, event, payload string) Attempt {
	return s.attempt(ctx, Attempt{Webhook: webhook, GUID: strings.ToLower(rand.Text()), Event: event, Payload: payload})
}

// Attempts returns every attempt, oldest first.
func (s *Server) Attempts() []Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Attempt
	for _, a := range s.attempts {
		all = append(all, *a)
	}
	return all
}

// Wait waits for redeliveries that are under way.
func (s *Server) Wait() { s.sending.Wait() }

// attempt sends and records. It must be called without mu.
func (s *Server) attempt(ctx context.Context, a Attempt) Attempt {
	s.mu.Lock()
	hook := *s.webhooks[a.Webhook]
	s.mu.Unlock()
	a.DeliveredAt = time.Now().UTC()
	a.StatusCode, a.Status = s.request(ctx, hook, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.ID = int64(len(s.attempts)) + 90_000_000_001
	s.attempts = append(s.attempts, &a)
	return a
}

// request makes the request that GitHub makes.
func (s *Server) request(ctx context.Context, hook Webhook, a Attempt) (status int, text string) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, strings.NewReader(a.Payload))
	if err != nil {
		return http.StatusBadGateway, "invalid url"
	}
	mac := hmac.New(sha256.New, []byte(hook.Secret))
	mac.Write([]byte(a.Payload))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/fake", "X-GitHub-Delivery": a.GUID,
		"X-GitHub-Event": a.Event, "X-GitHub-Hook-ID": strconv.FormatInt(hook.ID, 10),
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		req.Header.Set(name, value)
	}
	if s.Client == nil {
		return http.StatusBadGateway, "failed to connect to host"
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		return http.StatusBadGateway, "failed to connect to host"
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // the answer is not looked at
	return resp.StatusCode, http.StatusText(resp.StatusCode)
}

func (s *Server) webhookRoutes(m *http.ServeMux) {
	m.HandleFunc("GET /orgs/{org}/installation", s.asApp(s.orgInstallation))
	m.HandleFunc("GET /repos/{owner}/{name}/hooks", s.in(func(w http.ResponseWriter, r *http.Request, v visit) { s.listHooks(w, r, v.repo.name) }))
	m.HandleFunc("GET /orgs/{org}/hooks", s.as(func(w http.ResponseWriter, r *http.Request, _ author) { s.listHooks(w, r, r.PathValue("org")) }))
	m.HandleFunc("GET /repos/{owner}/{name}/hooks/{id}/deliveries", s.in(func(w http.ResponseWriter, r *http.Request, v visit) { s.listAttempts(w, r, v.repo.name) }))
	m.HandleFunc("GET /orgs/{org}/hooks/{id}/deliveries", s.as(func(w http.ResponseWriter, r *http.Request, _ author) { s.listAttempts(w, r, r.PathValue("org")) }))
	m.HandleFunc("GET /app/hook/deliveries", s.asApp(func(w http.ResponseWriter, r *http.Request) { s.listAttempts(w, r, "app") }))
	m.HandleFunc("POST /repos/{owner}/{name}/hooks/{id}/deliveries/{delivery}/attempts", s.in(func(w http.ResponseWriter, r *http.Request, v visit) { s.redeliver(w, r, v.repo.name) }))
	m.HandleFunc("POST /orgs/{org}/hooks/{id}/deliveries/{delivery}/attempts", s.as(func(w http.ResponseWriter, r *http.Request, _ author) { s.redeliver(w, r, r.PathValue("org")) }))
	m.HandleFunc("POST /app/hook/deliveries/{delivery}/attempts", s.asApp(func(w http.ResponseWriter, r *http.Request) { s.redeliver(w, r, "app") }))
}

func (s *Server) listHooks(w http.ResponseWriter, r *http.Request, owner string) {
	out := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(s.webhooks)) {
		if h := s.webhooks[id]; strings.EqualFold(h.Owner, owner) {
			out = append(out, map[string]any{"id": h.ID, "active": true, "config": map[string]string{"url": h.URL, "secret": "********"}})
		}
	}
	from, to := page(w, r, len(out))
	reply(w, http.StatusOK, out[from:to])
}

// hook finds the webhook that a path names, if it is the owner's.
func (s *Server) hook(r *http.Request, owner string) *Webhook {
	for _, h := range s.webhooks {
		if strings.EqualFold(h.Owner, owner) && (owner == "app" || strconv.FormatInt(h.ID, 10) == r.PathValue("id")) {
			return h
		}
	}
	return nil
}

// listAttempts lists newest first; the cursor names the first attempt of a page.
func (s *Server) listAttempts(w http.ResponseWriter, r *http.Request, owner string) {
	h := s.hook(r, owner)
	if h == nil {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	size, err := strconv.Atoi(r.URL.Query().Get("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	cursor, out := r.URL.Query().Get("cursor"), []map[string]any{}
	for _, a := range slices.Backward(s.attempts) {
		if a.Webhook != h.ID || time.Since(a.DeliveredAt) > keepDeliveries {
			continue
		}
		mark := "v1_" + strconv.FormatInt(a.ID, 10)
		if cursor != "" && mark != cursor {
			continue
		}
		cursor = ""
		if len(out) == min(size, 100) {
			w.Header().Set("Link", fmt.Sprintf(`<https://api.github.com%s?per_page=%d&cursor=%s>; rel="next"`, r.URL.Path, size, mark))
			break
		}
		out = append(out, a.document())
	}
	reply(w, http.StatusOK, out)
}

func (a *Attempt) document() map[string]any {
	return map[string]any{
		"id": a.ID, "guid": a.GUID, "delivered_at": a.DeliveredAt, "redelivery": a.Redelivery, "duration": 0.1,
		"status": a.Status, "status_code": a.StatusCode, "event": a.Event, "action": nil,
	}
}

// redeliver sends an event again, after it has answered.
func (s *Server) redeliver(w http.ResponseWriter, r *http.Request, owner string) {
	h := s.hook(r, owner)
	id, _ := strconv.ParseInt(r.PathValue("delivery"), 10, 64) // 0 is no attempt either
	i := slices.IndexFunc(s.attempts, func(a *Attempt) bool { return h != nil && a.ID == id && a.Webhook == h.ID })
	switch {
	case i < 0:
		problem(w, http.StatusNotFound, "Not Found")
		return
	case time.Since(s.attempts[i].DeliveredAt) > keepDeliveries:
		problem(w, http.StatusUnprocessableEntity, "The delivery is too old to be redelivered")
		return
	}
	again := Attempt{Webhook: h.ID, GUID: s.attempts[i].GUID, Event: s.attempts[i].Event, Payload: s.attempts[i].Payload, Redelivery: true}
	s.sending.Go(func() { s.attempt(context.WithoutCancel(r.Context()), again) })
	reply(w, http.StatusAccepted, map[string]any{})
}
