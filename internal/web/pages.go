package web

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

//go:embed templates/*.html static/*
var files embed.FS

// parsePages parses each page together with the frame.
func parsePages() (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range []string{"status", "job", "login", "failure"} {
		page, err := template.New(name).Funcs(template.FuncMap{
			"visible": visible, "usd": usd, "dollars": dollars, "clock": clock, "span": span, "iso": iso, "weblink": weblink, "count": thousands,
			"condition": conditionOf, "short": api.Amount, "percent": percent,
		}).ParseFS(files, "templates/frame.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("web: page %s: %w", name, err)
		}
		pages[name] = page
	}
	return pages, nil
}

// Static answers GET /static/{file}: the style and the script.
func (w *Web) Static(rw http.ResponseWriter, r *http.Request) {
	static, err := fs.Sub(files, "static")
	if err != nil || strings.Contains(r.PathValue("file"), "/") {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(rw, r, static, r.PathValue("file"))
}

// visible shows what text may hide: characters that turn the direction of what
// follows, that have no width, or that steer a terminal appear by their number.
func visible(value any) string {
	if reason, ok := value.(*event.Reason); ok && reason != nil {
		value = *reason
	}
	text := fmt.Sprint(value)
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden reports whether r is a control or format character (Unicode categories
// Cc and Cf) that people should see. Line ends and tabs are themselves; the
// joiners stay, because scripts and emoji are written with them.
func hidden(r rune) bool {
	switch r {
	case '\n', '\t', '\u200c', '\u200d':
		return false
	case '\u2028', '\u2029':
		return true
	}
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)
}

// usd writes dollars; nil is not known.
func usd(amount *float64) string {
	return api.USD(amount, "not known")
}

// dollars writes an amount that is known.
func dollars(amount float64) string { return usd(&amount) }

// moment accepts the two forms that times have in views.
func moment(value any) time.Time {
	switch t := value.(type) {
	case time.Time:
		return t.UTC()
	case *time.Time:
		if t != nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// percent writes a share; nil is not known.
func percent(share *float64) string {
	if share == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f%%", 100**share)
}

// clock writes a time for people, in UTC.
func clock(value any) string {
	t := moment(value)
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05")
}

// iso writes a time for programs.
func iso(value any) string { return moment(value).Format(time.RFC3339) }

// span writes how far a time is from now: "in 2m5s", "3h ago".
func span(now time.Time, value any) string {
	t := moment(value)
	switch d := t.Sub(now).Round(time.Second); {
	case t.IsZero():
		return ""
	case d > 0:
		return "in " + short(d)
	default:
		return short(-d) + " ago"
	}
}

// short writes the two largest units of a time span.
func short(d time.Duration) string {
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh%dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm%ds", minutes, int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
}

// weblink reports whether a URL may be a link.
func weblink(u string) bool {
	return strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://")
}

// thousands writes a number with narrow gaps: 1 234 567.
func thousands(value any) string {
	digits := fmt.Sprint(value)
	if n, err := strconv.ParseInt(digits, 10, 64); err != nil || n < 10_000 {
		return digits
	}
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
