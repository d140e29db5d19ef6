package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	cookieName  = "forebay_session"
	sessionTime = 12 * time.Hour
)

// sessions exchanges API keys for cookies. A cookie is "EXPIRY.MAC"; the MAC is
// made with a secret derived from the key that opened the session. So nothing
// is stored, a session outlives a restart, and taking a key out of the
// configuration ends its sessions.
type sessions struct {
	secrets [][]byte // one per key
}

func newSessions(keys []string) sessions {
	var s sessions
	for _, key := range keys {
		s.secrets = append(s.secrets, sign([]byte(key), "forebay session 1"))
	}
	return s
}

func sign(secret []byte, text string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func (s sessions) needed() bool { return len(s.secrets) > 0 }

// open makes the cookie of a session for key, which must be one of the keys.
func (s sessions) open(r *http.Request, key string, now time.Time) *http.Cookie {
	expiry := strconv.FormatInt(now.Add(sessionTime).Unix(), 10)
	mac := sign(sign([]byte(key), "forebay session 1"), expiry)
	return s.cookie(r, expiry+"."+base64.RawURLEncoding.EncodeToString(mac), int(sessionTime.Seconds()))
}

// end makes the cookie that takes a session away.
func (s sessions) end(r *http.Request) *http.Cookie { return s.cookie(r, "", -1) }

func (s sessions) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// A proxy that ends TLS says so; a client that lies locks out itself.
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// holds reports whether r carries a session that has not run out. Only one
// cookie of the name is looked at.
func (s sessions) holds(r *http.Request, now time.Time) bool {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	expiry, text, _ := strings.Cut(cookie.Value, ".")
	mac, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	good := false
	for _, secret := range s.secrets {
		if hmac.Equal(mac, sign(secret, expiry)) {
			good = true
		}
	}
	until, err := strconv.ParseInt(expiry, 10, 64)
	return good && err == nil && now.Unix() < until
}
