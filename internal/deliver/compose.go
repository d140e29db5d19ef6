package deliver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
)

// maxText bounds the answer in a comment, in characters. GitHub takes 65,536 of
// them; the rest is for notes, footer and marker.
const maxText = 60_000

const (
	maxNotes     = 20
	maxNotesText = 4_500 // characters of all notes, made harmless: file names may be anything
)

// compose writes the comment of a job: the answer made harmless, what the reader
// should know, who wrote it, and the marker.
func compose(j event.Job, seal string, secrets known) string {
	text, cut := fit(secrets.hide(visible(answer(*j.Result))))
	var b strings.Builder
	b.WriteString(text)
	notes := j.Result.Notes[:min(len(j.Result.Notes), maxNotes)]
	if cut {
		notes = append([]string{"The answer was too long for a comment: its end is left out."}, notes...)
	}
	if len(notes) > 0 {
		b.WriteString("\n")
	}
	room := maxNotesText
	for _, note := range notes {
		line := noteLine(note, secrets)
		if room -= utf8.RuneCountInString(line); room < 0 {
			b.WriteString("\n> There is more to say than a comment holds.")
			break
		}
		b.WriteString("\n> " + line)
	}
	fmt.Fprintf(&b, "\n\n---\n*%s*\n\n%s\n", footer(j), seal)
	return b.String()
}

// noteLine makes a note one harmless line.
func noteLine(note string, secrets known) string {
	one := strings.Join(strings.Fields(visible(clip(note, 500))), " ")
	return textLine(Redact(secrets.hide(one)))
}

// answer is the text of a result: structured output is shown as code.
func answer(r event.Result) string {
	if len(r.JSON) > 0 {
		var b bytes.Buffer
		if json.Indent(&b, r.JSON, "", "  ") == nil {
			return "```json\n" + b.String() + "\n```"
		}
	}
	if strings.TrimSpace(r.Text) == "" {
		return "The answer is empty."
	}
	return r.Text
}

// footer says what the comment is.
func footer(j event.Job) string {
	w := &lineWriter{}
	w.b.WriteString("Written by ")
	w.code(j.Result.Model)
	w.b.WriteString(" for the hook ")
	w.code(j.Hook)
	w.b.WriteString(" from input that nobody vouches for. Check before you rely on it.")
	return w.b.String()
}

// fit sanitises a text and cuts it, at the end of a paragraph if one is near,
// until it fits.
func fit(text string) (out string, cut bool) {
	for room := maxText; ; room = room * 3 / 4 {
		text, cut = clipParagraph(text, room, cut)
		out = Sanitize(text)
		if utf8.RuneCountInString(out) <= maxText {
			return out, cut
		}
	}
}

func clipParagraph(text string, room int, already bool) (string, bool) {
	if utf8.RuneCountInString(text) <= room {
		return text, already
	}
	end, n := len(text), 0
	for i := range text {
		if n == room {
			end = i
			break
		}
		n++
	}
	text = text[:end]
	if i := strings.LastIndex(text, "\n\n"); i > len(text)*3/4 {
		text = text[:i]
	} else if i := strings.LastIndexByte(text, '\n'); i > len(text)*3/4 {
		text = text[:i]
	}
	return text, true
}
