package verify

import "strings"

// gitlab proves GitLab's webhooks, which carry a secret token as it is or, with
// a signing token (whsec_...), a Standard Webhooks signature. The form of the
// configured secret decides which is asked for, never the request.
// https://docs.gitlab.com/user/project/integrations/webhooks/#validate-payloads-by-using-a-secret-token
type gitlab struct {
	signing *mac
	token   *token
	signNo  []int // positions of the signing tokens in the configuration
	tokenNo []int
}

const gitlabToken = "X-Gitlab-Token"

func newGitLab(s Sender, cfg Config) (*gitlab, *ConfigError) {
	g := &gitlab{}
	var signs, tokens []string
	for i, secret := range cfg.Secrets {
		if strings.HasPrefix(secret, "whsec_") {
			signs, g.signNo = append(signs, secret), append(g.signNo, i)
			continue
		}
		tokens, g.tokenNo = append(tokens, secret), append(g.tokenNo, i)
	}
	if len(tokens) > 0 {
		g.token = &token{header: canonical(gitlabToken), secrets: sumsOf(tokens), plain: tokens[0]}
	}
	if len(signs) == 0 {
		return g, nil
	}
	s.Proof, cfg.Secrets = standard(), signs
	var err *ConfigError
	g.signing, err = newMAC(s, cfg)
	return g, err
}

func (g *gitlab) prove(r *Request) (proven, *Error) {
	var err *Error
	if g.signing != nil {
		p, signErr := g.signing.prove(r)
		if signErr == nil {
			p.secretNo = g.signNo[p.secretNo]
			return p, nil
		}
		err = signErr
	}
	if g.token == nil {
		return proven{}, err
	}
	p, tokenErr := g.token.prove(r)
	if tokenErr == nil {
		p.secretNo = g.tokenNo[p.secretNo]
		return p, nil
	}
	if err == nil {
		err = tokenErr
	}
	return proven{}, err
}

func (g *gitlab) sign(r *Request, in *SignInput) error {
	if g.signing != nil {
		return g.signing.sign(r, in)
	}
	return g.token.sign(r, in)
}

// gitlabAbout returns what a GitLab event is about in GitLab's own notation:
// group/project!N for a merge request, group/project#N for an issue, else the
// project. Merge requests and issues are numbered apart.
func gitlabAbout(doc []byte) string {
	project := jsonText(doc, "project.path_with_namespace")
	if project == "" {
		return ""
	}
	mine := map[string]string{"merge_request": "!", "issue": "#", "work_item": "#"}[jsonText(doc, "object_kind")]
	for _, at := range [...]struct{ path, mark string }{{"object_attributes.iid", mine}, {"merge_request.iid", "!"}, {"issue.iid", "#"}} {
		if n := jsonText(doc, at.path); n != "" && at.mark != "" {
			return project + at.mark + n
		}
	}
	return project
}
