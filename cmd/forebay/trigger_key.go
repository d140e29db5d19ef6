package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"

	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/verify"
)

// signWith gives the destination the private key of a file, for senders that
// sign with one. made says that there was no such file: it is there now, and
// the person has to put its public half into the hook first.
func (a *app) signWith(to *destination, file string) (made bool, err error) {
	s, _ := verify.Lookup(to.source.Type)
	kind := s.PrivateKey()
	switch {
	case kind == "" && file == "":
		return false, nil
	case kind == "":
		return false, usage(s.Title+" signs with a shared secret", "give --secret instead of --key")
	case file == "":
		return false, usage(s.Title+" signs with a private key that only it has", "give --key test.pem to sign with a key of yours; it is made if it is not there")
	}
	key, err := readKey(file)
	if errors.Is(err, fs.ErrNotExist) {
		return true, a.makeKey(file, kind)
	}
	if err != nil {
		return false, failBecause(err, file+" is no private key in PEM (PKCS #8)", "name a file that is not there yet: it is made")
	}
	hook, err := fixture.Hook{Config: to.source}.WithKey(key)
	to.source, to.key = hook.Config, key
	return false, err
}

const pemKey = "PRIVATE KEY" // RFC 5958

func readKey(file string) (crypto.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemKey {
		return nil, errors.New("there is no block " + pemKey)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	return signer, nil
}

func (a *app) makeKey(file, kind string) error {
	key, err := fixture.NewKey(kind)
	if err != nil {
		return failBecause(err, "no key can be made", "try again")
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return failBecause(err, "no key can be made", "try again")
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), 0o600); err != nil {
		return failBecause(err, file+" cannot be written", "name another file with --key")
	}
	public, err := fixture.PublicText(key)
	if err != nil {
		return failBecause(err, "the key has no public half", "try again")
	}
	a.printf("%s is made. While you test, add its public half to the public_keys of the hook, and trigger again:\n\n%s\n", file, public)
	return nil
}
