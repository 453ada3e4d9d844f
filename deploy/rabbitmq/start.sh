#!/bin/bash
# Puts the passwords from the environment into the definitions, then starts the broker as its image does.
set -euo pipefail
definitions=$(</registrar/definitions.json)
for name in ADMIN SETUP WRITE READ CLIENT; do
    variable="AMQP_${name}_PASSWORD"
    definitions=${definitions//"\${$variable}"/"${!variable}"}
    unset "$variable"
done
(umask 077 && printf '%s' "$definitions" >/tmp/definitions.json)
chown rabbitmq /tmp/definitions.json
exec docker-entrypoint.sh rabbitmq-server
