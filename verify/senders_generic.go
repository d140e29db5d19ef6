package verify

import (
	"strings"
	"time"
)

const minutes5 = 5 * time.Minute

// standard is the scheme of https://www.standardwebhooks.com, which many
// senders share; the older Svix spelling of the headers is the same scheme.
func standard() Proof {
	return Proof{
		Scheme: "hmac", Key: "whsec", Families: []string{"webhook", "svix"},
		Headers: []string{"*-signature"}, Encoding: base64Encoding, List: " ", Pair: ",", Labels: []string{"v1"}, Labels25519: []string{"v1a"},
		Signed: "{id}.{timestamp}.{body}", Stamp: "header:*-timestamp", SignedID: "*-id", Tolerance: minutes5,
	}
}

// generic are the schemes that a configuration describes itself.
func generic() []Sender {
	return []Sender{
		{
			Name: "hmac", Title: "a sender described by its scheme",
			Proof: Proof{Scheme: "hmac", Choose: []string{"algorithm", "header", "prefix", "encoding", "signed", "timestamp_header", "id_header", "type_header"}},
			Type:  "json:type", Form: "*", CloudEvents: true,
		},
		{
			Name: "token", Title: "a sender with a shared token",
			Proof: Proof{Scheme: "token", Headers: []string{"Authorization"}, Prefix: "Bearer ", Choose: []string{"header", "prefix", "id_header", "type_header"}},
			Type:  "json:type", Form: "*", CloudEvents: true, BodyUnsigned: true,
		},
		{
			Name: "basic", Title: "a sender with user name and password",
			Proof: Proof{Scheme: "basic", Headers: []string{"Authorization"}, Choose: []string{"id_header", "type_header"}},
			Type:  "json:type", Form: "*", CloudEvents: true, BodyUnsigned: true,
		},
		{
			Name: "standardwebhooks", Title: "a sender that follows Standard Webhooks", Proof: standard(),
			Type: "json:type", Time: "json:timestamp", CloudEvents: true,
			Source: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
		},
	}
}

const signedRemedy = "use {body}, {timestamp}, {id}, {url} and {method}: \"{timestamp}.{body}\""

// chosen completes a row with what the configuration may choose.
func chosen(s Sender, cfg Config) (Sender, *ConfigError) {
	switch {
	case s.Name == "hmac":
		return chosenHMAC(s, cfg)
	case s.Proof.Scheme == "token":
		return chosenToken(s, cfg), nil
	}
	if cfg.TimestampHeader != "" && s.Name == "grafana" {
		s.Proof.Signed, s.Proof.Stamp, s.Proof.Tolerance = "{timestamp}:{body}", "header:"+cfg.TimestampHeader, minutes5
	}
	if cfg.Header != "" && s.Name == "grafana" {
		s.Proof.Headers = []string{cfg.Header}
	}
	return withHeaders(s, cfg), nil
}

func withHeaders(s Sender, cfg Config) Sender {
	if cfg.IDHeader != "" {
		s.ID = "header:" + cfg.IDHeader
	}
	if cfg.TypeHeader != "" {
		s.Type = "header:" + cfg.TypeHeader
	}
	return s
}

func chosenToken(s Sender, cfg Config) Sender {
	s = withHeaders(s, cfg)
	if cfg.Header == "" {
		return s
	}
	name, scheme, ok := strings.Cut(cfg.Header, ":")
	s.Proof.Headers, s.Proof.Prefix = []string{strings.TrimSpace(name)}, cfg.Prefix
	if ok {
		s.Proof.Prefix = strings.TrimSpace(scheme) + " "
	}
	return s
}

// chosenHMAC checks a scheme that a person described: what it promises must be
// what it signs.
func chosenHMAC(s Sender, cfg Config) (Sender, *ConfigError) {
	s = withHeaders(s, cfg)
	p := &s.Proof
	p.Algorithm, p.Prefix = orElse(cfg.Algorithm, "sha256"), cfg.Prefix
	p.Headers, p.Encoding, p.Signed = []string{cfg.Header}, orElse(cfg.Encoding, hexEncoding), orElse(cfg.Signed, "{body}")
	t, err := parseText(p.Signed)
	if err != nil {
		return s, &ConfigError{Field: "signed", Message: err.Error(), Remedy: signedRemedy}
	}
	switch {
	case cfg.Header == "":
		return s, &ConfigError{Field: "header", Message: "it is not set", Remedy: "write the name of the header that carries the signature: header: X-Signature"}
	case !validEncoding(p.Encoding):
		return s, &ConfigError{Field: "encoding", Message: "there is no encoding " + quote(p.Encoding), Remedy: "write hex, base64 or base64url"}
	case t.has(piecePlace, pieceSecret, pieceCalled, piecePayload, pieceURLPath):
		return s, &ConfigError{Field: "signed", Message: "it has a part that cannot be signed", Remedy: signedRemedy}
	case !t.has(pieceBody):
		return s, &ConfigError{Field: "signed", Message: "it leaves out {body}, so that anybody could change the body", Remedy: signedRemedy}
	case t.has(pieceTimestamp) && cfg.TimestampHeader == "":
		return s, &ConfigError{Field: "timestamp_header", Message: "{timestamp} is signed, but nothing says where it is", Remedy: "write timestamp_header: X-Timestamp"}
	case !t.has(pieceTimestamp) && cfg.TimestampHeader != "":
		return s, &ConfigError{Field: "timestamp_header", Message: "the timestamp is not signed, so that anybody could set it", Remedy: "add {timestamp} to signed if the sender signs it, else remove timestamp_header"}
	case t.has(pieceID) && cfg.IDHeader == "":
		return s, &ConfigError{Field: "id_header", Message: "{id} is signed, but nothing says where it is", Remedy: "write id_header: X-Request-Id"}
	}
	if p.Encoding == hexEncoding {
		p.Encoding = anyHexEncoding
	}
	if t.has(pieceTimestamp) {
		p.Stamp, p.Unit, p.Tolerance = "header:"+cfg.TimestampHeader, unitAny, minutes5
	}
	if t.has(pieceID) {
		p.SignedID = cfg.IDHeader
	}
	return s, nil
}

func validEncoding(name string) bool {
	return name == hexEncoding || name == base64Encoding || name == base64URLEncoding
}
