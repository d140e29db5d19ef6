package starter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A field is one that a prompt names.
type field struct {
	label string
	path  []string // names, and indexes of lists as text
	lists bool     // an index is among them
	score int
}

// most is how many fields a starter's prompt names.
const most = 5

// telling are names of fields that tell a reader what has happened, the more
// telling first.
var telling = []string{
	"title", "subject", "summary", "description", "message", "text", "body", "content", "note", "notes", "customer_note", "customernote", "reason", "detail", "question", "transcript",
	"name", "displaymessage", "comment", "status", "state", "priority", "severity", "action", "amount", "total", "currency", "email", "recipient", "from", "error_message", "errordescription",
}

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	opaque     = regexp.MustCompile(`^[0-9a-fA-F-]{20,}$|^\d{4}-\d\d-\d\d|^https?://|^[A-Za-z0-9+/_=-]{32,}$`)
)

// fieldsOf picks the fields of a JSON document that say the most, in the order
// in which they stand there.
func fieldsOf(doc []byte) ([]field, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var all []field
	if err := walk(dec, nil, false, &all); err != nil {
		return nil, err
	}
	best := slices.Clone(all)
	slices.SortStableFunc(best, func(a, b field) int {
		return cmp.Or(b.score-a.score, len(a.path)-len(b.path))
	})
	best = best[:min(most, len(best))]
	return slices.DeleteFunc(all, func(f field) bool {
		return !slices.ContainsFunc(best, func(b field) bool { return slices.Equal(b.path, f.path) })
	}), nil
}

// walk collects the leaves of the value that comes next, in their order.
func walk(dec *json.Decoder, path []string, lists bool, into *[]field) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	delim, isContainer := token.(json.Delim)
	if !isContainer {
		score := scoreOf(path, token)
		if lists {
			score /= 2 // an event without the list could not be shown
		}
		if score > 0 {
			*into = append(*into, field{label: labelOf(path), path: slices.Clone(path), lists: lists, score: score})
		}
		return nil
	}
	for i := 0; dec.More(); i++ {
		name := strconv.Itoa(i)
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ = key.(string)
		}
		kept := into
		if delim == '[' && i > 0 {
			kept = new([]field) // the first element stands for all
		}
		if err := walk(dec, append(path, name), lists || delim == '[', kept); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// scoreOf says how much a leaf tells; 0 leaves it out.
func scoreOf(path []string, value any) int {
	if len(path) == 0 {
		return 0
	}
	const deep = 5
	key := strings.ToLower(path[len(path)-1])
	score := 0
	if i := slices.Index(telling, key); i >= 0 {
		score = 10 + len(telling) - i
	}
	switch v := value.(type) {
	case string:
		if v == "" || opaque.MatchString(v) || strings.HasPrefix(v, "[REDACTED") {
			return 0
		}
		if n := strings.Count(v, " "); n >= 2 && !strings.HasSuffix(key, "agent") && !strings.Contains(v, "UTC") {
			score += 15
		}
	case json.Number:
	default:
		return 0
	}
	if score == 0 {
		return 0
	}
	return max(score-3*max(len(path)-deep, 0), 1)
}

func labelOf(path []string) string {
	words := slices.DeleteFunc(slices.Clone(path), func(p string) bool { _, err := strconv.Atoi(p); return err == nil })
	if len(words) > 2 {
		words = words[len(words)-2:]
	}
	return strings.Join(words, " ")
}

// template is the field as a prompt writes it. What an event leaves out is
// shown as a dash; inside a list the field is taken as it is.
func (f field) template() string {
	plain := !f.lists
	for _, name := range f.path {
		plain = plain && identifier.MatchString(name)
	}
	if plain {
		return `{{ default "-" .payload.` + strings.Join(f.path, ".") + " }}"
	}
	var b strings.Builder
	b.WriteString("{{ index .payload")
	for _, name := range f.path {
		if _, err := strconv.Atoi(name); err == nil {
			b.WriteString(" " + name)
			continue
		}
		b.WriteString(" " + strconv.Quote(name))
	}
	b.WriteString(" }}")
	return b.String()
}
