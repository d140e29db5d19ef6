package deliver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// A marker is the hidden line that tells our comment from others. Its MAC
// covers where it stands, so that a marker that somebody copied or made up, or
// that a model wrote, is none.
type marker struct {
	hook string
	job  string // the delivery's job, or the job whose answer a sticky comment shows
}

var markerForm = regexp.MustCompile(`<!-- forebay:v1 hook=([^\s<>]{1,200}) job=([A-Za-z0-9_]{1,80}) mac=([0-9a-f]{32}) -->`)

// seal writes the marker for a comment at a place.
func (m marker) seal(key []byte, at place) string {
	return fmt.Sprintf("<!-- forebay:v1 hook=%s job=%s mac=%s -->", m.hook, m.job, m.mac(key, at))
}

func (m marker) mac(key []byte, at place) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "forebay comment v1\x00%s\x00%d\x00%s\x00%s", strings.ToLower(at.Owner+"/"+at.Name), at.Number, m.hook, m.job)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// findMarker returns the marker of a comment's text that was sealed for this
// place.
func findMarker(text string, key []byte, at place) (marker, bool) {
	for _, m := range markerForm.FindAllStringSubmatch(text, 8) {
		found := marker{hook: m[1], job: m[2]}
		if hmac.Equal([]byte(found.mac(key, at)), []byte(m[3])) {
			return found, true
		}
	}
	return marker{}, false
}
