package metrics

import "sync"

// other is the label of what is not counted by its own name.
const other = "other"

// names is a fixed set of labels.
type names map[string]struct{}

func newNames(list []string) names {
	set := make(names, len(list))
	for _, name := range list {
		set[name] = struct{}{}
	}
	return set
}

func (n names) label(name string) string {
	if _, ok := n[name]; ok {
		return name
	}
	return "unknown"
}

// bounded lets the first values through and counts the rest as other. Its
// values come from our own catalogues; the bound holds even if one of them some
// day passes on what a stranger wrote.
type bounded struct {
	most int

	mu   sync.RWMutex
	seen map[string]struct{}
}

func newBounded(most int) *bounded {
	return &bounded{most: most, seen: make(map[string]struct{}, most)}
}

func (b *bounded) label(value string) string {
	if value == "" {
		return ""
	}
	b.mu.RLock()
	_, known := b.seen[value]
	full := len(b.seen) >= b.most
	b.mu.RUnlock()
	switch {
	case known:
		return value
	case full || len(value) > 100:
		return other
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) >= b.most {
		return other
	}
	b.seen[value] = struct{}{}
	return value
}
