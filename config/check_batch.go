package config

import "fmt"

// laneBatch is the lane of Message Batches.
const laneBatch = "batch"

// What the API takes in one batch
// (https://platform.claude.com/docs/en/build-with-claude/batch-processing).
const (
	batchRequests = 100_000
	batchBytes    = 240 << 20 // a little less than the 256 MB of the API
)

// checkBatch checks how Message Batches are used.
func (c *Config) checkBatch(r *report) {
	b, path := c.Claude.Batch, "claude.batch."
	r.durationIn(path+"collect", b.Collect, second, hour)
	r.inRange(path+"max_requests", int64(b.MaxRequests), 1, batchRequests)
	r.sizeIn(path+"max_bytes", b.MaxBytes, 1<<20, batchBytes)
	r.inRange(path+"max_queued", int64(b.MaxQueued), 1, 10_000_000)
	r.inRange(path+"requests_per_minute", int64(b.RequestsPerMinute), 1, 100_000)
}

// batches checks what a hook wants of Message Batches.
func (h *hookCheck) batches() {
	hook, lane := h.hook, h.in("lane")
	if hook.Lane != "" || h.has(lane) {
		if hook.Lane != laneBatch {
			h.wrong(lane, fmt.Sprintf("%q is no lane that a hook can choose: the others follow from its model", brief(hook.Lane)), "write batch, or remove the line")
			return
		}
		h.alwaysBatch(lane)
	}
	if hook.Spill == nil {
		return
	}
	h.durationIn(h.in("spill.after"), hook.Spill.After, second, 7*day)
	if hook.Spill.After >= hook.Retry.MaxAge && h.sound(h.in("spill.after")) {
		h.wrong(h.in("spill.after"), "jobs are given up before they spill: retry.max_age is "+hook.Retry.MaxAge.String(), "write a shorter time, or a longer retry.max_age")
	}
}

// alwaysBatch checks a hook whose every job goes through a batch.
func (h *hookCheck) alwaysBatch(lane string) {
	hook := h.hook
	if hook.Spill != nil {
		h.wrong(h.in("spill"), "with lane: batch every job is in a batch already", "keep one of the two")
	}
	if hook.Respond.Mode == "sync" {
		h.wrong(h.in("respond.mode"), "a sender cannot wait for a batch, which takes up to a day", "write mode: async, or remove lane: batch")
	}
	if hook.Retry.MaxAge <= day {
		h.warn(h.in("retry.max_age"), "a batch may take 24h, and a request that it does not get to is not tried again after "+hook.Retry.MaxAge.String(), "write at least 48h")
	}
	if hook.Cache == "5m" && h.has(h.in("cache")) {
		h.warn(h.in("cache"), "the requests of a batch run over more than five minutes, and most would miss the cache", "write cache: 1h")
	}
}
