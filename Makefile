# Forebay. Run make help for what there is.

GO         ?= go
LINT        = $(GO) tool -modfile=tools/go.mod golangci-lint
VULNCHECK   = $(GO) tool -modfile=tools/go.mod govulncheck
export CGO_ENABLED ?= 0

.PHONY: help build test race lint vet fix-check tidy-check vuln bench bench-drain torture fuzz demo clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build ./forebay as it is released: static, without debug tables, which cost 4 MiB of memory
	$(GO) build -trimpath -ldflags='-s -w' -o forebay ./cmd/forebay

test: ## Run all tests; needs Go, and npm for those against official SDKs
	$(GO) vet ./...
	sdks=$$(verify/testdata/sdk/install.sh) && FOREBAY_SDKS="$$sdks" $(GO) test ./...

race: ## Run all tests under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -shuffle=on ./...

lint: ## Run the linters that .golangci.yml lists
	$(LINT) run ./...

fix-check: ## Fail where go fix would modernise something
	$(GO) fix -diff ./...

tidy-check: ## Fail where go.mod is not tidy
	$(GO) mod tidy -diff
	$(GO) mod verify

vuln: ## Look for known vulnerabilities; needs vuln.go.dev
	$(VULNCHECK) ./...

bench: ## Measure ingest, claims and verification; prints ratios within the run
	$(GO) test -run '^$$' -bench IngestShare -benchtime 20x ./internal/ingest
	$(GO) test -run '^$$' -bench . -benchtime 2s ./internal/sqlite ./verify ./internal/payload ./internal/rule .

bench-drain: ## Drain floods against the simulated API in fake time; with REALTIME=1 one in real time (minutes)
	FOREBAY_DRAIN=$(if $(REALTIME),realtime,fake) $(GO) test -count=1 -v -timeout 30m -run '$(if $(REALTIME),TestDrainRealTime,TestDrain)' .

torture: fuzz ## Kill the server 50 times under load and audit what is left, after fuzzing (20 minutes)
	FOREBAY_TORTURE=50 $(GO) test -count=1 -timeout 30m -run 'TestTorture' ./cmd/forebay

fuzz: ## Fuzz every signature scheme and the receiver, 10 minutes in all
	tools/fuzz.sh $(or $(FUZZ_SECONDS),600)

demo: ## Run the whole journey on this machine, without a key
	$(GO) run ./cmd/forebay demo

clean: ## Remove what was built
	rm -f forebay
