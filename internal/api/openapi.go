package api

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI answers GET /openapi.json: the description of every URL that clients
// use, in OpenAPI 3.1.
func (a *API) OpenAPI(w http.ResponseWriter, _ *http.Request) { writeBody(w, http.StatusOK, openAPI) }
