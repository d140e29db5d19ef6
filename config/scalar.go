package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// text returns the interpolated text of the scalar n; ok is false when it has
// been refused.
func (d *decoder) text(path string, n *yaml.Node, want string) (text string, ok bool) {
	switch {
	case isNull(n):
		d.refuse(path, n, name(path)+" has no value", "write one, or remove the line")
		return "", false
	case n.Kind != yaml.ScalarNode:
		d.refuse(path, n, fmt.Sprintf("%s is %s, this is %s", name(path), want, kind(n)), "write one value")
		return "", false
	}
	return d.interpolate(path, n)
}

// scalar decodes n by set, which says what to write instead when it refuses.
func (d *decoder) scalar(path string, n *yaml.Node, want string, set func(text string) (remedy string, err error)) {
	text, ok := d.text(path, n, want)
	if !ok {
		return
	}
	if remedy, err := set(text); err != nil {
		d.refuse(path, n, fmt.Sprintf("%s: %s %v", name(path), shown(n), err), remedy)
	}
}

// shown is how messages show the value of n: as the file says it, never what
// it was interpolated to.
func shown(n *yaml.Node) string {
	const most = 60
	text := n.Value
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strconv.Quote(text)
}

// secret decodes a credential. No message about one shows its text.
func (d *decoder) secret(path string, n *yaml.Node, s *Secret) {
	text, ok := d.text(path, n, "a secret")
	switch {
	case !ok:
	case n.Style == 0 && n.ShortTag() != "!!str":
		d.refuse(path, n, name(path)+": a secret that looks like "+kind(n)+" is ambiguous", "put it in quotes")
	case strings.TrimSpace(text) == "":
		d.refuse(path, n, name(path)+" is empty", emptySecretRemedy(n))
	default:
		*s = NewSecret(text)
	}
}

func emptySecretRemedy(n *yaml.Node) string {
	if strings.Contains(n.Value, "${") {
		return "give " + strings.TrimSpace(n.Value) + " a value"
	}
	return "write a secret, best as \"${NAME}\" from the environment"
}

// basic decodes text, numbers and truth values.
func (d *decoder) basic(path string, n *yaml.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		d.stringValue(path, n, v)
	case reflect.Bool:
		d.scalar(path, n, "true or false", func(text string) (string, error) {
			b, remedy, err := parseBool(text)
			v.SetBool(b)
			return remedy, err
		})
	case reflect.Int, reflect.Int64:
		d.scalar(path, n, "a whole number", func(text string) (string, error) {
			i, remedy, err := parseInt(text)
			v.SetInt(i)
			return remedy, err
		})
	case reflect.Float64:
		d.scalar(path, n, "a number", func(text string) (string, error) {
			f, remedy, err := parseFloat(text)
			v.SetFloat(f)
			return remedy, err
		})
	}
}

func (d *decoder) stringValue(path string, n *yaml.Node, v reflect.Value) {
	text, ok := d.text(path, n, "text")
	if !ok {
		return
	}
	if n.Style == 0 && n.ShortTag() != "!!str" {
		d.refuse(path, n, fmt.Sprintf("%s is text, %s is %s", name(path), n.Value, kind(n)), fmt.Sprintf("write %q", n.Value))
		return
	}
	v.SetString(text)
}

