package claude

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// PrefixKey tells the prompt-cache entry of a request from all others: requests
// with equal keys share one. It is made of all that the API keys its entries by
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching): the
// model, the system prompt, thinking, effort and the output schema. It is empty
// for a request without a breakpoint.
func PrefixKey(r Request) (string, error) {
	if r.System == "" || r.Cache != "5m" && r.Cache != "1h" {
		return "", nil
	}
	params, err := messageParams(r)
	if err != nil {
		return "", err
	}
	params.MaxTokens, params.Messages = 0, nil // of these an entry does not depend
	raw, err := json.Marshal(params)
	if err != nil {
		return "", fmt.Errorf("prefix: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12]), nil
}
