package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/githubtest"
)

const (
	repo = "octo/site"
	pull = `{"action":"opened","number":7,"pull_request":{"number":7,"comments_url":"https://evil.example/steal"},"repository":{"full_name":"octo/site","url":"https://evil.example"}}`
)

// A scene is a world with a simulated GitHub and a comment target.
type scene struct {
	*world
	hub    *githubtest.Server
	target *deliver.GitHubComment
	stop   func()
}

func newScene(w *world, o deliver.GitHubCommentOptions) *scene {
	w.Helper()
	hub := &githubtest.Server{}
	hub.AddPull(repo, 7)
	stopServer := w.serve(hub)
	client, err := github.New(github.Options{Egress: w.egress, APIURL: "http://github.test", Token: "tok"})
	if err != nil {
		w.Fatal(err)
	}
	o.GitHub, o.Hook, o.Key = client, hookName, []byte("0123456789abcdef")
	target, err := deliver.NewGitHubComment(o)
	if err != nil {
		w.Fatal(err)
	}
	stop := w.dispatch(target, deliver.Options{})
	return &scene{world: w, hub: hub, target: target, stop: func() { stop(); stopServer() }}
}

// comment takes an event to a result whose comment is pending.
func (s *scene) comment(answer string) event.Job {
	s.Helper()
	plan, err := s.target.Plan(event.Event{ContentType: "application/json", Body: []byte(pull)})
	if err != nil {
		s.Fatal(err)
	}
	return s.job(pull, answer, event.Delivery{Target: "github_comment", Spec: plan.Spec, SerialKey: plan.SerialKey})
}

func (s *scene) comments() []githubtest.Comment { return s.hub.Comments(repo, 7) }

func TestAStickyCommentIsOne(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
		defer s.stop()
		for i := range 3 {
			j := s.comment(fmt.Sprintf("answer %d", i))
			s.pass(time.Minute)
			if d := s.delivery(j.ID); d.State != event.DeliveryDone || !strings.HasPrefix(d.URL, "https://github.com/octo/site/pull/7#") {
				t.Errorf("got %+v, want done with its address", d)
			}
		}
		got := s.comments()
		if len(got) != 1 || !strings.Contains(got[0].Body, "answer 2") || got[0].Edits != 2 {
			t.Errorf("got %+v, want one comment with the last answer", got)
		}
	})
}

func TestWithoutStickyThereIsOnePerJob(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{})
		defer s.stop()
		first := s.comment("one")
		s.comment("two")
		s.pass(time.Minute)
		if _, err := s.store.Redeliver(w.Context(), first.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Minute)
		if got := s.comments(); len(got) != 2 || got[0].Edits+got[1].Edits != 1 {
			t.Errorf("got %+v, want two comments, one of them edited by the redelivery", got)
		}
	})
}

// The POST works, the answer is lost.
func TestALostAnswerMakesNoSecondComment(t *testing.T) {
	for _, sticky := range []bool{true, false} {
		for name, fault := range map[string]githubtest.Fault{
			"cut":  {Method: http.MethodPost, AfterEffect: true, Cut: true, Times: 3},
			"502":  {Method: http.MethodPost, AfterEffect: true, Status: 502, Times: 3},
			"none": {Method: http.MethodPost, Path: "no such path"},
		} {
			t.Run(fmt.Sprintf("%s sticky=%v", name, sticky), func(t *testing.T) {
				inWorld(t, func(w *world) {
					s := newScene(w, deliver.GitHubCommentOptions{Sticky: sticky})
					defer s.stop()
					s.hub.Fail(fault)
					j := s.comment("answer")
					s.pass(time.Hour)
					if got := s.comments(); len(got) != 1 {
						t.Errorf("%d comments, want 1", len(got))
					}
					if d := s.delivery(j.ID); d.State != event.DeliveryDone || d.URL == "" {
						t.Errorf("got %+v, want done", d)
					}
				})
			})
		}
	}
}

// The answer to a POST that did nothing is tried again, not sooner than a
// search would find it.
func TestAnUnknownOutcomeWaitsAMinute(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{})
		defer s.stop()
		s.hub.Fail(githubtest.Fault{Method: http.MethodPost, Cut: true})
		s.comment("answer")
		s.pass(59 * time.Second)
		if got := len(s.comments()); got != 0 {
			t.Errorf("%d comments after 59 s, want none yet", got)
		}
		s.pass(time.Minute)
		if got := len(s.comments()); got != 1 {
			t.Errorf("%d comments, want 1", got)
		}
	})
}

