// Package offers keeps the secrets that senders bring in a handshake (Asana,
// Notion) until an operator takes them into the configuration: each in a file of
// its own, beside the store, that only the server's user can read.
//
// Nothing proves where an offer came from: whoever knows the URL of a hook can
// make one. It must never use an offered secret to verify anything, put one into
// a log, or keep more than a few for a hook.
package offers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	maxPerHook = 8
	maxSecret  = 1024
)

// Errors of Keep that callers branch on: the offer is to blame.
var (
	// ErrUnfit: the text is no secret.
	ErrUnfit = errors.New("what is offered is no secret: it is empty, too long, or not one word of printable text")
	// ErrFull: the hook has all the offers that are kept for it.
	ErrFull = errors.New("no more offers are kept for this hook: remove the files of those that are not wanted")
)

// A Shelf keeps offers in one directory. It is safe for concurrent use.
type Shelf struct {
	dir string
	mu  sync.Mutex // one Keep at a time
}

// New makes a Shelf over a directory, which is made when the first offer comes.
func New(dir string) *Shelf { return &Shelf{dir: dir} }

// Keep stores a secret for a hook and returns the file, which holds nothing else,
// so that ${file:PATH} in the configuration reads it. A secret that is there
// already keeps its file. The hook's name must be one that package config takes.
func (s *Shelf) Keep(hook, secret string) (path string, err error) {
	if !fit(secret) {
		return "", ErrUnfit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", fmt.Errorf("offers: %w", err)
	}
	free := ""
	for n := range maxPerHook {
		path := filepath.Join(s.dir, fmt.Sprintf("%s-%d", hook, n+1))
		old, err := os.ReadFile(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			if free == "" {
				free = path
			}
		case err != nil:
			return "", fmt.Errorf("offers: %w", err)
		case string(old) == secret:
			return path, nil
		}
	}
	if free == "" {
		return "", fmt.Errorf("offers: %s: %w", s.dir, ErrFull)
	}
	return free, write(free, secret)
}

// write makes the file whole or not at all.
func write(path, secret string) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("offers: %w", err)
	}
	_, err = f.WriteString(secret)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("offers: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("offers: %w", err)
	}
	return nil
}

func fit(secret string) bool {
	return secret != "" && len(secret) <= maxSecret && !strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' })
}
