#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: a C compiler (for Go's
# race detector), PostgreSQL 15 with pgvector, Chromium, Node.js and the npm
# packages of the test folders. Written for Debian 12; as root, or with sudo
# that asks no password.
#
# It does not fail when it cannot install something: it says what and why, goes
# on, and the test runner skips (or, in CI, fails) what depends on it. A second
# run finds everything and changes nothing.
#
#   HEADYKEY_TEST_INSTALL=no   look, but install nothing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly pg_major=15
readonly policy=/usr/sbin/policy-rc.d
readonly no_cluster=/etc/postgresql-common/createcluster.d/headykey-test.conf
log="$(mktemp)"
made=()     # files that are ours for the time of the installation
prepared="" # set once the package lists are fresh

say() { printf 'setup: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo -n "$@"; fi
}

clean_up() {
  ((${#made[@]})) && as_root rm -f "${made[@]}"
  rm -f "$log"
  return 0
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# may_install says why not, if not.
may_install() {
  if [[ ${HEADYKEY_TEST_INSTALL:-yes} == no ]]; then
    say "$1 is missing; HEADYKEY_TEST_INSTALL=no forbids installing it"
  elif ! have apt-get; then
    say "$1 is missing; only Debian's apt-get is known here, install it by hand"
  elif [[ $EUID -ne 0 ]] && ! sudo -n true 2>/dev/null; then
    say "$1 is missing; installing it needs root (run: sudo test/setup/install.sh)"
  else
    return 0
  fi
  return 1
}

put() { # put FILE MODE TEXT: makes FILE for the time of the installation
  [[ -e $1 ]] && return 0
  as_root mkdir -p "$(dirname "$1")"
  made+=("$1")
  printf '%b' "$3" | as_root tee "$1" >/dev/null
  as_root chmod "$2" "$1"
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null >>"$log" 2>&1
}

# prepare refreshes the package lists once, and sees to it that no package
# starts a service or makes a database cluster of its own.
prepare() {
  [[ -n $prepared ]] && return 0
  put "$policy" 755 '#!/bin/sh\nexit 101\n'
  put "$no_cluster" 644 'create_main_cluster = false\n'
  apt update || say "the package lists could not be refreshed; trying with what is there"
  prepared=yes
}

# want NAME PACKAGE...: installs the packages, or says why not.
want() {
  local name="$1"
  shift
  may_install "$name" || return 1
  say "installing $name ($*)"
  : >"$log"
  prepare
  apt install --no-install-recommends "$@" || { failed "$name"; return 1; }
}

failed() {
  say "$1 could not be installed; the end of the log:"
  tail -n 15 "$log" | sed 's/^/setup:   /'
}

has_vector() {
  [[ -f /usr/share/postgresql/$pg_major/extension/vector.control && -f /usr/lib/postgresql/$pg_major/lib/vector.so ]]
}

has_compiler() {
  have gcc && printf '#include <stdlib.h>\n' | gcc -E - >/dev/null 2>&1
}

need_compiler() {
  has_compiler || want "a C compiler" gcc libc6-dev
}

need_postgresql() {
  [[ -x /usr/lib/postgresql/$pg_major/bin/initdb ]] \
    || want "PostgreSQL $pg_major" "postgresql-$pg_major" || return 0
  has_vector && return 0
  may_install "pgvector for PostgreSQL $pg_major" || return 0
  say "installing pgvector for PostgreSQL $pg_major (compiled from Debian's source package)"
  : >"$log"
  prepare
  as_root env PG_MAJOR=$pg_major bash test/setup/pgvector-setup.sh </dev/null >>"$log" 2>&1 || failed pgvector
}

need_chromium() {
  have chromium || want Chromium chromium fonts-liberation
}

need_nodejs() {
  have node || want Node.js nodejs npm || return 0
  have npm || want npm npm
}

# need_npm_packages brings each folder below test/ that has a lock file to exactly
# that list. Scripts of packages do not run.
need_npm_packages() {
  local lock folder
  while IFS= read -r -d '' lock; do
    folder="$(dirname "$lock")"
    [[ $folder/node_modules/.package-lock.json -nt $lock ]] && continue
    have npm || { say "the npm packages of $folder are missing, and so is npm"; continue; }
    [[ ${HEADYKEY_TEST_INSTALL:-yes} != no ]] \
      || { say "the npm packages of $folder are missing; HEADYKEY_TEST_INSTALL=no forbids installing them"; continue; }
    say "npm ci in $folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) </dev/null >"$log" 2>&1 \
      || { failed "npm packages of $folder"; rm -rf "$folder/node_modules"; }
  done < <(find test -name node_modules -prune -o -name package-lock.json -print0)
}

need_compiler || true
need_postgresql || true
need_chromium || true
need_nodejs || true
need_npm_packages
say "done"
