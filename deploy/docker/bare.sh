#!/bin/bash
# Runs the demo twice on a bare Debian 12, in a container: with nothing but Python and make, then on what that has left.
# Says how long each took; fails when one fails, or leaves a process behind.
# usage: deploy/docker/bare.sh [IMAGE]   (debian:12-slim, or what standins.sh made of it)
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z | tar --null --files-from=- --create |
    docker run --rm --interactive --init --shm-size 1g "${1:-debian:12-slim}" bash -c '
        set -eu
        export DEBIAN_FRONTEND=noninteractive
        command -v make python3 >/dev/null || { apt-get -q update; apt-get -q -y install --no-install-recommends python3 make; } >/dev/null
        mkdir /registrar && cd /registrar && tar --extract
        for run in cold warm; do
            began=$SECONDS
            make demo
            echo "$run: $((SECONDS - began)) s"
            if grep --no-messages --extended-regexp "beam|epmd|postgres|mongod|python|registrar" /proc/[0-9]*/comm; then
                echo "processes are left" >&2
                exit 1
            fi
        done'
