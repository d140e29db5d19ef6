package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI answers GET /openapi.json: the description of every URL that clients
// use, in OpenAPI 3.1.
func (a *API) OpenAPI(w http.ResponseWriter, _ *http.Request) { writeBody(w, http.StatusOK, openAPI) }

// Operations lists what the description describes, sorted, in the form of
// net/http.ServeMux patterns: "GET /v1/jobs/{id}". Whoever routes the URLs can
// test against it.
func Operations() ([]string, error) {
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	var operations []string
	for path, methods := range doc.Paths {
		for method := range methods {
			operations = append(operations, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(operations)
	return operations, nil
}
