package github

import "testing"

// TestNextCursor: of a Link header only a plain cursor is taken.
func TestNextCursor(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		"": "",
		`<https://api.github.com/x?per_page=1&cursor=v1_17>; rel="next"`:                                   "v1_17",
		`<https://evil.example/x?cursor=v1_17>; rel="next"`:                                                "v1_17",
		`<https://api.github.com/x?cursor=p>; rel="prev", <https://api.github.com/x?cursor=n>; rel="next"`: "n",
		`<https://api.github.com/x?cursor=p>; rel="prev"`:                                                  "",
		`<https://api.github.com/x?cursor=a%26per_page%3D1>; rel="next"`:                                   "",
		`<https://api.github.com/x?cursor=a%0d%0ab>; rel="next"`:                                           "",
		`<:>; rel="next"`: "",
	} {
		if got := nextCursor(link); got != want {
			t.Errorf("%s: got %q, want %q", link, got, want)
		}
	}
}

func TestParseWebhook(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]WebhookRef{
		"app":            {App: true},
		"octo":           {Owner: "octo"},
		"octo/repo":      {Owner: "octo", Repo: "repo"},
		"octo/repo#17":   {Owner: "octo", Repo: "repo", ID: 17},
		"octo#17":        {Owner: "octo", ID: 17},
		"":               {},
		"octo/repo#":     {},
		"octo/repo#-1":   {},
		"octo/../secret": {},
		"octo/..":        {},
		"a b":            {},
	} {
		got, err := ParseWebhook(text)
		if got != want || (err != nil) != (want == WebhookRef{}) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
		if err == nil && got.String() != text {
			t.Errorf("%q comes back as %q", text, got)
		}
	}
}
