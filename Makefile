# Everything a person does with this tree: run, test, check, bench, dev. `make` alone lists them.
# Rust and Node.js 20 must be there; system packages, npm packages and test tools are fetched when they are missing.

# One feature set for every program and every test, so that no crate is compiled twice. `custom-protocol` makes the
# desktop program load the page that is built into it instead of asking Vite's server for it.
CARGO_FLAGS := --workspace --features hausrecht-app/custom-protocol
UI_SOURCES := $(shell find ui \( -name node_modules -o -name dist -o -name generated -o -name project.inlang \) -prune -o -type f -print)
UI_STAMP := ui/node_modules/.installed-lock
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null || echo "$${CARGO_HOME:-$$HOME/.cargo}/bin/cargo-nextest")

.PHONY: help run install uninstall test check bench fuzz crash dev screenshots

help:
	@echo "make run          build Hausrecht and open it; demo cameras are started if no camera answers"
	@echo "make install      build it for use, and put it into PREFIX (default ~/.local) with menu entry and double click; make uninstall"
	@echo "make test         everything: formats, lints, types, unit tests, end-to-end tests in the real window"
	@echo "make check        formats, lints and types alone; seconds when warm"
	@echo "make bench        measure recording, the wall, seeking, the timeline and the log, next to ffmpeg and GStreamer where they do the same"
	@echo "make fuzz         what cameras send and films say, made up by libFuzzer; FUZZ_SECONDS a target (default 600)"
	@echo "make crash        programs killed at any step that changes a file, CRASH_KILLS times (default 10000); make test kills 264"
	@echo "make dev          the window with Vite's server: the page reloads as it is edited"
	@echo "make screenshots  copy the pictures that the last test run took into assets/screenshots"

run: ui/dist/index.html
	@tests/setup/system.sh run
	cargo build $(CARGO_FLAGS)
	target/debug/hausrecht-app --auto-demo

PREFIX ?= $(HOME)/.local
install: ui/dist/index.html
	@tests/setup/system.sh run
	cargo build $(CARGO_FLAGS) --release
	assets/desktop/install.sh target/release "$(PREFIX)"

uninstall:
	assets/desktop/install.sh --remove target/release "$(PREFIX)"

# The recipe runs in this order and stops at the first failure, so that nextest's summary is the last line.
test:
	@tests/setup/system.sh test
	@$(MAKE) --no-print-directory check
	npm --prefix ui test
	@test -x "$(NEXTEST)" || { echo "Installing cargo-nextest, once"; cargo install cargo-nextest --locked; }
	cargo build $(CARGO_FLAGS) --all-targets
	cargo nextest run $(CARGO_FLAGS)

check: ui/dist/index.html
	@tests/setup/system.sh test
	cargo fmt --all --check
	npm --prefix ui run check
	npm --prefix ui run lint --if-present
	cargo clippy $(CARGO_FLAGS) --all-targets --quiet -- --deny warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check; fi

bench: ui/dist/index.html
	@tests/setup/system.sh bench
	cargo build $(CARGO_FLAGS) --release
	target/release/hausrecht-bench

# Needs a nightly toolchain and cargo-fuzz, which it installs once. What is found new goes to a scratch folder, not to the corpus.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS := soap_answer discovery_answer event_message scopes uri footage_file footage_name footage_track clip clip_index ledger vault package
fuzz:
	@command -v cargo-fuzz >/dev/null || { echo "Installing cargo-fuzz, once"; cargo install cargo-fuzz --locked; }
	@for target in $(FUZZ_TARGETS); do \
		scratch=$$(mktemp -d); \
		(cd fuzz && cargo +nightly fuzz run $$target $$scratch corpus/$$target -- -max_total_time=$(FUZZ_SECONDS)) || exit 1; \
		rm -r "$$scratch"; \
	done

CRASH_KILLS ?= 10000
crash: ui/dist/index.html
	@tests/setup/system.sh test
	cargo build $(CARGO_FLAGS) --all-targets
	HAUSRECHT_CRASH_KILLS=$(CRASH_KILLS) $(NEXTEST) nextest run $(CARGO_FLAGS) --profile long --success-output final -E 'test(/^crash::/)'

dev: $(UI_STAMP)
	@tests/setup/system.sh run
	cargo build --workspace
	npm --prefix ui run messages
	(cd ui && exec node_modules/.bin/vite) & vite=$$!; trap 'kill $$vite' EXIT; \
	until node -e "require('net').connect(5173, '127.0.0.1', () => process.exit(0)).on('error', () => process.exit(1))"; do \
		kill -0 $$vite || exit 1; sleep 0.3; \
	done; \
	target/debug/hausrecht-app --auto-demo

screenshots:
	@mkdir -p assets/screenshots
	@for name in live clip log; do for theme in dark light; do \
		cp target/screenshots/native/$$name-$$theme-en.png assets/screenshots/$$name-$$theme.png; done; done

# Runs again only when the lock file changed since it last ran. Not `npm ci`: that refuses a lock file which leaves out the
# optional packages of other platforms, as this one has to. What the lock file names is installed exactly, and it is not changed.
$(UI_STAMP): ui/package-lock.json
	@tests/setup/system.sh run
	npm --prefix ui install --no-save --no-audit --no-fund
	@touch $@

ui/dist/index.html: $(UI_STAMP) $(UI_SOURCES)
	npm --prefix ui run build
	@touch $@
