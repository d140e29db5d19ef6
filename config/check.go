package config

// check looks for what is well written and cannot be meant or cannot work.
func (c *Config) check(r *report) {
}