// While it is not known whether the first job's comment is there, the second
// job does not post one beside it.
func TestAnUnknownOutcomeHoldsTheNextJobToo(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
		defer s.stop()
		s.hub.Fail(githubtest.Fault{Method: http.MethodPost, Cut: true})
		first := s.comment("one")
		s.pass(5 * time.Second)
		second := s.comment("two")
		s.pass(54 * time.Second)
		if got := len(s.comments()); got != 0 {
			t.Errorf("%d comments after 59 s, want none yet", got)
		}
		s.pass(5 * time.Minute)
		if got := s.comments(); len(got) != 1 || !strings.Contains(got[0].Body, "two") {
			t.Errorf("got %+v, want one comment with the newer answer", got)
		}
		for _, j := range []event.Job{first, second} {
			if d := s.delivery(j.ID); d.State != event.DeliveryDone {
				t.Errorf("got %+v, want done", d)
			}
		}
	})
}

// The comment is deleted after the search found it.
func TestACommentThatGoesAwayMeanwhileIsPostedAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{})
		defer s.stop()
		j := s.comment("answer")
		s.pass(time.Minute)
		s.hub.Fail(githubtest.Fault{Method: http.MethodPatch, Status: 404})
		if _, err := s.store.Redeliver(w.Context(), j.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Minute)
		if got := s.comments(); len(got) != 2 {
			t.Errorf("%d comments, want the one that is gone for others, and a new one", len(got))
		}
	})
}

// oneAnchor is what was stored when another account posted.
type oneAnchor struct{ id int64 }

func (o oneAnchor) Anchor(context.Context, string) (event.Anchor, error) {
	return event.Anchor{ExternalID: strconv.FormatInt(o.id, 10), JobID: "job_0"}, nil
}

// After a change of the credential the old account's comment may not be edited:
// the new one posts its own. Our own comment that may not be edited is an error.
func TestACommentOfTheFormerAccount(t *testing.T) {
	for name, tc := range map[string]struct {
		by    githubtest.User
		posts bool
	}{"former": {githubtest.User{ID: 9, Login: "former"}, true}, "ours": {githubtest.DefaultUser(), false}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
				defer s.stop()
				old := s.hub.AddComment(repo, 7, tc.by, "old")
				s.hub.Fail(githubtest.Fault{Method: http.MethodPatch, Status: 403, Message: "Must have admin rights to Repository."})
				_, err := s.target.Deliver(w.Context(), deliver.Parcel{
					Delivery: event.Delivery{Spec: []byte(`{"owner":"octo","repo":"site","number":7}`)},
					Job:      event.Job{ID: "job_1", Result: &event.Result{Text: "new"}}, Anchors: oneAnchor{old.ID},
				})
				if got := s.comments(); (err == nil) != tc.posts || (len(got) == 2) != tc.posts || got[0].Body != "old" {
					t.Errorf("got %v and %+v, want a comment beside it: %v", err, got, tc.posts)
				}
			})
		})
	}
}

func TestADeletedStickyCommentIsPostedAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
		defer s.stop()
		s.comment("one")
		s.pass(time.Minute)
		s.hub.DeleteComment(s.comments()[0].ID)
		s.comment("two")
		s.pass(time.Minute)
		if got := s.comments(); len(got) != 1 || !strings.Contains(got[0].Body, "two") {
			t.Errorf("got %+v, want a new comment", got)
		}
	})
}

// The anchor is lost with the database; the marker still finds the comment.
func TestAStickyCommentIsFoundByItsMarker(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
		defer s.stop()
		for range 130 { // so that the marker is on the second page
			s.hub.AddComment(repo, 7, githubtest.User{ID: 9, Login: "someone"}, "talk")
		}
		s.comment("answer")
		s.pass(time.Minute)
		mine := s.comments()[130]
		// Others copy the marker; ours is deleted and comes back from a backup.
		s.hub.DeleteComment(mine.ID)
		s.hub.AddComment(repo, 7, githubtest.User{ID: 9, Login: "someone"}, mine.Body)
		s.hub.AddComment(repo, 7, githubtest.DefaultUser(), strings.ReplaceAll(mine.Body, "job=job_", "job=job_0")) // the seal is another job's
		restored := s.hub.AddComment(repo, 7, githubtest.DefaultUser(), mine.Body)
		s.comment("newer")
		s.pass(time.Minute)
		for _, c := range s.comments() {
			if edited := strings.Contains(c.Body, "newer"); edited != (c.ID == restored.ID) {
				t.Errorf("comment %d by %s: edited %v", c.ID, c.User.Login, edited)
			}
		}
		if got := len(s.comments()); got != 133 {
			t.Errorf("%d comments, want 133: nothing was posted anew", got)
		}
	})
}

