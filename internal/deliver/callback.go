package deliver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/egress"
)

const (
	callbackTimeout = 30 * time.Second
	callbackAnswer  = 64 << 10 // bytes of the answer that are read at most
)

// CallbackOptions configure a callback target. Exactly one of URL and Render
// is set.
type CallbackOptions struct {
	Egress *egress.Egress // required
	// URL is where results go, the same for every event.
	URL string
	// Render makes the URL of an event; AllowHosts are then the hosts that
	// it may have.
	Render     func(event.Event) (string, error)
	AllowHosts []string
	// Secret signs: "whsec_" and base64, or at least 24 bytes of text.
	Secret string
	// JobJSON makes the body of a job. Required.
	JobJSON func(event.Job) ([]byte, error)
}

// A Callback posts the job as JSON, signed in the manner of Standard Webhooks:
// webhook-id is the same for all attempts at a delivery, webhook-timestamp and
// webhook-signature are made for each.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
//
// 2xx is success, 410 the receiver's wish never to be called again, 3xx an
// error that no retry helps: results do not go where somebody else points. All
// other answers are tried again, as the specification asks, 429 and 503 no
// sooner than Retry-After says.
type Callback struct {
	opts   CallbackOptions
	signer signer
	hosts  map[string]bool // AllowHosts
}

// NewCallback checks the options.
func NewCallback(o CallbackOptions) (*Callback, error) {
	if o.Egress == nil || o.JobJSON == nil {
		return nil, errors.New("callback: Egress and JobJSON are required")
	}
	if (o.URL == "") == (o.Render == nil) {
		return nil, errors.New("callback: set a URL, or what renders one")
	}
	s, err := newSigner(o.Secret)
	if err != nil {
		return nil, fmt.Errorf("callback secret: %w", err)
	}
	c := &Callback{opts: o, signer: s, hosts: map[string]bool{}}
	for _, host := range o.AllowHosts {
		c.hosts[strings.ToLower(host)] = true
	}
	if o.Render != nil {
		if len(o.AllowHosts) == 0 {
			return nil, errors.New("callback: the event chooses the URL, and no host is allowed")
		}
		return c, nil
	}
	if _, err := c.client(o.URL); err != nil {
		return nil, fmt.Errorf("callback: %w", err)
	}
	return c, nil
}

// callbackSpec is what is stored. The URL of the configuration is not: it may
// hold a token, and an operator who mends it means deliveries that wait too.
type callbackSpec struct {
	URL string `json:"url,omitempty"`
	To  string `json:"to"` // the host, for people
}

// Plan fixes the URL.
func (c *Callback) Plan(e event.Event) (Plan, error) {
	spec := callbackSpec{}
	target := c.opts.URL
	if c.opts.Render != nil {
		text, err := c.opts.Render(e)
		if err != nil {
			return Plan{}, &Error{Code: "callback_url", Message: "the URL cannot be made of this event: " + err.Error(), Permanent: true, Err: err}
		}
		if target, err = c.admit(strings.TrimSpace(text)); err != nil {
			return Plan{}, err
		}
		spec.URL = target
	}
	u, err := url.Parse(target)
	if err != nil {
		return Plan{}, &Error{Code: "callback_url", Message: "not a URL", Permanent: true}
	}
	spec.To = u.Host
	raw, err := json.Marshal(spec)
	return Plan{Spec: raw}, err
}

// admit checks a URL that an event chose.
func (c *Callback) admit(raw string) (string, error) {
	u, err := c.opts.Egress.CheckURL(raw)
	if err != nil {
		return "", &Error{Code: "callback_blocked", Message: "the event's URL may not be called: " + err.Error(), Permanent: true, Err: err}
	}
	if !c.hosts[u.Hostname()] {
		return "", &Error{Code: "callback_blocked", Message: fmt.Sprintf("host %q is not in allow_hosts", u.Hostname()), Permanent: true}
	}
	return u.String(), nil
}

// Deliver posts the job.
func (c *Callback) Deliver(ctx context.Context, p Parcel) (Receipt, error) {
	target, err := c.target(p.Delivery.Spec)
	if err != nil {
		return Receipt{}, err
	}
	body, err := c.opts.JobJSON(p.Job)
	if err != nil {
		return Receipt{}, &Error{Code: "callback_body", Message: "the job cannot be written as JSON: " + err.Error(), Permanent: true, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return Receipt{}, &Error{Code: "callback_url", Message: "not a URL", Permanent: true}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "forebay")
	if err := c.signer.sign(req.Header, p.Delivery.MessageID(), p.Now, body); err != nil {
		return Receipt{}, &Error{Code: "callback_sign", Message: err.Error(), Permanent: true, Err: err}
	}
	return Receipt{}, c.post(req)
}

// target is the URL of a delivery, checked again: what is allowed may have
// changed since it was planned.
func (c *Callback) target(raw json.RawMessage) (string, error) {
	if c.opts.Render == nil {
		return c.opts.URL, nil
	}
	var spec callbackSpec
	if err := json.Unmarshal(raw, &spec); err != nil || spec.URL == "" {
		return "", &Error{Code: "target_changed", Message: "the hook's target is not the one that this delivery was made for", Permanent: true, Err: err}
	}
	return c.admit(spec.URL)
}

func (c *Callback) post(req *http.Request) error {
	client, err := c.client(req.URL.String())
	if err != nil {
		return &Error{Code: "callback_blocked", Message: err.Error(), Permanent: true, Err: err}
	}
	resp, err := client.Do(req)
	if err != nil {
		return c.unanswered(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	return callbackRefused(resp, time.Now())
}

// client is bound to the origin of the URL.
func (c *Callback) client(target string) (*http.Client, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("not a URL") // err would show it
	}
	return c.opts.Egress.Client(egress.Policy{
		Origin:    u.Scheme + "://" + u.Host,
		HTTPSOnly: true,
		Timeout:   callbackTimeout,
		MaxBytes:  callbackAnswer,
	})
}

// unanswered sorts an exchange without an answer. Where the event chose the
// URL, neither text nor fate tells anything about the network; the operator's
// log has the cause.
func (c *Callback) unanswered(err error) *Error {
	if c.opts.Render != nil {
		return &Error{Code: "callback_unreachable", Message: egress.Outside(err), Err: err}
	}
	if errors.Is(err, egress.ErrBlocked) {
		return &Error{Code: "callback_blocked", Message: egress.Detail(err), Permanent: true, Err: err}
	}
	return &Error{Code: "callback_unreachable", Message: egress.Detail(err), Err: err}
}
