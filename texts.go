package forebay

import (
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/prompt"
)

// system compiles the system prompt. The paragraph that says what the marks of
// foreign text mean is always part of it.
func (b *hookBuilder) system() (string, error) {
	text, err := prompt.Static("system", b.hook.System)
	if err != nil {
		return "", err
	}
	if text == "" {
		return prompt.Guard, nil
	}
	return text + "\n\n" + prompt.Guard, nil
}

// render compiles the prompt.
func (b *hookBuilder) render() (func(event.Event, map[string]any) (string, error), error) {
	t, err := prompt.Compile("prompt", b.hook.Prompt, sortedKeys(b.hook.Gather)...)
	if err != nil {
		return nil, err
	}
	return func(e event.Event, parts map[string]any) (string, error) {
		text, err := t.Render(prompt.Data{Event: e, Parts: parts})
		return text.Text, err
	}, nil
}
