package gather

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/payload"
	"github.com/forebayhq/forebay/internal/prompt"
)

// HTTPOptions configure a step that gets one document.
type HTTPOptions struct {
	// URL is the address; its origin is fixed. Required.
	URL *prompt.URLTemplate
	// Client is bound to URL.Origin() and adds its credentials. If it bounds
	// bodies itself, it must let more than MaxBytes through. Required.
	Client *http.Client
	// MaxBytes bounds the document. Default 64 KiB.
	MaxBytes int64
	// Timeout bounds the exchange. Default 10 seconds.
	Timeout time.Duration
}

// HTTP gets a document from a fixed origin. JSON is seen by templates as a
// document, anything else that is text as a text.
type HTTP struct{ o HTTPOptions }

// NewHTTP checks the options.
func NewHTTP(o HTTPOptions) (*HTTP, error) {
	if o.URL == nil || o.Client == nil {
		return nil, errors.New("gather http: no URL or no client")
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, 64<<10)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	return &HTTP{o: o}, nil
}

// Gather gets the document. Errors are *Error: gather_url (the event does not
// give the URL its parts), gather_unreachable, gather_timeout, gather_too_large,
// gather_not_text, and gather_status_N for an answer that is not 2xx.
func (h *HTTP) Gather(ctx context.Context, e event.Event) (Part, error) {
	u, err := h.o.URL.Render(prompt.Data{Event: e})
	if err != nil {
		return Part{}, urlError(err)
	}
	own, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(own, http.MethodGet, u.String(), nil)
	if err != nil {
		return Part{}, &Error{Code: "gather_url", Message: "the URL cannot be asked", Permanent: true, Err: err}
	}
	req.Header.Set("Accept", "application/json, text/*;q=0.9, */*;q=0.1")
	resp, err := h.o.Client.Do(req)
	if err != nil {
		return Part{}, h.failed(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return Part{}, statusError(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, h.o.MaxBytes+1))
	if err != nil {
		return Part{}, h.failed(ctx, err)
	}
	if int64(len(body)) > h.o.MaxBytes {
		return Part{}, &Error{Code: "gather_too_large", Message: fmt.Sprintf("the document is larger than %d bytes", h.o.MaxBytes),
			Hint: "raise max_bytes, or ask for less", Permanent: true}
	}
	return document(resp.Header.Get("Content-Type"), body)
}

func urlError(err error) *Error {
	e := &Error{Code: "gather_url", Message: err.Error(), Permanent: true, Err: err}
	if p, ok := errors.AsType[*prompt.Error](err); ok {
		e.Message, e.Hint = p.Message, p.Hint
	}
	return e
}

// failed sorts an exchange without a whole answer. The error of net/http names
// the URL, and with it parts of the payload, so it is the cause alone.
func (h *HTTP) failed(ctx context.Context, err error) *Error {
	if late := timedOut(ctx, h.o.Timeout, err); late != nil {
		return late
	}
	return &Error{Code: "gather_unreachable", Message: h.o.URL.Origin() + " gave no whole answer", Outage: true, Err: err,
		Hint: "see that the address is right, and that egress.allow lists it if it is private"}
}

// statusError sorts an answer that is not 2xx. Redirects are not followed, for
// the credentials belong to one origin.
func statusError(resp *http.Response) *Error {
	code := resp.StatusCode
	e := &Error{
		Code:      "gather_status_" + strconv.Itoa(code),
		Message:   fmt.Sprintf("the server answered %d %s", code, http.StatusText(code)),
		Permanent: code < 500 && code != http.StatusRequestTimeout && code != http.StatusTooManyRequests,
		Outage:    code >= 500 && code != http.StatusNotImplemented,
	}
	if !e.Permanent {
		e.RetryAfter = github.RetryAfter(resp.Header, time.Now())
	}
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Hint = "see that the header with the credential is right and has not expired"
	case code == http.StatusNotFound:
		e.Hint = "see that the URL's template makes the right address for this event"
	case code >= 300 && code < 400:
		e.Hint = "write the address that it redirects to"
	}
	return e
}

// document makes a Value of a body.
func document(contentType string, body []byte) (Part, error) {
	if payload.KindOf(contentType) == payload.JSON {
		if err := payload.Check(body); err != nil {
			return Part{}, &Error{Code: "gather_bad_json", Message: "the document is not the JSON it says it is: " + err.Error(), Err: err}
		}
		return Part{Value: payload.Parse(body)}, nil
	}
	if bytes.IndexByte(body, 0) >= 0 || !utf8.Valid(body) {
		return Part{}, &Error{Code: "gather_not_text", Message: "the document is neither JSON nor UTF-8 text", Permanent: true}
	}
	return Part{Value: string(body)}, nil
}
