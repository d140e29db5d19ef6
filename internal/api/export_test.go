package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Operations lists what the description describes, sorted, in the form of
// net/http.ServeMux patterns: "GET /v1/jobs/{id}".
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
