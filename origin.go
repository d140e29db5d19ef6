package forebay

import "net/url"

// origin is scheme, host and port of a URL that was checked when the
// configuration was loaded.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host
}
