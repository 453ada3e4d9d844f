#!/bin/bash
# Runs the system in containers for real, in a project and on ports of its own, and takes it away again: start, several
# copies a side, commands and their way back, what each role is refused, copies that end in the middle, everything off.
set -euo pipefail
cd "$(dirname "$0")/../.."
export COMPOSE_PROJECT_NAME=registrar-check
export AMQP_PORT=${AMQP_PORT:-18672} RABBITMQ_MANAGEMENT_PORT=${RABBITMQ_MANAGEMENT_PORT:-18673}
export HTTP_PORTS=${HTTP_PORTS:-18080-18089}
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

secret() { sed -n "s/^$1=//p" "$folder/env"; }

check() {
    compose run --rm --no-TTY --no-deps --env HTTP_API_KEY="$(secret HTTP_API_KEY)" --entrypoint python \
        cli deploy/docker/check.py
}

client() { compose run --rm --no-TTY --no-deps cli "$@"; }
inside() { compose exec --no-TTY "$@"; }

answers() { # answers WORDS COMMAND…: it says these words, whether it fails or not
    said=$("${@:2}" 2>&1) || true
    grep --quiet --fixed-strings -- "$1" <<<"$said" || { printf 'not "%s", but: %s\n' "$1" "$said" >&2; return 1; }
}

roles() { # what each role may not do is refused by the servers themselves
    service=postgresql://registrar_service:$(secret POSTGRES_SERVICE_PASSWORD)@127.0.0.1/registrar
    answers "permission denied" inside postgres psql "$service" --command "UPDATE events SET version = 0"
    answers "permission denied" inside postgres psql "$service" --command "CREATE TABLE mine ()"
    views="mongodb://views:$(secret MONGO_VIEWS_PASSWORD)@127.0.0.1/registrar?directConnection=true&authSource=registrar"
    for forbidden in 'db["companies.g1"].insertOne({})' 'db["companies.g1"].watch()' 'db.getCollectionNames()'; do
        answers "not authorized" inside mongo mongosh --quiet --norc "$views" --eval "$forbidden"
    done
    answers "does not let this user" client send company.rename.v1 00000000-0000-4000-8000-000000000000 name=X \
        --amqp-url "amqp://read_service:$(secret AMQP_READ_PASSWORD)@rabbitmq/registrar"
}

compose build --quiet
compose up --detach write-service read-service
healthy write-service 1 && healthy read-service 1
check
client import deploy/local/sample_companies.jsonl
client ask statistics.get.v1
inside write-service write-service parked list
inside read-service read-service parked list
roles
compose up --detach --no-recreate --scale write-service=2 --scale read-service=3 write-service read-service
healthy write-service 2 && healthy read-service 3
check
inside read-service read-service verify
# SIGTERM reaches the process: it ends by itself with 0, well before it would be killed (137).
for service in write-service read-service; do
    mapfile -t copies < <(compose ps --quiet "$service")
    docker stop -t 40 "${copies[0]}" >/dev/null
    code=$(docker inspect --format '{{.State.ExitCode}}' "${copies[0]}")
    echo "$service ended with $code"
    [ "$code" = 0 ]
done
check
for setup in write-setup read-setup; do compose run --rm --no-TTY --no-deps $setup; done # to repeat it harms nothing
echo "the system in containers does what it should"
