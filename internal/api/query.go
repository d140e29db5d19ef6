package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query reads the query of r, which may hold only the names that are known,
// each at most once.
func query(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("query_malformed", "the query cannot be read", "percent-encode its values")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			return nil, badRequest("query_unknown", "there is no parameter "+strconv.Quote(clip(name, 40)), "possible: "+orNone(known))
		}
		if len(values[name]) > 1 {
			return nil, badRequest("query_repeated", "the parameter "+name+" is given twice", "give it once")
		}
	}
	return values, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// limitOf reads limit, from 1 to most.
func limitOf(values url.Values, otherwise, most int) (int, error) {
	text := values.Get("limit")
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badRequest("limit_invalid", "limit is not a number from 1 to "+strconv.Itoa(most), "leave it out for "+strconv.Itoa(otherwise))
	}
	return n, nil
}

// maxWait is the longest that a request may wait.
const maxWait = 60 * time.Second

// waitOf reads wait, from 0 to maxWait; longer ones are cut to it.
func waitOf(values url.Values) (time.Duration, error) {
	text := values.Get("wait")
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0, badRequest("wait_invalid", "wait is not a time span", "write it as 30s, at most 60s")
	}
	return min(wait, maxWait), nil
}

// clip cuts text that came from outside to n bytes at a rune's start.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
