package sqlite

import "sync"

// A hub tells goroutines of this process that something was committed. The zero
// value is ready.
type hub struct {
	mu     sync.Mutex
	topics map[string]map[chan struct{}]struct{}
}

// Watch returns a channel that gets a value after a commit that changed topic:
// event.TopicQueue, event.TopicOutbox or a job's id. Several changes may be one
// value. The caller must call stop.
func (db *DB) Watch(topic string) (changed <-chan struct{}, stop func()) { return db.hub.watch(topic) }

func (h *hub) watch(topic string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics == nil {
		h.topics = make(map[string]map[chan struct{}]struct{})
	}
	if h.topics[topic] == nil {
		h.topics[topic] = make(map[chan struct{}]struct{})
	}
	h.topics[topic][ch] = struct{}{}
	return ch, func() { h.forget(topic, ch) }
}

func (h *hub) forget(topic string, ch chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.topics[topic], ch)
	if len(h.topics[topic]) == 0 {
		delete(h.topics, topic)
	}
}

func (h *hub) signal(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.topics[topic] {
		select {
		case ch <- struct{}{}:
		default: // a value waits there already
		}
	}
}
