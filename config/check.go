package config

// check looks for what is well written and cannot be meant or cannot work. It
// runs even after mistakes in decoding, so that all of them come at once, and
// keeps silent about settings that were refused already.
func (c *Config) check(r *report) {
	c.checkListeners(r)
	c.checkStore(r)
	c.checkLimits(r)
	c.checkEgress(r)
	c.checkClaude(r)
	c.checkGitHub(r)
	if len(c.Hooks) == 0 && r.sound("hooks") {
		r.wrong("hooks", "there are no hooks: nothing can arrive", "add a hook, or write a configuration with: forebay init")
	}
	for _, name := range sortedKeys(c.Hooks) {
		h := c.Hooks[name]
		(&hookCheck{report: r, config: c, name: name, path: "hooks." + name, hook: &h}).run()
	}
}
