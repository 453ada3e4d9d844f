#!/bin/bash
# Runs the tests on a newer Debian, in a container: with its RabbitMQ 4, PostgreSQL 17 and Python 3.13.
# SYS_PTRACE: the stack looks for forgotten processes by their environment, Postgres' too, which runs as somebody else.
# usage: deploy/docker/newer.sh [ARGUMENTS OF PYTEST]
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z | tar --null --files-from=- --create |
    docker run --rm --interactive --init --shm-size 1g --cap-add SYS_PTRACE debian:13-slim bash -c '
        set -e
        mkdir /registrar && cd /registrar && tar --extract
        deploy/local/install.sh
        /usr/lib/rabbitmq/lib/*/sbin/rabbitmqctl version 2>/dev/null | sed "s/^/RabbitMQ /"
        /usr/lib/postgresql/*/bin/postgres --version
        .venv/bin/python --version
        exec .venv/bin/pytest "$@"' pytest "$@"
