package claudetest

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listRateLimits is GET /v1/organizations/rate_limits, in the shape of API
// version 2026-10-21. The real one wants an Admin API key; here any key will do.
func (s *Server) listRateLimits(x *exchange) *apiError {
	query := x.r.URL.Query()
	entries := slices.DeleteFunc(s.rateLimits(x.call.Organization), func(e rateLimit) bool {
		if kind := query.Get("group_type"); kind != "" && e.Group["type"] != kind {
			return true
		}
		name := query.Get("model")
		return name != "" && !slices.Contains(e.Models, name)
	})
	if name := query.Get("model"); name != "" && len(entries) == 0 {
		return notFound("model: " + name)
	}
	from, err := strconv.Atoi(query.Get("page"))
	if err != nil && query.Get("page") != "" || from < 0 || from > len(entries) {
		return invalid("page: invalid cursor")
	}
	entries = entries[from:]
	var next any
	if text := query.Get("limit"); text != "" {
		limit, failed := pageSize(text)
		if failed != nil {
			return failed
		}
		if len(entries) > limit {
			entries, next = entries[:limit], strconv.Itoa(from+limit)
		}
	}
	x.writeJSON(http.StatusOK, map[string]any{"data": entries, "next_page": next})
	return nil
}

type rateLimit struct {
	ID     string            `json:"id"`
	Type   string            `json:"type"`
	Group  map[string]string `json:"group"`
	Models []string          `json:"models"`
	Limits []limitValue      `json:"limits"`
}

type limitValue struct {
	Type  string `json:"type"`
	Value int64  `json:"value"`
}

func (s *Server) rateLimits(org string) []rateLimit {
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	var entries []rateLimit
	for _, class := range Classes() {
		limits := s.limitsOf(class)
		entry := newRateLimit(org, "model_group", class)
		entry.Group["display_name"] = "Claude " + displayName(class)
		for i := range s.models {
			if m := &s.models[i]; m.class == class && m.state != "retired" {
				entry.Models = append(append(entry.Models, m.id), m.aliases...)
			}
		}
		for _, v := range []limitValue{
			{"requests_per_minute", limits.RequestsPerMinute},
			{"input_tokens_per_minute_cache_aware", limits.InputTokensPerMinute},
			{"output_tokens_per_minute", limits.OutputTokensPerMinute},
		} {
			if v.Value > 0 {
				entry.Limits = append(entry.Limits, v)
			}
		}
		entries = append(entries, entry)
	}
	calls, queue := s.batchLimits()
	batch := newRateLimit(org, "batch", "batch")
	batch.Limits = []limitValue{{"requests_per_minute", calls}, {"enqueued_batch_requests", queue}}
	count := newRateLimit(org, "token_count", "token_count")
	t, _ := tiers(s.Tier)
	count.Limits = []limitValue{{"requests_per_minute", cmp.Or(s.CountTokensPerMinute, t.countTokens)}}
	return append(entries, batch, count)
}

func newRateLimit(org, kind, name string) rateLimit {
	return rateLimit{
		ID: "rl_01" + digest(org+name), Type: "rate_limit",
		Group: map[string]string{"type": kind, "id": "rlg_01" + digest(name)},
	}
}

// digest makes an id that stays the same for a name.
func digest(name string) string {
	sum := fnv.New64a()
	sum.Write([]byte(name))
	return fmt.Sprintf("%016x", sum.Sum64())
}

// A page is a part of a list in the older form of pagination, by the id before
// or after.
type page struct {
	ids  []string
	more bool
}

func pageSize(text string) (int, *apiError) {
	if text == "" {
		return 20, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, invalid("limit: Input should be between 1 and 1000")
	}
	return n, nil
}

// paginate cuts a list, newest first, by the query's limit, after_id and before_id.
func paginate(ids []string, query url.Values) (page, *apiError) {
	limit, failed := pageSize(query.Get("limit"))
	if failed != nil {
		return page{}, failed
	}
	after, before := query.Get("after_id"), query.Get("before_id")
	for _, id := range []string{after, before} {
		if id != "" && !slices.Contains(ids, id) {
			return page{}, invalid("Invalid pagination cursor: " + strings.ToValidUTF8(id, ""))
		}
	}
	if before != "" {
		ids = ids[:slices.Index(ids, before)]
		cut := max(0, len(ids)-limit)
		return page{ids[cut:], cut > 0}, nil
	}
	if after != "" {
		ids = ids[slices.Index(ids, after)+1:]
	}
	if len(ids) > limit {
		return page{ids[:limit], true}, nil
	}
	return page{ids, false}, nil
}

func (p page) body(item func(string) any) map[string]any {
	data := make([]any, 0, len(p.ids))
	for _, id := range p.ids {
		data = append(data, item(id))
	}
	out := map[string]any{"data": data, "has_more": p.more, "first_id": nil, "last_id": nil}
	if len(p.ids) > 0 {
		out["first_id"], out["last_id"] = p.ids[0], p.ids[len(p.ids)-1]
	}
	return out
}

// batchLimits are those of the batch endpoints: calls per minute, and requests
// in processing.
func (s *Server) batchLimits() (calls, queue int64) {
	t, _ := tiers(s.Tier)
	return cmp.Or(s.BatchCallsPerMinute, t.batchCalls), cmp.Or(s.BatchQueue, t.queue)
}

func (s *Server) admitBatchCall(now time.Time) *apiError {
	calls, _ := s.batchLimits()
	return s.batching.admit(calls, now, "batch requests")
}
