package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/forebayhq/forebay/internal/api"
)

// printable makes text from senders and models harmless on a terminal: control
// characters, which could move the cursor or change colours, and format
// characters, which could turn the direction of what follows, appear by their
// number. Line ends and tabs become spaces.
func printable(text string) string {
	return escapeHidden(strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ").Replace(text))
}

// escapeHidden is printable for text of many lines.
func escapeHidden(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d':
			b.WriteRune(r)
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// usd writes dollars; nil is not known.
func usd(amount *float64) string {
	return api.USD(amount, "-")
}

// moment writes a time in UTC.
func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// orDash fills an empty cell.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