func TestAnOlderAnswerNeverReplacesANewerOne(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
		defer s.stop()
		s.hub.Fail(githubtest.Fault{Status: 503, Times: 1}) // the older one is late
		older := s.comment("older")
		s.pass(time.Second)
		s.comment("newer")
		s.pass(time.Hour)
		got := s.comments()
		if len(got) != 1 || !strings.Contains(got[0].Body, "newer") {
			t.Errorf("got %+v, want the newer answer", got)
		}
		if d := s.delivery(older.ID); d.State != event.DeliveryDone || d.URL != got[0].URL {
			t.Errorf("the older delivery is %+v, want done, showing the comment", d)
		}
	})
}

// noAnchors is a ledger that was lost.
type noAnchors struct{}

func (noAnchors) Anchor(context.Context, string) (event.Anchor, error) {
	return event.Anchor{}, event.ErrNotFound
}

func TestWithoutTheAnchorTheMarkerSaysWhoIsNewer(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
		defer s.stop()
		for _, id := range []string{"job_2", "job_1", "job_3"} {
			r, err := s.target.Deliver(w.Context(), deliver.Parcel{
				Delivery: event.Delivery{Spec: []byte(`{"owner":"octo","repo":"site","number":7}`)},
				Job:      event.Job{ID: id, Result: &event.Result{Text: "answer of " + id}}, Anchors: noAnchors{},
			})
			if err != nil || r.Anchor == nil || r.Anchor.JobID != max(id, "job_2") {
				w.Errorf("%s: got %+v, %v; want an anchor to the newest", id, r.Anchor, err)
			}
			if got := s.comments(); len(got) != 1 || !strings.Contains(got[0].Body, "answer of "+max(id, "job_2")) {
				w.Errorf("after %s: %+v", id, got)
			}
		}
	})
}

func TestARateLimitIsWaitedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{})
		defer s.stop()
		s.hub.Fail(githubtest.Fault{Method: http.MethodPost, Status: 403, Header: http.Header{"Retry-After": {"600"}}})
		j := s.comment("answer")
		s.pass(599 * time.Second)
		before := len(s.hub.Requests())
		if d := s.delivery(j.ID); d.State != event.DeliveryPending || !strings.HasPrefix(d.LastError, "github_rate_limited") {
			t.Errorf("got %+v, want it to wait", d)
		}
		s.pass(time.Minute)
		if got := s.comments(); len(got) != 1 || len(s.hub.Requests()) == before {
			t.Errorf("%d comments after the wait, want 1", len(got))
		}
	})
}

func TestManyCommentsKeepToGitHubsPace(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{})
		defer s.stop()
		for range 200 {
			s.comment("answer")
		}
		s.pass(10 * time.Second)
		if got := len(s.comments()); got > 80 {
			t.Errorf("%d comments within seconds, GitHub allows 80 a minute", got)
		}
		s.pass(2 * time.Hour)
		if got := len(s.comments()); got != 200 {
			t.Errorf("%d comments in the end, want 200", got)
		}
		if got := len(s.hub.Requests()); got > 1000 {
			t.Errorf("%d requests for 200 comments: waiting is not free", got)
		}
	})
}

func TestWhatGitHubRefusesIsDead(t *testing.T) {
	for name, status := range map[string]int{"gone": 410, "not found": 404, "invalid": 422} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := newScene(w, deliver.GitHubCommentOptions{})
				defer s.stop()
				s.hub.Fail(githubtest.Fault{Method: http.MethodPost, Status: status})
				j := s.comment("answer")
				s.pass(time.Hour)
				if d := s.delivery(j.ID); d.State != event.DeliveryDead || d.Attempts != 1 {
					t.Errorf("got %+v, want dead at once", d)
				}
			})
		})
	}
}

func TestTheCommentIsHarmlessAndFits(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{})
		defer s.stop()
		s.comment("@octocat fixes #1 <!-- forebay:v1 hook=pr-summary job=job_1 mac=00000000000000000000000000000000 -->\n\n" + strings.Repeat("One & two [three] ```\n\n", 6000))
		s.pass(time.Minute)
		got := s.comments()
		if len(got) != 1 {
			t.Fatalf("%d comments, want 1", len(got))
		}
		body := got[0].Body
		if n := len([]rune(body)); n > 65536 || n < 30000 {
			t.Errorf("the comment has %d characters", n)
		}
		for _, want := range []string{"`@octocat`", "too long for a comment", "`claude-haiku-5-5`", "`pr-summary`"} {
			if !strings.Contains(body, want) {
				t.Errorf("the comment lacks %q", want)
			}
		}
		if strings.Count(body, "<!--") != 1 {
			t.Error("the answer's own marker is left")
		}
	})
}

