# Shared by the scripts beside it: words on the screen, and what the tree holds.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

say() { printf '\n\033[1m── %s\033[0m\n' "$*"; }
note() { printf '   %s\n' "$*"; }
die() { printf '\n%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The web interface is there, and whether the server has a feature that embeds it.
has_ui() { [ -f ui/package.json ]; }
# `--features` of every cargo call, the same everywhere so that nothing is built twice.
cargo_features() {
  if has_ui && grep -qE '^ui *= *\[' crates/server/Cargo.toml; then echo "--features=postroom/ui"; fi
}

# Installs the web interface's packages where the lock file has changed since the last time.
ui_packages() {
  local stamp=ui/node_modules/.postroom-lock
  if [ -f "$stamp" ] && cmp -s ui/package-lock.json "$stamp"; then return; fi
  say "Installing the web interface's packages (npm ci)"
  npm ci --prefix ui --no-audit --no-fund
  cp ui/package-lock.json "$stamp"
}

ui_build() {
  has_ui || { note "no web interface in this tree yet: skipped"; return; }
  ui_packages
  say "Building the web interface (vite)"
  npm run --silent --prefix ui build
}
