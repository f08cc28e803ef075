#!/usr/bin/env bash
# Installs, uses and purges the Debian package in a clean Debian, and rates the unit's confinement. Without
# systemd in the container, the service is started as the unit's ExecStart would, by another user.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
# shellcheck source=docker/engine.sh
source docker/engine.sh

say() { printf '%s\n' "$*" >&2; }

inside() {
    cat <<'SCRIPT'
set -e
apt-get -qq update && apt-get -qq -y install /package/sessiond_*.deb >/dev/null 2>&1
echo "installed: $(dpkg-query -W -f '${Package} ${Version} ${Status}' sessiond)"
test -f /lib/systemd/system/sessiond.service
install -d -o nobody /var/lib/sessiond
export SESSIOND_DB=/var/lib/sessiond/sessions.db
start() { setpriv --reuid=nobody --no-new-privs --bounding-set=-all sessiond 2>/tmp/log & service=$!; until sessiond healthcheck 2>/dev/null; do kill -0 $service; sleep 0.1; done; }
start
body='{"project_path":"/p","thread_id":"kept"}'
exec 3<>/dev/tcp/127.0.0.1/8082
printf 'POST /sessions HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' ${#body} "$body" >&3
head -n 1 <&3 | grep -q '201 Created'
kill -TERM $service && wait $service
start
exec 3<>/dev/tcp/127.0.0.1/8082
printf 'GET /sessions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n' >&3
grep -q '"kept"' <&3
kill -TERM $service && wait $service
echo 'used: created, stopped with 0, started again, the session is there'
apt-get -qq -y purge sessiond >/dev/null 2>&1
for left in /usr/bin/sessiond /lib/systemd/system/sessiond.service /var/lib/sessiond /usr/share/doc/sessiond; do
    test ! -e $left || { echo "left behind: $left"; exit 1; }
done
echo 'purged: nothing is left'
SCRIPT
}

main() {
    local failed=0
    ensure_engine && ensure_base || exit 1
    inside | docker run --rm -i -v "$PWD/build/package:/package:ro" "$base_image" bash || failed=1
    systemd-analyze security --offline=true --threshold=20 docker/sessiond.service | tail -n 1 || failed=1
    printf '%d passed, %d failed\n' $((1 - failed)) "$failed"
    return $failed
}

main
