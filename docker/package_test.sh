#!/usr/bin/env bash
# Installs build/package/*.deb with dpkg in a clean Debian whose systemd runs in a container, uses the service,
# upgrades, removes and purges it. Prints a table. Exit: 0 every row holds, 1 one does not, or no engine can run here.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
# shellcheck source=docker/table.sh
source docker/table.sh
# shellcheck source=docker/engine.sh
source docker/engine.sh

machine=sessiond-package-test
unit=docker/sessiond.service
started_engine=

clean_up() {
    docker rm -f "$machine" >/dev/null 2>&1
    [[ -z $started_engine ]] || stop_engine
}

inside() { docker exec "$machine" "$@" 2>/dev/null; }
shell() { inside sh -c "$1"; }
property() { inside systemctl show -p "$1" --value sessiond.service; }
ready() { shell 'curl -sf http://127.0.0.1:8082/readyz >/dev/null'; }
sessions() { shell 'curl -sf "http://127.0.0.1:8082/sessions?include=context"'; }

# A Debian with systemd and what the package depends on, and nothing of sessiond's.
start_machine() {
    local depends
    depends=$(dpkg-deb -f "$package" Depends | sed -E 's/\([^)]*\)//g; s/\|[^,]*//g; s/,/ /g')
    docker build -q -t "$machine" - >/dev/null 2>&1 <<DOCKERFILE || return 1
FROM $base_image
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends \
    systemd dbus curl $depends >/dev/null
DOCKERFILE
    docker rm -f "$machine" >/dev/null 2>&1
    docker run -d --name "$machine" --cap-add SYS_ADMIN --security-opt seccomp=unconfined --tmpfs /run --tmpfs /run/lock \
        --tmpfs /tmp -v /sys/fs/cgroup:/sys/fs/cgroup:ro "$machine" /lib/systemd/systemd >/dev/null || return 1
    await 30 inside systemctl is-system-running || { docker logs --tail 5 "$machine" >&2; return 1; }
    docker cp -q "$package" "$machine:/var/tmp/sessiond.deb" 2>/dev/null || docker cp "$package" "$machine:/var/tmp/sessiond.deb"
}

test_install() {
    local pid
    shell 'dpkg -i /var/tmp/sessiond.deb' >/dev/null
    row 'dpkg -i in a clean Debian' 'exit code 0, installed' "$(shell 'dpkg-query -W -f "\${Status}" sessiond')" \
        test "$(shell 'dpkg-query -W -f "\${Status}" sessiond')" = 'install ok installed'
    same 'Type=notify: systemd was told that it is ready' 'active running' "$(property ActiveState) $(property SubState)"
    row 'its answer' '200 of /readyz' 'curl in the same machine' ready
    pid=$(property MainPID)
    row 'user of the process (DynamicUser)' 'neither root nor known' "$(shell "awk '/^Uid/ { print \$2 }' /proc/$pid/status")" \
        test "$(shell "awk '/^Uid/ { print \$2 }' /proc/$pid/status")" -ge 61184
    same 'capabilities, privileges, system calls' '0000000000000000 1 2' \
        "$(shell "awk '/^(CapEff|NoNewPrivs|Seccomp):/ { print \$2 }' /proc/$pid/status" | xargs)"
    same 'it filters them itself' '"seccomp":"on"' \
        "$(shell "journalctl -u sessiond -o cat | grep -o '\"seccomp\":\"[a-z]*\"' | tail -n 1")"
    same 'mode of its folder, and the file is there' '700 600' \
        "$(shell 'stat -c %a /var/lib/private/sessiond /var/lib/private/sessiond/sessions.db' | xargs)"
}

# keeps WHAT COMMAND: the same sessions before and after.
keeps() {
    local before after
    before=$(sessions)
    shell "$2" >/dev/null
    await 30 ready
    after=$(sessions)
    row "sessions after $1" 'the same' "${#after} bytes of JSON" test -n "$before" -a "$before" = "$after"
}

test_use() {
    local old
    shell "curl -sf http://127.0.0.1:8082/sessions -H 'Content-Type: application/json' -d '{\"project_path\":\"/p\",\"thread_id\":\"t\"}'" >/dev/null
    row 'a session' 'created and listed' "$(sessions | grep -o '"thread_id":"t"')" grep -q '"thread_id":"t"' <(sessions)
    keeps 'systemctl restart' 'systemctl restart sessiond'
    # shellcheck disable=SC2016 # the machine's own variable
    keeps 'kill -9, started again by systemd' 'kill -9 $(systemctl show -p MainPID --value sessiond)'
    old=$(property MainPID)
    keeps 'dpkg -i once more (upgrade)' 'dpkg -i /var/tmp/sessiond.deb'
    row 'the process after an upgrade' 'a new one' "$old, then $(property MainPID)" test "$old" != "$(property MainPID)"
    keeps 'dpkg -r and dpkg -i' 'dpkg -r sessiond && dpkg -i /var/tmp/sessiond.deb'
    shell 'systemctl stop sessiond'
    same 'systemctl stop: result and exit code' 'success 0' "$(property Result) $(property ExecMainStatus)"
}

test_socket() {
    shell 'systemctl stop sessiond && systemctl enable --now sessiond.socket && systemctl start sessiond' >/dev/null
    row 'sessiond.socket, enabled: its answer' '200 of /readyz' 'curl --unix-socket /run/sessiond.sock' \
        shell 'curl -sf --unix-socket /run/sessiond.sock http://localhost/readyz >/dev/null'
    shell 'systemctl stop sessiond'
    row 'systemctl stop, then a request on the socket' 'starts it again: 200' 'curl --unix-socket /run/sessiond.sock' \
        shell 'curl -sf --unix-socket /run/sessiond.sock http://localhost/readyz >/dev/null'
}

test_purge() {
    shell 'dpkg --purge sessiond' >/dev/null
    same 'dpkg --purge leaves of the package' nothing \
        "$(shell 'dpkg-query -W -f "\${Status}" sessiond 2>/dev/null; find / -xdev -name "*sessiond*" ! -path "/var/tmp/*" ! -path "/proc/*" | head -n 3' | xargs | sed 's/^$/nothing/')"
    same 'and of the unit' 'LoadState=not-found' "$(inside systemctl show -p LoadState sessiond.service)"
}

main() {
    package=$(ls -t build/package/*.deb 2>/dev/null | head -n 1)
    [[ -n $package ]] || { say 'There is no build/package/*.deb: ./dev package makes it.'; exit 1; }
    engine_answers || { start_engine && started_engine=yes; } || exit 1
    trap clean_up EXIT
    ensure_base && start_machine || { say 'No Debian with a running systemd could be started.'; exit 1; }
    table_head
    test_install
    test_use
    test_socket
    test_purge
    row 'systemd-analyze security' 'at most 2.0' "$(systemd-analyze security --offline=true --no-pager $unit 2>/dev/null | sed -n 's/.*level for //p')" \
        quiet systemd-analyze security --offline=true --threshold=20 $unit
    table_foot
}

main
