package gather

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/prompt"
)

// selection takes the files of a pull request one by one and keeps what may fit
// into the budget.
type selection struct {
	rules  rules
	budget int // characters
	files  []*changed
	kept   [ranks]int // bytes of patches that are held, by rank
	cut    bool       // there may be more files than GitHub lists
}

// changed is one file, without its patch where that is not shown.
type changed struct {
	github.File
	rank   rank
	why    reason // it is not shown; "" if it is
	partly bool   // only its first hunks are
	block  string // what is shown
}

func newSelection(budget int, r rules) *selection {
	return &selection{rules: r, budget: budget}
}

// add decides about one file. Patches of one rank are held up to twice the
// budget, so that a huge pull request takes little memory.
func (s *selection) add(f github.File) {
	c := &changed{File: f, rank: rankOf(f.Name), why: s.rules.leaveOut(f)}
	if c.why == "" && s.kept[c.rank] > 2*s.budget {
		c.why = overBudget
	}
	if c.why != "" || f.Status == "removed" {
		c.Patch = ""
	}
	s.kept[c.rank] += len(c.Patch)
	s.files = append(s.files, c)
}

// part packs the files and says what is missing.
func (s *selection) part(p pull) Part {
	order := slices.Clone(s.files)
	slices.SortStableFunc(order, func(a, b *changed) int { return int(a.rank - b.rank) })
	reserve := min(1500, s.budget/3) // for what is said about the rest
	left := s.budget - reserve
	var b strings.Builder
	for _, c := range order {
		if c.why != "" {
			continue
		}
		if c.pack(left); c.why == "" {
			b.WriteString(c.block)
			left -= utf8.RuneCountInString(c.block)
		}
	}
	said := s.said(reserve)
	text := said + "\n\n" + b.String()
	return Part{Value: prompt.Document{Text: prompt.Source(text), Fields: s.fields(p)}, Notes: s.notes(said)}
}

// pack makes the block of a file: all of it if there is room, else as many whole
// hunks as fit, and at least one.
func (c *changed) pack(room int) {
	head := c.head()
	if whole := head + lines(c.Patch) + "\n"; utf8.RuneCountInString(whole) <= room {
		c.block = whole
		return
	}
	hunks := splitHunks(c.Patch)
	const note = "[%d of %d hunks of this file are left out: over budget]\n\n"
	room -= utf8.RuneCountInString(head) + len(note) + 10
	n, size := 0, 0
	for n < len(hunks)-1 && utf8.RuneCountInString(hunks[n]) <= room {
		room -= utf8.RuneCountInString(hunks[n])
		size += len(hunks[n])
		n++
	}
	if n == 0 {
		c.why = overBudget
		return
	}
	c.partly = true
	c.block = head + lines(c.Patch[:size]) + fmt.Sprintf(note, len(hunks)-n, len(hunks))
}

// lines ends a text with a line end, unless it is empty.
func lines(text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		return text + "\n"
	}
	return text
}

// head is the line above a patch: "=== a.go (modified, +3 -1)".
func (c *changed) head() string {
	what := printable(c.Status)
	if c.PreviousName != "" && c.PreviousName != c.Name {
		what += " from " + printable(c.PreviousName)
	}
	return fmt.Sprintf("=== %s (%s, +%d -%d)\n", printable(c.Name), what, c.Additions, c.Deletions)
}

// splitHunks cuts a patch before each line that starts with @@. Lines of the
// files themselves start with a space, + or -.
func splitHunks(patch string) (hunks []string) {
	for patch != "" {
		i := strings.Index(patch[1:], "\n@@")
		if i < 0 {
			return append(hunks, patch)
		}
		hunks = append(hunks, patch[:i+2])
		patch = patch[i+2:]
	}
	return hunks
}

// printable makes a path one short line.
func printable(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}

// said tells in one or two lines what is shown and what is not, in at most room
// characters: "34 of 51 changed files are shown. Not shown: a, b, and 9 more
// (lock file 3, over budget 12, binary 2)".
func (s *selection) said(room int) string {
	const most = 10
	shown, missing := 0, []*changed{}
	for _, c := range s.files {
		if c.why == "" {
			shown++
		} else {
			missing = append(missing, c)
		}
	}
	start := fmt.Sprintf("%d of %d changed files are shown.", shown, len(s.files))
	if s.cut {
		start = fmt.Sprintf("%d of %d or more changed files are shown; GitHub lists no more.", shown, len(s.files))
	}
	if partly := s.partly(); partly > 0 {
		start += fmt.Sprintf(" Of %d of them only the first hunks.", partly)
	}
	if len(missing) == 0 {
		return start
	}
	for n := min(most, len(missing)); n > 0; n-- {
		if text := start + " Not shown: " + names(missing, n) + " (" + counts(missing) + ")."; utf8.RuneCountInString(text) <= room {
			return text
		}
	}
	return start + fmt.Sprintf(" Not shown: %d.", len(missing))
}

func (s *selection) partly() (n int) {
	for _, c := range s.files {
		if c.partly {
			n++
		}
	}
	return n
}

func names(files []*changed, n int) string {
	var b strings.Builder
	for i, c := range files[:n] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(printable(c.Name))
	}
	if rest := len(files) - n; rest > 0 {
		fmt.Fprintf(&b, " and %d more", rest)
	}
	return b.String()
}

// counts lists the reasons in a fixed order.
func counts(files []*changed) string {
	n := map[reason]int{}
	for _, c := range files {
		n[c.why]++
	}
	var parts []string
	for _, why := range []reason{lockFile, vendored, generated, minified, binary, tooLarge, excluded, overBudget} {
		if n[why] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", why, n[why]))
		}
	}
	return strings.Join(parts, ", ")
}

// notes are what people read about it: nothing, if nothing is missing.
func (s *selection) notes(said string) []string {
	if !s.cut && s.partly() == 0 && !slices.ContainsFunc(s.files, func(c *changed) bool { return c.why != "" }) {
		return nil
	}
	return []string{said}
}

// fields are what templates see besides the text.
func (s *selection) fields(p pull) map[string]any {
	list := make([]any, 0, len(s.files))
	shown := 0
	for _, c := range s.files {
		if c.why == "" {
			shown++
		}
		list = append(list, map[string]any{
			"path": c.Name, "status": c.Status, "additions": c.Additions, "deletions": c.Deletions,
			"shown": c.why == "", "reason": string(c.why),
		})
	}
	return map[string]any{
		"list": list, "shown": shown, "total": len(s.files),
		"repository": p.owner + "/" + p.name, "number": p.number, "head_sha": p.head,
	}
}
