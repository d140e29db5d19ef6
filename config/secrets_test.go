package config

import (
	"reflect"
	"slices"
	"testing"
)

// Every field of type Secret is found, wherever it stands.
func TestSecretsFindsAll(t *testing.T) {
	t.Parallel()
	c := Config{
		Admin:  Admin{Keys: []Secret{NewSecret("admin")}},
		Claude: Claude{APIKey: NewSecret("claude"), AdminKey: NewSecret("")},
		GitHub: GitHub{Token: NewSecret("github"), App: &GitHubApp{PrivateKey: NewSecret("pem")}},
		Hooks: map[string]Hook{"h": {
			Source:  Source{Secrets: []Secret{NewSecret("one"), NewSecret("two")}, VerifyToken: NewSecret("verify"), ClientSecret: NewSecret("client")},
			Gather:  map[string]Gather{"x": {HTTP: &HTTPGet{Headers: map[string]Secret{"Authorization": NewSecret("Bearer x"), "Accept": NewSecret("text/plain"), "X-Api-Version": NewSecret("v2")}}}},
			Deliver: []Target{{Callback: &Callback{Secret: NewSecret("callback")}}},
		}},
	}
	got, want := c.Secrets(), []string{"admin", "Bearer x", "callback", "claude", "client", "github", "one", "pem", "two", "verify"}
	slices.Sort(got)
	slices.Sort(want)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
