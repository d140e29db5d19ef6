package verify

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
)

// formField returns one field of a form body, and false if it is absent,
// malformed or there twice. It looks at that field alone.
func formField(body []byte, name string) ([]byte, bool) {
	var value []byte
	found := 0
	for pair := range bytes.SplitSeq(body, []byte("&")) {
		key, val, _ := bytes.Cut(pair, []byte("="))
		if string(key) != name {
			continue
		}
		value = val
		found++
	}
	if found != 1 {
		return nil, false
	}
	text, err := url.QueryUnescape(string(value))
	return []byte(text), err == nil
}

// multipartField is formField for multipart/form-data.
func multipartField(contentType string, body []byte, name string) ([]byte, bool) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, false
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range maxFormFields {
		p, err := r.NextRawPart()
		if err != nil {
			return nil, false
		}
		if p.FormName() != name || p.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(p)
		return value, err == nil
	}
	return nil, false
}

// jsonPayload returns the JSON document of r: the field of a form body, or the
// body itself.
func jsonPayload(r *Request, field string) ([]byte, bool) {
	switch mt := mediaType(r.Header); {
	case mt == "application/x-www-form-urlencoded":
		return formField(r.Body, field)
	case mt == "multipart/form-data":
		return multipartField(r.Header.Get("Content-Type"), r.Body, field)
	}
	return r.Body, true
}

// formJSON turns all fields of a form body into one JSON object, values as
// text, repeated ones as a list. It returns nil for a body that is no form.
func formJSON(body []byte) []byte {
	form := parseForm(body)
	if len(form) == 0 {
		return nil
	}
	doc := make(map[string]any, len(form))
	for name, values := range form {
		if len(values) == 1 {
			doc[name] = values[0]
			continue
		}
		doc[name] = slices.Clone(values)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	return out
}
