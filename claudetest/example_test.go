package claudetest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/forebayhq/forebay/claudetest"
)

// A server whose first answer is 529, and what its journal says afterwards.
func Example() {
	simulator, err := claudetest.New(claudetest.Options{
		Script: []claudetest.Step{{Fail: &claudetest.Failure{Kind: claudetest.Overloaded}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	front := httptest.NewServer(simulator)
	defer front.Close()
	for range 2 {
		r, _ := http.NewRequest(http.MethodPost, front.URL+"/v1/messages", strings.NewReader(
			`{"model":"claude-haiku-5-5","max_tokens":500,"messages":[{"role":"user","content":"Hello"}]}`))
		r.Header.Set("X-Api-Key", "any")
		r.Header.Set("Anthropic-Version", "2023-06-01")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		response.Body.Close()
	}
	for _, call := range simulator.MessageCalls() {
		fmt.Println(call.N, call.Model, call.Status, call.Outcome, call.InputTokens)
	}
	// Output:
	// 1 claude-haiku-5-5 529 overloaded 0
	// 2 claude-haiku-5-5 200 ok 13
}