func parseBool(text string) (b bool, remedy string, err error) {
	switch text {
	case "true":
		return true, "", nil
	case "false":
		return false, "", nil
	}
	remedy = "write true or false"
	switch strings.ToLower(text) {
	case "yes", "on", "y", "1", "true":
		remedy = "write true"
	case "no", "off", "n", "0", "false":
		remedy = "write false"
	}
	return false, remedy, errors.New("is neither true nor false")
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*(_[0-9]+)*)$`)

func parseInt(text string) (i int64, remedy string, err error) {
	if !wholeNumber.MatchString(text) {
		remedy = "write a whole number, such as 1000 or 1_000_000"
		if plain := strings.NewReplacer(",", "", " ", "", "'", "").Replace(text); wholeNumber.MatchString(plain) {
			remedy = "write " + plain
		}
		return 0, remedy, errors.New("is not a whole number")
	}
	i, err = strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
	if err != nil {
		return 0, "write a smaller number", errors.New("is too large")
	}
	return i, "", nil
}

func parseFloat(text string) (f float64, remedy string, err error) {
	f, err = strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(text, "xXpP_") {
		remedy = "write a number, such as 25 or 0.5"
		if plain := strings.TrimLeft(text, "$€ "); plain != text && plain != "" {
			remedy = "write the number alone"
		}
		return 0, remedy, errors.New("is not a number")
	}
	return f, "", nil
}

// maxDuration is longer than anything here can mean.
const maxDuration = 100 * 365 * 24 * time.Hour

var durationUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
}

// looseUnits are the words that people write for the units.
var looseUnits = map[string]string{
	"sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
	"hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "w", "weeks": "w", "w": "w",
	"millisecond": "ms", "milliseconds": "ms", "msec": "ms",
}

var (
	durationPart  = regexp.MustCompile(`^([0-9]{1,15})(ms|s|m|h|d)`)
	looseDuration = regexp.MustCompile(`^([0-9]{1,9})\s*([a-z]+)$`)
)

// set parses text: one or more numbers, each with its unit.
func (d *Duration) set(text string) (remedy string, err error) {
	var total time.Duration
	rest := text
	for rest != "" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return durationRemedy(text)
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		unit := durationUnits[m[2]]
		if err != nil || n > int64(maxDuration/unit) || total+time.Duration(n)*unit > maxDuration {
			return "write a shorter one", errors.New("is too long")
		}
		total += time.Duration(n) * unit
		rest = rest[len(m[0]):]
	}
	if text == "" {
		return durationRemedy(text)
	}
	*d = Duration(total)
	return "", nil
}

// durationRemedy says what text was most likely meant to be.
func durationRemedy(text string) (remedy string, err error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if wholeNumber.MatchString(text) && text[0] != '-' {
		return "write " + text + "s for seconds", errors.New("has no unit")
	}
	m := looseDuration.FindStringSubmatch(text)
	if m == nil {
		return "write a number and a unit: 500ms, 30s, 10m, 24h, 30d", errors.New("is not a duration")
	}
	unit := looseUnits[m[2]]
	if _, exact := durationUnits[m[2]]; exact {
		unit = m[2]
	}
	if unit == "w" {
		n, _ := strconv.Atoi(m[1]) // nine digits at most
		return fmt.Sprintf("write %dd", 7*n), errors.New("is not a duration")
	}
	if unit == "" {
		return "write a number and a unit: 500ms, 30s, 10m, 24h, 30d", errors.New("is not a duration")
	}
	return "write " + m[1] + unit, errors.New("is not a duration")
}

// String returns d the way it is written in a configuration: "30s", "1h30m", "30d".
func (d Duration) String() string {
	rest := time.Duration(d)
	if rest <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []string{"d", "h", "m", "s", "ms"} {
		if n := rest / durationUnits[u]; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u)
			rest -= n * durationUnits[u]
		}
	}
	return b.String()
}

var byteSize = regexp.MustCompile(`^([0-9]{1,15})(|B|KiB|MiB|GiB|TiB)$`)

var looseSize = regexp.MustCompile(`(?i)^([0-9]{1,9})\s*([kmgt])i?b?$`)

var sizeUnits = map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// set parses text: a number of bytes, or a number with KiB, MiB, GiB or TiB.
func (s *ByteSize) set(text string) (remedy string, err error) {
	if m := byteSize.FindStringSubmatch(text); m != nil {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if unit := sizeUnits[m[2]]; err == nil && n <= math.MaxInt64/unit {
			*s = ByteSize(n * unit)
			return "", nil
		}
		return "write a smaller one", errors.New("is too large")
	}
	if m := looseSize.FindStringSubmatch(text); m != nil {
		return "write " + m[1] + strings.ToUpper(m[2]) + "iB", errors.New("is not a size")
	}
	return "write a number of bytes or one with a unit: 65536, 64KiB, 25MiB", errors.New("is not a size")
}

// String returns s the way it is written in a configuration: "64KiB", "1000".
func (s ByteSize) String() string {
	for _, u := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if n := sizeUnits[u]; s != 0 && int64(s)%n == 0 {
			return strconv.FormatInt(int64(s)/n, 10) + u
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// set reads a share in percent.
func (p *Percent) set(text string) (remedy string, err error) {
	number, percent := strings.CutSuffix(text, "%")
	f, _, err := parseFloat(number)
	switch {
	case err == nil && percent:
		*p = Percent(f / 100)
		return "", nil
	case err == nil && f > 0 && f <= 1:
		return "write " + Percent(f).String(), errors.New("has no unit")
	case err == nil:
		return "write " + number + "%", errors.New("has no unit")
	}
	return "write a share in percent, such as 5% or 0.5%", errors.New("is not a share")
}

// String returns p the way it is written in a configuration: "5%".
func (p Percent) String() string { return strconv.FormatFloat(100*float64(p), 'g', 6, 64) + "%" }
