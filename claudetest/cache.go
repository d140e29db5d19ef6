package claudetest

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// The prompt cache, as https://platform.claude.com/docs/en/build-with-claude/prompt-caching
// has it: entries are written at breakpoints only, found by looking back up to
// twenty blocks from each, kept for five minutes or an hour from the start of
// the request that last used them, and readable once the response that wrote
// them has begun.
const (
	maxBreakpoints = 4
	lookback       = 20
)

type cacheKey [sha256.Size]byte

type cacheEntry struct {
	ttl     time.Duration
	expires time.Time
}

type promptCache struct {
	mu      sync.Mutex
	entries map[cacheKey]cacheEntry
	swept   time.Time
}

// A cacheUse is what the cache does for one request.
type cacheUse struct {
	read, write5m, write1h int64
	writes                 map[cacheKey]cacheEntry // to be made readable by commit
}

func (u cacheUse) written() int64 { return u.write5m + u.write1h }

func ttlOf(c *cacheControl) time.Duration {
	if c.TTL == "1h" {
		return time.Hour
	}
	return 5 * time.Minute
}

// parts lists the prompt in cache order: tools, system, messages.
func (w *wireRequest) parts() []block {
	list := slices.Concat(w.tools, w.system)
	for _, turn := range w.turns {
		list = append(list, turn...)
	}
	if w.CacheControl != nil && len(list) > 0 { // automatic caching: the last block
		last := &list[len(list)-1]
		if last.cache == nil {
			last.cache = w.CacheControl
		}
	}
	return list
}

func (w *wireRequest) checkCache(string) *apiError {
	count, short := 0, false
	for _, b := range w.parts() {
		if b.cache == nil {
			continue
		}
		count++
		switch {
		case b.cache.Type != "ephemeral":
			return invalid("cache_control.type: Input should be 'ephemeral'")
		case b.cache.TTL != "" && b.cache.TTL != "5m" && b.cache.TTL != "1h":
			return invalid("cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
		case b.cache.TTL == "1h" && short:
			return invalid("cache_control: a ttl='1h' block must not come after a ttl='5m' block")
		case b.kind == "text" && b.text == "":
			return invalid("cache_control cannot be set for empty text blocks")
		}
		short = short || b.cache.TTL != "1h"
	}
	if count > maxBreakpoints {
		return invalid("A maximum of 4 blocks with cache_control may be provided.")
	}
	return nil
}

// A prefix is the prompt up to and with one block.
type prefix struct {
	key    cacheKey
	tokens int64
	cache  *cacheControl
}

// prefixes hashes the prompt block by block, beginning with all else that
// makes entries differ.
func (w *wireRequest) prefixes(org, workspace string) []prefix {
	config := mustJSON([]any{org, workspace, w.model.id, w.Thinking, w.effort(), w.ToolChoice, w.format, w.Speed})
	key := sha256.Sum256(config)
	var list []prefix
	var tokens int64
	for _, b := range w.parts() {
		h := sha256.New()
		h.Write(key[:])
		h.Write([]byte(b.kind))
		h.Write([]byte{0})
		h.Write(b.content())
		h.Sum(key[:0])
		tokens += b.tokens
		list = append(list, prefix{key, tokens, b.cache})
	}
	return list
}

// content is what of a block counts for the cache: all but the breakpoint.
func (b block) content() []byte {
	if b.kind == "text" {
		return []byte(b.text)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b.raw, &fields); err != nil {
		return b.raw
	}
	delete(fields, "cache_control")
	return mustJSON(fields) // encoding/json sorts the keys
}

// use looks the request up and prepares its writes.
func (c *promptCache) use(w *wireRequest, org, workspace string, start time.Time) cacheUse {
	parts := w.parts()
	if !slices.ContainsFunc(parts, func(b block) bool { return b.cache != nil }) {
		return cacheUse{}
	}
	list := w.prefixes(org, workspace)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(start)
	found := c.find(list, w.model.cacheMinimum, start)
	use := cacheUse{writes: map[cacheKey]cacheEntry{}}
	from := int64(0)
	if found >= 0 {
		use.read, from = list[found].tokens, list[found].tokens
	}
	for i := found + 1; i < len(list); i++ {
		p := list[i]
		if p.cache == nil || p.tokens < w.model.cacheMinimum {
			continue
		}
		ttl := ttlOf(p.cache)
		if ttl == time.Hour {
			use.write1h += p.tokens - from
		} else {
			use.write5m += p.tokens - from
		}
		from = p.tokens
		use.writes[p.key] = cacheEntry{ttl, start.Add(ttl)}
	}
	return use
}

// find returns the longest prefix that can be read, and refreshes it; -1 if none.
func (c *promptCache) find(list []prefix, minimum int64, now time.Time) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].cache == nil {
			continue
		}
		for j := i; j >= 0 && j > i-lookback; j-- {
			entry, ok := c.entries[list[j].key]
			if !ok || !entry.expires.After(now) || list[j].tokens < minimum {
				continue
			}
			entry.expires = now.Add(entry.ttl)
			c.entries[list[j].key] = entry
			return j
		}
	}
	return -1
}

// commit makes what a request wrote readable; its response has begun.
func (c *promptCache) commit(use cacheUse) {
	if len(use.writes) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[cacheKey]cacheEntry)
	}
	maps.Copy(c.entries, use.writes)
}

// sweep forgets what has expired, once a minute. The caller holds mu.
func (c *promptCache) sweep(now time.Time) {
	if now.Sub(c.swept) < time.Minute {
		return
	}
	c.swept = now
	maps.DeleteFunc(c.entries, func(_ cacheKey, e cacheEntry) bool { return !e.expires.After(now) })
}
