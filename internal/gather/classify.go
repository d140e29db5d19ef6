package gather

import (
	"path"
	"regexp"
	"strings"

	"github.com/forebayhq/forebay/internal/github"
)

// A reason says why a file is not shown.
type reason string

const (
	lockFile   reason = "lock file"
	vendored   reason = "vendored"
	generated  reason = "generated"
	minified   reason = "minified"
	binary     reason = "binary"
	tooLarge   reason = "too large for GitHub"
	excluded   reason = "excluded"
	overBudget reason = "over budget"
)

// rules decide which files are shown.
type rules struct {
	exclude    []pattern
	attributes attributes
}

// leaveOut returns why a file is not worth the tokens, or "".
func (r rules) leaveOut(f github.File) reason {
	for _, p := range r.exclude {
		if p.match(f.Name) {
			return excluded
		}
	}
	if isLockFile(f.Name) {
		return lockFile
	}
	if set, known := r.attributes.says(f.Name, vendored); set || (!known && vendorPath.MatchString(f.Name)) {
		return vendored
	}
	if set, known := r.attributes.says(f.Name, generated); set || (!known && isGenerated(f)) {
		return generated
	}
	if minifiedName.MatchString(f.Name) || hasLongLine(f.Patch) {
		return minified
	}
	return withoutPatch(f)
}

// withoutPatch says why GitHub shows no patch of a file. A file that was only
// renamed, deleted or emptied has none and needs none.
// https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
func withoutPatch(f github.File) reason {
	switch {
	case f.Patch != "" || f.Status == "removed" || f.Status == "renamed" && f.Changes == 0:
		return ""
	case f.Changes > 0:
		return tooLarge
	}
	return binary
}

func isLockFile(name string) bool {
	switch base := strings.ToLower(path.Base(name)); base {
	case "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock",
		"go.sum", "go.work.sum", "cargo.lock", "composer.lock", "gemfile.lock", "poetry.lock", "pipfile.lock", "uv.lock", "pdm.lock",
		"mix.lock", "pubspec.lock", "podfile.lock", "package.resolved", "flake.lock", "gradle.lockfile", "packages.lock.json",
		"paket.lock", "conan.lock", "cartfile.resolved", "rebar.lock", "module.bazel.lock", ".terraform.lock.hcl", "buf.lock", "chart.lock":
		return true
	}
	return false
}

var (
	vendorPath   = regexp.MustCompile(`(?i)(^|/)(vendor|node_modules|third_party|bower_components|\.yarn/(releases|plugins|cache)|Pods|Carthage/Build)/`)
	minifiedName = regexp.MustCompile(`(?i)([.-]min\.(js|mjs|cjs|css)|\.(js|css|mjs)\.map|\.bundle\.js)$`)
	// What generators name their files; each line is a language or tool.
	generatedName = regexp.MustCompile(`(?i)(` + strings.Join([]string{
		`\.pb\.(go|cc|h|c|swift|dart)|_grpc\.pb\.go|\.pb\.gw\.go|_pb2(_grpc)?\.pyi?|_pb\.(js|d\.ts|rb)|\.pbobjc\.[hm]`,
		`(^|/)zz_generated[^/]*\.go|_generated?\.go|\.gen\.go|(^|/)bindata\.go|_string\.go|_easyjson\.go|wire_gen\.go`,
		`\.g\.dart|\.freezed\.dart|\.designer\.(cs|vb)|\.g\.i?\.cs|\.generated\.[a-z]+|(^|/)generated/.*`,
		`(^|/)__generated__/.*|\.snap|(^|/)__snapshots__/.*`,
		`(^|/)dist/.*\.(js|css)|(^|/)(storybook-static|\.next)/.*`,
	}, "|") + `)$`)
	generatedMark = regexp.MustCompile(`(?m)^[+ ][ \t]*(//|#|/\*|--|;|<!--)[ \t]*(Code generated .* DO NOT EDIT|@generated\b|This file was automatically generated)`)
)

// isGenerated goes by the name, and by the mark that generators leave at the
// top of a file. https://go.dev/s/generatedcode
func isGenerated(f github.File) bool {
	const top = 2000
	return generatedName.MatchString(f.Name) || generatedMark.MatchString(f.Patch[:min(len(f.Patch), top)])
}

func hasLongLine(patch string) bool {
	const most = 5000
	for len(patch) > most {
		i := strings.IndexByte(patch, '\n')
		if i < 0 || i > most {
			return true
		}
		patch = patch[i+1:]
	}
	return false
}

// A rank orders the files: what is worth reading first.
type rank int

const (
	source rank = iota
	tests
	settings
	docs
	ranks // their number
)

var (
	testPath    = regexp.MustCompile(`(?i)(^|/)(tests?|specs?|__tests__|testdata|fixtures|e2e)/|(_test|_spec|\.test|\.spec|(?-i:Tests?))\.[a-z]+$|(^|/)(test_|conftest)[^/]*\.py$`)
	docPath     = regexp.MustCompile(`(?i)(^|/)docs?/|\.(md|mdx|rst|adoc|txt|org|tex)$|(^|/)(LICENSE|NOTICE|AUTHORS|CODEOWNERS|CHANGELOG)[^/]*$`)
	settingPath = regexp.MustCompile(`(?i)\.(json|json5|ya?ml|toml|ini|cfg|conf|env|properties|xml|csv|svg|lock|plist|editorconfig|gitignore|gitattributes|dockerignore)$|(^|/)\.(github|circleci|vscode|idea)/|(^|/)(go\.mod|\.[a-z]+rc)$`)
)

func rankOf(name string) rank {
	switch {
	case testPath.MatchString(name):
		return tests
	case docPath.MatchString(name):
		return docs
	case settingPath.MatchString(name):
		return settings
	}
	return source
}
