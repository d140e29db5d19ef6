package verify

import (
	"cmp"
	"maps"
)

// A Guide is what a person does in a sender's console. How its steps are known
// says Known.Console; where nothing of them is, they say what holds for all.
type Guide struct {
	Steps  string // where to click and what to paste; the URL is https://YOUR-HOST/hooks/NAME
	Secret string // where the secret or key comes from
	Limits string // what the sender limits: size, number, lifetime
}

// Guide returns what to do in the sender's console.
func (s Sender) Guide() Guide {
	g := guides()[s.Name]
	g.Steps = cmp.Or(g.Steps, "In the webhook settings of its console or API: add an endpoint with the URL, and choose the events")
	g.Secret = cmp.Or(g.Secret, s.usualSecret())
	return g
}

// usualSecret is where a secret comes from if nothing else is known.
func (s Sender) usualSecret() string {
	switch {
	case s.FetchesKeys():
		return "there is none"
	case s.PrivateKey() != "":
		return "there is none; its console or documentation shows the public key"
	case s.Proof.Scheme == "basic" || s.Proof.Scheme == "token":
		return youChoose
	}
	return "the signing secret that it shows or takes there"
}

const (
	youChoose = "you choose it"
	shownOnce = "shown once, when the endpoint is made"
)

func guides() map[string]Guide {
	g := map[string]Guide{}
	for _, part := range []map[string]Guide{guidesOfCode(), guidesOfWork(), guidesOfMoney(), guidesOfMessaging(), guidesOfPlatforms(), guidesOfClouds()} {
		maps.Copy(g, part)
	}
	return g
}
