package config

import "fmt"

// maxHooks bounds the hooks of one server.
const maxHooks = 1000

// check looks for what is well written and cannot be meant or cannot work. It
// runs even after mistakes in decoding, so that all of them come at once, and
// keeps silent about settings that were refused already.
func (c *Config) check(r *report) {
	c.checkListeners(r)
	c.checkStore(r)
	c.checkLimits(r)
	c.checkEgress(r)
	if r.out != nil {
		defer r.out.Close()
	}
	c.checkClaude(r)
	c.checkGitHub(r)
	if len(c.Hooks) == 0 && r.sound("hooks") {
		r.wrong("hooks", "there are no hooks: nothing can arrive", "add a hook, or write a configuration with: forebay init")
	}
	if len(c.Hooks) > maxHooks {
		r.wrong("hooks", fmt.Sprintf("there are %d hooks, the most is %d", len(c.Hooks), maxHooks), "use one hook with a match rule for what is alike")
		return
	}
	for _, name := range sortedKeys(c.Hooks) {
		h := c.Hooks[name]
		(&hookCheck{report: r, config: c, name: name, path: "hooks." + name, hook: &h}).run()
	}
}
