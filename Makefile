# netcore. "make help" lists the targets. Go, git and make are all that build and
# run need; test and verify say what else they want, and install it if they may.

.DEFAULT_GOAL := help
.PHONY: help build run test unit e2e needs modules verify fmt vet staticcheck generated imports fuzz generate tools bench clean

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Arguments of run, and of the comparison.
ARGS     ?=
# How long each fuzz test runs.
FUZZTIME ?= 10s

# The version is ours, not what the go command finds out about the checkout.
GOBUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-X main.version=$(VERSION)"

# Every plugin in the tree: a new one needs no line here.
PLUGINS := $(sort $(wildcard plugins/*/cmd/netcore-* examples/*/cmd/netcore-*))

# The race detector needs a C compiler.
RACE = $(shell command -v gcc >/dev/null 2>&1 && echo -race)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/netcore and bin/plugins/netcore-*
	@mkdir -p bin/plugins
	$(GOBUILD) -o bin/ ./cmd/netcore
	$(GOBUILD) -o bin/plugins/ $(addprefix ./,$(PLUGINS))

run: build ## build, then serve in the foreground (ARGS="-c netcore.yaml")
	@exec bin/netcore run $(ARGS)

test: build unit e2e modules ## all tests: unit tests with the race detector, the whole server, the other modules

unit: needs
	@command -v gcc >/dev/null 2>&1 || echo "without gcc the tests run without the race detector" >&2
	$(GO) test $(RACE) -count=1 -timeout 15m $$($(GO) list ./... | grep -v /test/)

# One package at a time: these count and measure, and want the machine.
e2e: needs
	$(GO) test -count=1 -p 1 -timeout 30m ./test/...

needs:
	@tools/need want "gcc=gcc libc6-dev" nc=netcat-openbsd

modules:
	cd bench && $(GO) vet ./... && $(GO) test -count=1 ./...
	cd tools && $(GO) vet ./... && $(GO) test -count=1 ./...

verify: fmt vet staticcheck generated imports unit fuzz ## everything a change must pass besides e2e: format, linters, generated code, imports, race, fuzz

fmt:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

vet:
	$(GO) vet ./...
	cd bench && $(GO) vet ./...
	cd tools && $(GO) vet ./...

staticcheck: tools
	bin/tools/staticcheck ./...
	cd bench && ../bin/tools/staticcheck ./...

generated: tools
	@tools/need must protoc=protobuf-compiler
	tools/generate check

imports:
	$(GO) test -count=1 ./internal/house

generate: tools ## write the generated code anew
	@tools/need must protoc=protobuf-compiler
	tools/generate

fuzz: ## run each fuzz test for FUZZTIME (10s)
	tools/fuzz $(FUZZTIME)

tools:
	@mkdir -p bin/tools
	cd tools && $(GO) build -o ../bin/tools/ tool

bench: build ## compare with other servers, and write docs/benchmarks.md (ARGS="-quick -out FILE" to try it)
	cd bench && $(GO) run ./cmd/compare -out ../docs/benchmarks.md $(ARGS)

clean: ## remove what was built
	rm -rf bin
