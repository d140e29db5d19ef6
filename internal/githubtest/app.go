package githubtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// asApp answers for the App's own JWT. The handler holds mu.
func (s *Server) asApp(h func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.App == nil || !s.App.signed(bearer(r)) {
			problem(w, http.StatusUnauthorized, "A JSON web token could not be decoded")
			return
		}
		h(w, r)
	}
}

// signed verifies a JWT as GitHub does: RS256, issued by the App, not longer
// than ten minutes.
func (a *App) signed(jwt string) bool {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
		Issuer   string `json:"iss"`
	}
	if json.Unmarshal(raw, &claims) != nil || claims.Issuer != strconv.FormatInt(a.ID, 10) {
		return false
	}
	now := time.Now().Unix()
	if claims.IssuedAt > now || claims.Expires <= now || claims.Expires-claims.IssuedAt > 600 {
		return false
	}
	if a.Key == nil {
		return true
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return err == nil && rsa.VerifyPKCS1v15(a.Key, crypto.SHA256, sum[:], sig) == nil
}

func (s *Server) app(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"id": s.App.ID, "slug": s.App.Slug})
}

// installationID is the one installation that the App has.
const installationID = 77

func (s *Server) installation(w http.ResponseWriter, r *http.Request) {
	if !s.App.installed(r.PathValue("owner") + "/" + r.PathValue("name")) {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	reply(w, http.StatusOK, map[string]any{"id": installationID, "app_id": s.App.ID})
}

func (a *App) installed(repo string) bool {
	for _, r := range a.Repos {
		if strings.EqualFold(r, repo) {
			return true
		}
	}
	return false
}

// accessToken mints a token for the one repository that it is asked for.
func (s *Server) accessToken(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Repositories []string          `json:"repositories"`
		Permissions  map[string]string `json:"permissions"`
	}
	err := json.NewDecoder(r.Body).Decode(&ask)
	if err == nil && len(ask.Repositories) == 0 && len(ask.Permissions) == 1 && ask.Permissions["organization_hooks"] != "" {
		s.mint(w, "")
		return
	}
	if err != nil || len(ask.Repositories) != 1 {
		problem(w, http.StatusUnprocessableEntity, "exactly one repository is expected here")
		return
	}
	for _, repo := range s.App.Repos {
		if _, name, _ := strings.Cut(repo, "/"); strings.EqualFold(name, ask.Repositories[0]) {
			s.mint(w, repo)
			return
		}
	}
	problem(w, http.StatusUnprocessableEntity, "There is at least one repository that does not exist or is not accessible")
}

// mint answers with a token for a repository, or for none but the webhooks of
// the organisation. The caller holds mu.
func (s *Server) mint(w http.ResponseWriter, repo string) {
	token, expires := "ghs_"+rand.Text(), time.Now().Add(time.Hour)
	if s.minted == nil {
		s.minted = map[string]installation{}
	}
	s.minted[token] = installation{repo: repo, expires: expires}
	reply(w, http.StatusCreated, map[string]any{"token": token, "expires_at": expires.UTC()})
}

// orgInstallation answers for the organisations of the repositories where the
// App is installed.
func (s *Server) orgInstallation(w http.ResponseWriter, r *http.Request) {
	for _, repo := range s.App.Repos {
		if org, _, _ := strings.Cut(repo, "/"); strings.EqualFold(org, r.PathValue("org")) {
			reply(w, http.StatusOK, map[string]any{"id": installationID, "app_id": s.App.ID})
			return
		}
	}
	problem(w, http.StatusNotFound, "Not Found")
}
