#!/bin/bash
# A replica set with authentication wants a key that its members share; a set of one makes its own at every start.
set -euo pipefail
(umask 277 && openssl rand -base64 512 >/tmp/replica-set.key)
chown mongodb /tmp/replica-set.key
# A replica that is killed in a transaction keeps its locks until the server ends it: after a minute by default.
exec docker-entrypoint.sh mongod --replSet registrar --keyFile /tmp/replica-set.key --bind_ip_all \
  --setParameter transactionLifetimeLimitSeconds=10 --quiet