func TestOnlyThePlannedAddressIsCalled(t *testing.T) {
	inWorld(t, func(w *world) {
		s := newScene(w, deliver.GitHubCommentOptions{Sticky: true})
		defer s.stop()
		s.comment("x")
		s.pass(time.Minute)
		for _, r := range s.hub.Requests() {
			if r.Path != "/user" && r.Path != "/repos/octo/site/issues/7/comments" {
				t.Errorf("%s %s was called", r.Method, r.Path)
			}
		}
	})
}

func TestPlans(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, want string }{
		"pull request":  {pull, `{"owner":"octo","repo":"site","number":7}`},
		"issue":         {`{"issue":{"number":3},"repository":{"full_name":"o/r.x_y-z"}}`, `{"owner":"o","repo":"r.x_y-z","number":3}`},
		"form":          {"payload=" + strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D", "#", "%23", "&", "%26").Replace(pull), ""},
		"no number":     {`{"repository":{"full_name":"o/r"}}`, ""},
		"no repository": {`{"number":3}`, ""},
		"odd names":     {`{"number":3,"repository":{"full_name":"o/../../user"}}`, ""},
		"dots":          {`{"number":3,"repository":{"full_name":"../.."}}`, ""},
		"three parts":   {`{"number":3,"repository":{"full_name":"o/r/issues"}}`, ""},
		"escaped":       {`{"number":3,"repository":{"full_name":"o/r%2f"}}`, ""},
		"text number":   {`{"number":"3","repository":{"full_name":"o/r"}}`, ""},
		"negative":      {`{"number":-3,"repository":{"full_name":"o/r"}}`, ""},
		"fraction":      {`{"number":3.5,"repository":{"full_name":"o/r"}}`, ""},
		"huge":          {`{"number":1e400,"repository":{"full_name":"o/r"}}`, ""},
		"not JSON":      {`hello`, ""},
		"empty":         {``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := bareTarget(t, deliver.GitHubCommentOptions{})
			plan, err := target.Plan(event.Event{ContentType: "application/json", Body: []byte(tc.body)})
			if tc.want == "" {
				if e, ok := errors.AsType[*deliver.Error](err); !ok || e.Code != "no_destination" || !e.Permanent {
					t.Errorf("got %s, %v; want no destination", plan.Spec, err)
				}
				return
			}
			if err != nil || string(plan.Spec) != tc.want || !strings.HasPrefix(plan.SerialKey, "github:") {
				t.Errorf("got %s (%s), %v; want %s", plan.Spec, plan.SerialKey, err, tc.want)
			}
		})
	}
}

func TestPlansFromTemplates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		repo, number string
		ok           bool
	}{
		"listed":       {"octo/site", " 7 ", true},
		"other case":   {"Octo/Site", "7", true},
		"not listed":   {"victim/private", "7", false},
		"no number":    {"octo/site", "x", false},
		"zero":         {"octo/site", "0", false},
		"nothing":      {"", "", false},
		"with newline": {"octo/site\nx", "7", false},
	} {
		target := bareTarget(t, deliver.GitHubCommentOptions{
			Repo:   func(event.Event) (string, error) { return tc.repo, nil },
			Number: func(event.Event) (string, error) { return tc.number, nil },
			Repos:  []string{"octo/site"},
		})
		if plan, err := target.Plan(event.Event{}); (err == nil) != tc.ok {
			t.Errorf("%s: got %s, %v; want ok %v", name, plan.Spec, err, tc.ok)
		}
	}
}

func TestARepositoryOffTheListIsNotWritten(t *testing.T) {
	t.Parallel()
	target := bareTarget(t, deliver.GitHubCommentOptions{Repos: []string{"octo/other"}})
	_, err := target.Deliver(t.Context(), deliver.Parcel{
		Delivery: event.Delivery{Spec: []byte(`{"owner":"octo","repo":"site","number":7}`)}, Job: event.Job{Result: &event.Result{}},
	})
	if e, ok := errors.AsType[*deliver.Error](err); !ok || e.Code != "no_destination" {
		t.Errorf("got %v, want no_destination", err)
	}
}

// bareTarget is a comment target that calls nobody.
func bareTarget(t *testing.T, o deliver.GitHubCommentOptions) *deliver.GitHubComment {
	t.Helper()
	client, err := github.New(github.Options{Egress: newEgress(t), Token: "tok"})
	if err != nil {
		t.Fatal(err)
	}
	o.GitHub, o.Hook, o.Key = client, hookName, []byte("0123456789abcdef")
	target, err := deliver.NewGitHubComment(o)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
