package github

import "testing"

func TestWrote(t *testing.T) {
	t.Parallel()
	app, user := Identity{AppID: 5, Login: "forebay"}, Identity{UserID: 7, Login: "someone"}
	for name, tc := range map[string]struct {
		who     Identity
		comment Comment
		want    bool
	}{
		"our App":               {app, Comment{App: &AppRef{ID: 5}, User: User{Login: "forebay[bot]"}}, true},
		"our App, left out":     {app, Comment{User: User{Login: "forebay[bot]"}}, true},
		"another App":           {app, Comment{App: &AppRef{ID: 6}, User: User{Login: "forebay[bot]"}}, false},
		"a person of its name":  {app, Comment{User: User{Login: "forebay"}}, false},
		"an App without a name": {Identity{AppID: 5}, Comment{User: User{Login: "[bot]"}}, false},
		"our user":              {user, Comment{User: User{ID: 7}}, true},
		"a user renamed so":     {user, Comment{User: User{ID: 8, Login: "someone"}}, false},
		"nobody known":          {Identity{}, Comment{}, false},
	} {
		if got := tc.who.Wrote(tc.comment); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}
