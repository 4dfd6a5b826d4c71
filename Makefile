# make          lists what there is to make
# make run      starts HeadyKey for a look around
# make test     installs what is missing and runs every test

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help run build test test-fast lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: ## start the server in development mode
	@go run ./cmd/headykey

build: ## one static binary: bin/headykey
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/headykey ./cmd/headykey

test: ## everything: both databases, browser, real clients, faults
	@test/setup/install.sh
	@go build -o bin/test-run ./test/run
	@exec bin/test-run

test-fast: ## SQLite alone, nothing is installed
	go test -short ./...

lint: ## gofmt, go vet, staticcheck
	@unformatted="$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 -r ls -d 2>/dev/null | xargs -r gofmt -l)"; \
	  if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	@packages="$$(go list ./... | grep -v /node_modules/)"; go vet $$packages && go run $(STATICCHECK) $$packages
	@echo "lint: nothing to say"

bench: ## measure; medians, no verdict
	@go run ./test/bench

clean: ## remove what was built here
	rm -rf bin
	find test -name node_modules -prune -exec rm -rf {} +
