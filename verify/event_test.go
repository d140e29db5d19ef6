package verify

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestEvents: id, type, time and subject read the same for every sender.
func TestEvents(t *testing.T) {
	t.Parallel()
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, c := range map[string]struct {
		sender string
		in     SignInput
		id     string
		signed bool
		kind   string
		time   string
		about  string
	}{
		"stripe":               {"stripe", SignInput{Body: []byte(`{"id":"evt_1","type":"charge.dispute.created","created":1759999000,"data":{"object":{"id":"dp_1"}}}`)}, "evt_1", true, "charge.dispute.created", "2025-10-09T08:36:40Z", "dp_1"},
		"shopify":              {"shopify", SignInput{Body: []byte(`{"id":1}`), ID: "w-1", Type: "orders/create", Header: http.Header{"X-Shopify-Triggered-At": {"2025-10-09T08:36:40.5Z"}}}, "w-1", false, "orders/create", "2025-10-09T08:36:40.5Z", "1"},
		"anthropic":            {"anthropic", SignInput{Body: []byte(`{"type":"event","id":"whe_1","created_at":"2025-10-09T08:36:40Z","data":{"type":"session.status_idled","id":"sesn_1"}}`), ID: "whe_1"}, "whe_1", true, "session.status_idled", "2025-10-09T08:36:40Z", "sesn_1"},
		"linear":               {"linear", SignInput{Body: []byte(`{"action":"create","type":"Issue","data":{"identifier":"ENG-1"}}`), Header: http.Header{"Linear-Event": {"Issue"}, "Linear-Delivery": {"d-1"}}}, "d-1", false, "Issue.create", "2025-10-09T08:53:20Z", "ENG-1"},
		"gitea":                {"gitea", SignInput{Body: []byte("payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22o%2Fr%22%7D%7D"), Header: form, ID: "d-1", Type: "push"}, "d-1", false, "push", "", "o/r"},
		"gitlab merge request": {"gitlab", SignInput{Body: []byte(`{"object_kind":"merge_request","project":{"path_with_namespace":"o/r"},"object_attributes":{"iid":7}}`), ID: "d-1", Type: "Merge Request Hook"}, "d-1", false, "Merge Request Hook", "", "o/r!7"},
		"gitlab issue":         {"gitlab", SignInput{Body: []byte(`{"object_kind":"issue","project":{"path_with_namespace":"o/r"},"object_attributes":{"iid":7}}`), ID: "d-1", Type: "Issue Hook"}, "d-1", false, "Issue Hook", "", "o/r#7"},
		"gitlab pipeline":      {"gitlab", SignInput{Body: []byte(`{"object_kind":"pipeline","project":{"path_with_namespace":"o/r"},"object_attributes":{"iid":7}}`), ID: "d-1", Type: "Pipeline Hook"}, "d-1", false, "Pipeline Hook", "", "o/r"},
		"discord event":        {"discord", SignInput{Body: []byte(`{"version":1,"type":1,"event":{"type":"ENTITLEMENT_CREATE","timestamp":"2025-10-09T08:36:40Z","data":{"id":"e-1"}}}`)}, "e-1", true, "ENTITLEMENT_CREATE", "2025-10-09T08:36:40Z", ""},
		"gogs":                 {"gogs", SignInput{Body: []byte(`{"repository":{"full_name":"o/r"}}`), ID: "d-1", Type: "push"}, "d-1", false, "push", "", "o/r"},
		"plivo-v2 form":        {"plivo-v2", SignInput{Body: []byte("MessageUUID=m-1&Status=sent&From=1"), Header: form}, "m-1", false, "sent", "", "1"},
		"telegram":             {"telegram", SignInput{Body: []byte(`{"update_id":10000,"callback_query":{"message":{"chat":{"id":7}}}}`)}, "10000", false, "callback_query", "", "7"},
		"github pull request":  {"github", SignInput{Body: []byte(`{"action":"opened","pull_request":{"url":"https://api.github.com/repos/o/r/pulls/7","updated_at":"2025-10-09T08:36:40Z"},"repository":{"full_name":"o/r","updated_at":"2020-01-01T00:00:00Z"}}`), ID: "d-1", Type: "pull_request"}, "d-1", false, "pull_request", "2025-10-09T08:36:40Z", "o/r#7"},
		"github comment":       {"github", SignInput{Body: []byte(`{"issue":{"url":"https://api.github.com/repos/o/r/issues/7","updated_at":"2020-01-01T00:00:00Z"},"comment":{"updated_at":"2025-10-09T08:36:40Z"}}`), ID: "d-1", Type: "issue_comment"}, "d-1", false, "issue_comment", "2025-10-09T08:36:40Z", "o/r#7"},
		"github push":          {"github", SignInput{Body: []byte(`{"head_commit":null,"repository":{"full_name":"o/r","pushed_at":1759999000}}`), ID: "d-1", Type: "push"}, "d-1", false, "push", "2025-10-09T08:36:40Z", "o/r"},
		"github of its own":    {"github", SignInput{Body: []byte(`{"workflow_run":{"updated_at":"2025-10-09T08:36:40Z"}}`), ID: "d-1", Type: "workflow_run"}, "d-1", false, "workflow_run", "2025-10-09T08:36:40Z", ""},
		"github without one":   {"github", SignInput{Body: []byte(`{"zen":{"updated_at":"2025-10-09T08:36:40Z"}}`), ID: "d-1", Type: "z*"}, "d-1", false, "z*", "", ""},
		"twitter":              {"twitter", SignInput{Body: []byte(`{"for_user_id":"7","follow_events":[{"created_timestamp":"1759999000000"}]}`)}, "", false, "follow_events", "2025-10-09T08:36:40Z", "7"},
		"mailgun":              {"mailgun", SignInput{Body: []byte(`{"event-data":{"event":"failed","id":"x","timestamp":1521472262.908181}}`)}, "x", false, "failed", "2018-03-19T15:11:02.908181Z", ""},
		"twitch":               {"twitch", SignInput{Body: []byte(`{}`), ID: "m-1", Type: "stream.online"}, "m-1", true, "stream.online", "2025-10-09T08:53:20Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := Lookup(c.sender)
			cfg, key := sample(s)
			c.in.Key = key
			d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, c.in))
			if err != nil {
				t.Fatal(err)
			}
			at := ""
			if !d.Time.IsZero() {
				at = d.Time.Format(time.RFC3339Nano)
			}
			if d.Answer != nil {
				t.Errorf("it is taken for a handshake: %+v", d.Answer)
			}
			if d.ID != c.id || d.IDSigned != c.signed || d.Type != c.kind || at != c.time || d.Subject != c.about {
				t.Errorf("got id %q (signed %v), type %q, time %s, subject %q", d.ID, d.IDSigned, d.Type, at, d.Subject)
			}
		})
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	for sender, c := range map[string]struct{ body, want string }{
		"sendgrid":         {`[{"sg_event_id":"a","event":"open"},{"sg_event_id":"b","event":"click"}]`, "a open, b click"},
		"hubspot":          {`[{"eventId":1,"subscriptionType":"contact.creation"},{"eventId":2,"subscriptionType":"deal.creation"}]`, "1 contact.creation, 2 deal.creation"},
		"line":             {`{"events":[{"webhookEventId":"x","type":"message"}]}`, "x message"},
		"okta":             {`{"data":{"events":[{"uuid":"u","eventType":"user.create"}]}}`, "u user.create"},
		"azure-event-grid": {`[{"id":"1","eventType":"Blob"},{"id":"2","eventType":"Blob"}]`, "1 Blob, 2 Blob"},
		"asana":            {`{"events":[{"action":"changed","resource":{"resource_type":"task"}}]}`, " task.changed"},
		"adyen":            {`{"notificationItems":[{"NotificationRequestItem":{"pspReference":"p","eventCode":"REFUND","success":"true"}},{"NotificationRequestItem":{"pspReference":"q","eventCode":"REFUND","success":"true"}}]}`, "p/REFUND/true REFUND, q/REFUND/true REFUND"},
		"twilio":           {`[{"id":"EZ1","type":"com.twilio.messaging.message.failed"},{"id":"EZ2","type":"com.twilio.messaging.message.sent"}]`, "EZ1 com.twilio.messaging.message.failed, EZ2 com.twilio.messaging.message.sent"},
		"dropbox":          {`{"list_folder":{"accounts":["dbid:a","dbid:b"]}}`, " notification, " + " notification"},
		"microsoft-graph":  {`{"value":[{"id":"n1","clientState":"0123456789abcdef0123456789abcdef","changeType":"updated"},{"clientState":"of somebody else","changeType":"deleted"},{"changeType":"deleted"},{"clientState":"0123456789abcdef0123456789abcdef","changeType":"created"}]}`, "n1 updated,  created"},
		"stripe":           {`{"id":"evt_1"}`, ""},
	} {
		t.Run(sender, func(t *testing.T) {
			t.Parallel()
			s, _ := Lookup(sender)
			cfg, key := sample(s)
			d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, SignInput{Body: []byte(c.body), Key: key}))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range d.Batch {
				got = append(got, p.ID+" "+p.Type)
				if !strings.Contains(string(d.Payload)+c.body, `"`) || len(p.Payload) == 0 {
					t.Errorf("an event without its JSON: %+v", p)
				}
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
	t.Run("one bad item", func(t *testing.T) {
		t.Parallel()
		s, _ := Lookup("adyen")
		cfg, _ := sample(s)
		r := mustSign(t, cfg, SignInput{Body: []byte(`{"notificationItems":[{"NotificationRequestItem":{"pspReference":"p"}},{"NotificationRequestItem":{"pspReference":"q"}}]}`)})
		r.Body = []byte(strings.Replace(string(r.Body), `"q"`, `"z"`, 1))
		if got := codeOf(t, second(mustNew(t, cfg).Verify(r))); got != CodeSignatureMismatch {
			t.Errorf("got %q, want %q", got, CodeSignatureMismatch)
		}
	})
	t.Run("too many", func(t *testing.T) {
		t.Parallel()
		s, _ := Lookup("line")
		cfg, _ := sample(s)
		r := mustSign(t, cfg, SignInput{Body: []byte(`{"events":[0` + strings.Repeat(",0", maxBatch) + `]}`)})
		if got := codeOf(t, second(mustNew(t, cfg).Verify(r))); got != CodeBodyMalformed {
			t.Errorf("got %q, want %q", got, CodeBodyMalformed)
		}
	})
}

func TestCloudEvents(t *testing.T) {
	t.Parallel()
	cfg := Config{Type: "token", Secrets: []string{"abc"}}
	structured := http.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}
	binary := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}, "Ce-Subject": {"x"}, "Ce-Time": {"2025-10-09T08:36:40Z"}}
	for name, in := range map[string]SignInput{
		"structured": {Header: structured, Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"x","time":"2025-10-09T08:36:40Z"}`)},
		"binary":     {Header: binary, Body: []byte(`{"type":"other"}`)},
	} {
		d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, in))
		if err != nil || d.ID != "/s#1" || d.Type != "t" || d.Subject != "x" || d.Time.Unix() != 1759999000 {
			t.Errorf("%s: got %+v, %v", name, d, err)
		}
	}
	batch := SignInput{Header: http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, Body: []byte(`[{"id":"1","source":"/s","type":"a"},{"id":"2","source":"/s","type":"b"}]`)}
	d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, batch))
	if err != nil || len(d.Batch) != 2 || d.Batch[1].ID != "/s#2" || d.Batch[1].Type != "b" {
		t.Errorf("batch: got %+v, %v", d, err)
	}
}

// TestUnsignedBodiesAreMarked: an operator is told where a token is all there is.
func TestUnsignedBodiesAreMarked(t *testing.T) {
	t.Parallel()
	for _, s := range Senders() {
		if token := s.Proof.Scheme == "token" || s.Proof.Scheme == "basic"; token && !s.BodyUnsigned {
			t.Errorf("%s proves nothing about the body, and its row does not say so", s.Name)
		}
		if s.Proof.Scheme == "jwt" && s.Proof.BodyClaim == "" && !s.BodyUnsigned {
			t.Errorf("%s: the token says nothing about the body, and its row does not say so", s.Name)
		}
	}
}

func TestDeepNesting(t *testing.T) {
	t.Parallel()
	deep := []byte(strings.Repeat(`{"repository":`, 1<<20) + "1" + strings.Repeat("}", 1<<20))
	cfg := Config{Type: "github", Secrets: []string{"s3cret"}}
	d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, SignInput{Body: deep, Type: "push"}))
	if err != nil || d.Type != "push" {
		t.Errorf("got %+v, %v", d, err)
	}
	for _, body := range []string{"", "\x00", "\ufeff{}", `{"repository":{"full_name":"a\u0000b"}}`, `{"repository":{"full_name":"\ud800"}}`, `{"n":1e400}`} {
		d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, SignInput{Body: []byte(body), Type: "push"}))
		if err != nil || d.Subject != clean(d.Subject) {
			t.Errorf("%q: got %+v, %v", body, d, err)
		}
	}
}
