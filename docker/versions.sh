#!/usr/bin/env bash
# One line: the Debian that this is, and its versions of the libraries that sessiond stands on.
set -euo pipefail

version_of() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || pkg-config --modversion "$2"; }

# shellcheck source=/dev/null
source /etc/os-release
printf 'tested with: %s, libmicrohttpd %s, SQLite %s, json-c %s, GnuTLS %s, gcc %s\n' "${PRETTY_NAME:-unknown}" \
    "$(version_of libmicrohttpd-dev libmicrohttpd)" "$(version_of libsqlite3-dev sqlite3)" \
    "$(version_of libjson-c-dev json-c)" "$(version_of libgnutls28-dev gnutls)" "$(gcc -dumpfullversion)"
