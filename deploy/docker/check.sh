#!/bin/bash
# Runs the system in containers for real, in a project and on ports of its own, and takes it away again: start, several
# copies a side, a command and its way back, a copy that ends in the middle, everything off.
set -euo pipefail
cd "$(dirname "$0")/../.."
export COMPOSE_PROJECT_NAME=registrar-check
export AMQP_PORT=${AMQP_PORT:-25672} RABBITMQ_MANAGEMENT_PORT=${RABBITMQ_MANAGEMENT_PORT:-25673}
export HTTP_PORTS=${HTTP_PORTS:-28080-28089}
folder=$(mktemp -d)
sh deploy/docker/passwords.sh >"$folder/env"
compose() { docker compose --env-file "$folder/env" --profile cli "$@"; }
ended() {
    code=$?
    [ $code = 0 ] || compose logs --tail 20
    compose down --volumes --timeout 60
    rm -r "$folder"
    exit $code
}
trap ended EXIT

healthy() { # healthy SERVICE COUNT: waits until so many copies say that they are ready
    for _ in $(seq 60); do
        [ "$(compose ps --format '{{.Health}}' "$1" | grep -c '^healthy$')" = "$2" ] && return
        sleep 2
    done
    compose ps --all
    echo "$1 has no $2 healthy copies" >&2
    return 1
}

check() {
    compose run --rm --no-deps --volume ./deploy/docker/check.py:/check.py:ro \
        --env HTTP_API_KEY="$(sed -n 's/^HTTP_API_KEY=//p' "$folder/env")" --entrypoint python cli /check.py
}

compose build --quiet
compose up --detach write-service read-service
healthy write-service 1 && healthy read-service 1
check
compose up --detach --no-recreate --scale write-service=2 --scale read-service=3 write-service read-service
healthy write-service 2 && healthy read-service 3
check
# SIGTERM reaches the process: it ends by itself with 0, well before it would be killed (137).
for service in write-service read-service; do
    copy=$(compose ps --quiet "$service" | head -1)
    docker stop --time 40 "$copy" >/dev/null
    code=$(docker inspect --format '{{.State.ExitCode}}' "$copy")
    echo "$service ended with $code"
    [ "$code" = 0 ]
done
check
compose up --detach write-setup read-setup # to repeat setup harms nothing
compose wait write-setup read-setup
