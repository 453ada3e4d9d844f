#!/bin/bash
# Makes the two roles of the write service, once, on an empty data folder: the owner of the tables, and the service.
# What the service may do with which table is said by the migrations.
set -euo pipefail
psql --set=ON_ERROR_STOP=1 --set=setup="$SETUP_PASSWORD" --set=service="$SERVICE_PASSWORD" \
    --username=postgres --dbname=registrar <<'SQL'
CREATE ROLE registrar_setup LOGIN PASSWORD :'setup';
CREATE ROLE registrar_service LOGIN PASSWORD :'service';
ALTER DATABASE registrar OWNER TO registrar_setup;
ALTER SCHEMA public OWNER TO registrar_setup;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO registrar_service;
SQL
