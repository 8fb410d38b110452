#!/bin/sh
# Installs Debian's PostgreSQL and PgBouncer for the tests, where they are missing and that is
# possible. Where it is not, the tests run on what there is.
set -u
PATH="$PATH:/usr/sbin"
export DEBIAN_FRONTEND=noninteractive

complete() {
    ls /usr/lib/postgresql/*/bin/initdb && command -v pgbouncer
} >/dev/null 2>&1

install() {
    apt-get update -q && apt-get install -q -y --no-install-recommends \
        postgresql postgresql-contrib pgbouncer
} >/dev/null </dev/null

complete && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Debian's postgresql and pgbouncer for the tests"
    install && exit 0
fi
echo "Debian's postgresql or pgbouncer is missing and cannot be installed here:"
echo "the tests run on what there is."
