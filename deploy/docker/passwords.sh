#!/bin/sh
# Prints an environment file with passwords of its own: sh deploy/docker/passwords.sh > .env
# Letters and digits only, since they become parts of addresses.
set -eu
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in AMQP_ADMIN AMQP_SETUP AMQP_WRITE AMQP_READ AMQP_CLIENT \
    POSTGRES_ADMIN POSTGRES_SETUP POSTGRES_SERVICE MONGO_ROOT MONGO_PROJECTOR MONGO_VIEWS; do
    echo "${name}_PASSWORD=$(secret)"
done
key=$(secret)
echo "# The key that HTTP clients send as X-API-Key, and its SHA-256, which is all that the service knows of it."
echo "HTTP_API_KEY=$key"
echo "HTTP_API_KEY_SHA256=$(printf %s "$key" | sha256sum | cut -d ' ' -f 1)"
