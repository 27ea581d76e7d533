# Every target says what it does; `make` alone lists them. The work itself is in tools/, bench/ and tests/.

.DEFAULT_GOAL := help
.PHONY: help setup run test check fmt lint audit mutants pictures bench bench-rows soak soak-seeds fuzz clean

# Where the demo keeps its data and listens; `make run DATA=/tmp/x HTTP=127.0.0.1:9000 SMTP=127.0.0.1:9025`.
DATA ?= ./data
HTTP ?= 127.0.0.1:8080
SMTP ?= 127.0.0.1:2525
# How much the benchmarks do: quick (minutes) or full (what bench/RESULTS.md holds).
SIZE ?= full
ROUNDS ?= 3
# How long a soak and each fuzz target go on.
CYCLES ?= 100
SEEDS ?= 3000
SECONDS_PER_TARGET ?= 60
# Which mutants: a shard (SHARD=0/8), some files (FILES="crates/domain/src/rate.rs"), or both.
SHARD ?=
FILES ?=

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: ## Install what building, testing and measuring need (Debian packages as root or with sudo)
	@tools/setup all

run: ## Build the web interface and the server, and start the demo at http://127.0.0.1:8080
	@tools/run --data $(DATA) --http $(HTTP) --smtp $(SMTP)

test: ## Install what the tests need and run all of them, from fast to slow
	@tools/test

check: ## The quick half of the tests: format, lints, documentation, unit and integration tests
	@tools/test --until unit

fmt: ## Format the Rust code
	@echo "Formatting the Rust code"
	@cargo fmt --all

lint: ## Clippy with warnings as errors, and the direction of the crates' dependencies
	@tools/test --only fmt,clippy,architecture

pictures: ## Draw the pictures of the README and docs/ anew (docs/pictures)
	@tools/pictures

audit: ## Licences, sources and bans of dependencies (cargo-deny) and unused ones (cargo-machete)
	@tools/audit --install

mutants: ## Change the rules about mail in small places and name the changes no test notices (hours; SHARD=0/8 FILES="...")
	@tools/mutants $(if $(SHARD),--shard $(SHARD)) $(FILES)

bench: ## Measure Postroom and Postfix side by side and write bench/RESULTS.md (SIZE=quick|full ROUNDS=n)
	@tools/setup bench
	@tools/build --release
	@cargo build --release -p postroom-smtp --example submit_rate
	@bench/run compare --size $(SIZE) --rounds $(ROUNDS)

bench-rows: ## Fill 1,000,000 messages and measure lists, jumps, counts, search, start and memory
	@tools/setup bench
	@tools/build --release
	@bench/run rows --size $(SIZE)

soak-seeds: ## Days of the engine and the store in seconds, with faults drawn from each of SEEDS seeds (3000)
	@cargo run --profile soak --package postroom-simulator -- soak $(SEEDS)

soak: soak-seeds ## The long campaigns: SEEDS seeds, CYCLES kill -9 cycles under load (100), 200 large messages at once, thousands of strangers, a million rows, also in the browser
	@tools/setup all
	@tools/build --release
	@POSTROOM_BIN=$${CARGO_TARGET_DIR:-target}/release/postroom python3 -m tests.kill --cycles $(CYCLES)
	@POSTROOM_BIN=$${CARGO_TARGET_DIR:-target}/release/postroom python3 -m tests.faults.large
	@POSTROOM_BIN=$${CARGO_TARGET_DIR:-target}/release/postroom python3 -m unittest -v tests.faults.strangers
	@bench/run rows --size full
	@SCALE_ROWS=1000000 POSTROOM_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/release/postroom \
		npm run --silent --prefix ui test:scale

fuzz: ## Run each fuzz target for SECONDS_PER_TARGET seconds (needs cargo-fuzz)
	@tools/fuzz $(SECONDS_PER_TARGET)

clean: ## Remove what was built (not ./data)
	@echo "Removing target/, ui/dist and ui/node_modules"
	@rm -rf target ui/dist ui/node_modules
