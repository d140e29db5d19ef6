package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Bounds of what is read. A configuration is written by people: whatever is
// larger is not one.
const (
	maxConfig   = 1 << 20 // bytes of the configuration file
	maxIncluded = 1 << 18 // bytes of a file that it names
	maxProblems = 100     // mistakes that one run reports
)

// A Getenv looks an environment variable up, as os.LookupEnv does.
type Getenv = func(name string) (value string, set bool)

// Load reads and checks the configuration file at path. Mistakes in it come
// back as *Errors, all of them at once.
func Load(path string, getenv Getenv) (*Config, error) {
	data, err := readFile(path, maxConfig)
	if err != nil {
		return nil, &Errors{Problems: []Problem{{
			File: path, Message: err.Error(), Remedy: "name an existing file with --config, or write one with: forebay init",
		}}}
	}
	return Parse(path, data, filepath.Dir(path), getenv)
}

// Parse is Load for a file that has been read: name is what messages call it,
// dir is where relative paths in it start. It reads the files that data names
// and nothing else.
func Parse(name string, data []byte, dir string, getenv Getenv) (*Config, error) {
	return parseAt(time.Now(), data, &decoder{file: name, dir: dir, getenv: getenv})
}

// parseAt is Parse at a given time, which decides what a model's retirement is
// worth a word.
func parseAt(now time.Time, data []byte, d *decoder) (*Config, error) {
	c := &Config{File: d.file, Dir: d.dir}
	d.sites = map[string]site{}
	if root := d.document(data); root != nil {
		d.config(root, c)
	}
	return c.finish(&report{
		file: d.file, dir: d.dir, now: now, sites: d.sites, locate: d.locate, fromFile: true, unreadable: d.unreadable, problems: d.problems,
	})
}

// Complete fills in the defaults of a configuration that was written in Go
// instead of YAML and checks it as Load does: zero fields get their defaults.
// Mistakes come back as *Errors whose problems have a Path and no line.
func (c *Config) Complete() error {
	_, err := c.finish(&report{file: c.File, dir: c.Dir, now: time.Now()})
	return err
}

// finish fills in the defaults, checks the whole and sorts what was found.
func (c *Config) finish(r *report) (*Config, error) {
	if !r.unreadable {
		c.applyDefaults(r)
		c.check(r)
	}
	sortProblems(r.problems)
	sortProblems(r.warnings)
	c.Warnings = r.warnings
	if len(r.problems) == 0 {
		return c, nil
	}
	if more := len(r.problems) - maxProblems; more > 0 {
		r.problems = append(r.problems[:maxProblems:maxProblems], Problem{
			File: r.file, Message: fmt.Sprintf("%d more mistakes are not shown", more), Remedy: "correct the ones above first",
		})
	}
	return nil, &Errors{Problems: r.problems, Warnings: r.warnings}
}

// readFile reads a regular file of at most limit bytes. Devices and pipes are
// refused: they could block for ever.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("the file may not be read by this user")
	case err != nil:
		return nil, errors.New("the file cannot be read")
	case !info.Mode().IsRegular():
		return nil, errors.New("this is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.New("the file may not be read by this user")
	}
	defer f.Close() // only read: nothing to lose
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, errors.New("the file cannot be read")
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("the file is larger than %d KiB", limit>>10)
	}
	return data, nil
}
