package config

import (
	"fmt"
	"io"
	"time"
)

// A Secret is a credential. It prints as "***"; Reveal gives the text.
type Secret struct{ text string }

// NewSecret makes a Secret of text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text. Call it only where the credential is used.
func (s Secret) Reveal() string { return s.text }

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.text == "" }

// String returns "***", or nothing for an empty secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return "***"
}

// GoString keeps %#v from showing the text.
func (s Secret) GoString() string { return "config.Secret(" + s.String() + ")" }

// Format keeps every other verb of package fmt from showing the text.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		io.WriteString(f, s.GoString()) // a State keeps its own errors
		return
	}
	io.WriteString(f, s.String())
}

// MarshalText keeps encoders from showing the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Duration is a time span in YAML: "30s", "10m", "24h", "30d".
type Duration time.Duration

// D returns d as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Percent is a share in YAML: "5%", "0.5%". As a number it is from 0 to 1.
type Percent float64

// ByteSize is a number of bytes in YAML: 65536, "64KiB", "25MiB".
type ByteSize int64
