#!/usr/bin/env bash
# Writes the hashed locks anew from pyproject.toml. No download addresses and no registry hosts get into them.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
compile() {
    "$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
        --no-emit-find-links --no-annotate --no-header "$@"
}
compile pyproject.toml --extra write --output-file requirements/write.txt
compile pyproject.toml --extra read --output-file requirements/read.txt
compile pyproject.toml --extra client --output-file requirements/client.txt
compile pyproject.toml --all-extras --group dev --output-file requirements/dev.txt
compile pyproject.toml --all-extras --group dev --group bench --output-file requirements/bench.txt
compile --group build --output-file requirements/build.txt
