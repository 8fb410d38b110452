#!/bin/sh
# Installs Debian's PostgreSQL and PgBouncer for the tests, where that is possible and needed.
set -eu
if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && command -v pgbouncer >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Debian's postgresql and pgbouncer for the tests"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null
    apt-get install -q -y --no-install-recommends postgresql postgresql-contrib pgbouncer >/dev/null
else
    echo "Debian's postgresql or pgbouncer is not here and cannot be installed by this user:"
    echo "the tests run on the embedded server alone."
fi
