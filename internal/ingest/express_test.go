//go:build unix

package ingest_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkExpress measures an in-memory Express receiver with the same load as
// BenchmarkIngest, to compare them within one run. It needs Node.js and npm.
func BenchmarkExpress(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "express"))); err != nil {
		b.Fatal(err)
	}
	install := exec.CommandContext(b.Context(), "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir)
	if out, err := install.CombinedOutput(); err != nil {
		b.Skipf("npm cannot install express: %v %.200s", err, out)
	}
	server := exec.CommandContext(b.Context(), "node", filepath.Join(dir, "server.mjs"), secret)
	server.Env = append(os.Environ(), "NODE_ENV=production")
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Skipf("node cannot run: %v", err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	load(b, "http://127.0.0.1:"+strings.TrimSpace(port)+"/hooks/pr", realisticBody(b))
}
