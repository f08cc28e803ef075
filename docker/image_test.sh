#!/usr/bin/env bash
# Builds the image and shows with a real engine that it keeps what README.md and the compose file promise. Prints
# a table, a row a promise; exit 0 when every row holds, 1 when one does not or there is no engine.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
# shellcheck source=docker/engine.sh
source docker/engine.sh

export COMPOSE_PROJECT_NAME=sessiond-image-test SESSIOND_PORT=${SESSIOND_PORT:-18082} SIGNAL_NUMBER=+15551234567
url=http://127.0.0.1:$SESSIOND_PORT
phase1=docker/phase1/docker-compose.yml
merged=(-f "$phase1" -f docker-compose.yml)
started_engine=
failed=0
rows=0

say() { printf '%s\n' "$*" >&2; }

# row PROMISE MEASURED COMMAND…: holds when the command succeeds.
row() {
    local promise=$1 measured=$2 outcome=ok
    shift 2
    "$@" || { outcome=FAILED; failed=$((failed + 1)); }
    rows=$((rows + 1))
    printf '%-6s  %-70s  %s\n' "$outcome" "$promise" "$measured"
}

clean_up() {
    compose "${merged[@]}" down -v --remove-orphans >/dev/null 2>&1
    docker rm -f sessiond-full >/dev/null 2>&1
    [[ -z $started_engine ]] || stop_engine
}

container() { compose ps -q sessiond; }
process() { docker inspect -f '{{.State.Pid}}' "$1"; }
status_line() { grep -E "^$2:" "/proc/$(process "$1")/status" | tr -s '\t ' ' '; }
create() { curl -sf "$url/sessions" -H 'Content-Type: application/json' -d "{\"project_path\":\"/p\",\"thread_id\":\"$1\"}"; }
ids() { curl -sf "$url/sessions?limit=1000" | jq -r '.sessions[].id' | sort; }
milliseconds() { date +%s%3N; }

# await SECONDS COMMAND…: polls until it succeeds.
await() {
    local until=$(($(milliseconds) + $1 * 1000))
    shift
    until "$@" >/dev/null 2>&1; do
        (($(milliseconds) < until)) || return 1
        sleep 0.02
    done
}

health_is() { [[ $(docker inspect -f '{{.State.Health.Status}}' "$1") == "$2" ]]; }
healthcheck() { docker exec "$1" /usr/bin/sessiond healthcheck; }

# ask CONTAINER PATH: a GET from inside another container, by bash alone.
ask() {
    docker exec "$1" bash -c "exec 3<>/dev/tcp/sessiond/8082 && printf 'GET $2 HTTP/1.1\r\nHost: sessiond\r\nConnection: close\r\n\r\n' >&3 && cat <&3"
}

test_image() {
    local bytes
    bytes=$(docker image inspect -f '{{.Size}}' sessiond:0.1.0)
    row 'the image has at most 20 MB' "$((bytes / 1000000)).$((bytes / 100000 % 10)) MB" test "$bytes" -le 20000000
    row 'no shell in the image' 'sh, bash, busybox: none starts' no_shell
    row 'labels, stop signal, user' "$(docker image inspect -f '{{.Config.User}} {{.Config.StopSignal}}' sessiond:0.1.0)" \
        test "$(docker image inspect -f '{{.Config.User}} {{.Config.StopSignal}} {{index .Config.Labels "org.opencontainers.image.version"}}' sessiond:0.1.0)" = '65532:65532 SIGTERM 0.1.0'
}

no_shell() {
    local shell
    for shell in sh bash /bin/sh /bin/busybox; do
        ! docker run --rm --entrypoint "$shell" sessiond:0.1.0 -c true >/dev/null 2>&1 || return 1
    done
}

test_start() {
    local began id took try best=
    compose up -d --no-build >/dev/null 2>&1
    id=$(container)
    for ((try = 0; try < 3; try++)); do
        docker stop "$id" >/dev/null
        began=$(milliseconds)
        docker start "$id" >/dev/null
        await 30 healthcheck "$id"
        took=$(($(milliseconds) - began))
        [[ -n $best && $best -le $took ]] || best=$took
    done
    row 'from docker start to a passing health check: at most 1 s (best of 3)' "$best ms" test "$best" -le 1000
    row 'the engine calls it healthy' "$(await 30 health_is "$id" healthy; docker inspect -f '{{.State.Health.Status}}' "$id")" \
        health_is "$id" healthy
    row 'runs as uid 65532' "$(status_line "$id" Uid)" test "$(status_line "$id" Uid)" = 'Uid: 65532 65532 65532 65532'
    row 'has no capabilities' "$(status_line "$id" CapEff) $(status_line "$id" CapBnd)" \
        test "$(status_line "$id" CapEff)$(status_line "$id" CapBnd)" = 'CapEff: 0000000000000000CapBnd: 0000000000000000'
    row 'can gain no privileges' "$(status_line "$id" NoNewPrivs)" test "$(status_line "$id" NoNewPrivs)" = 'NoNewPrivs: 1'
    row 'its root is read-only' "$(awk '$5 == "/" { print $6 }' "/proc/$(process "$id")/mountinfo")" \
        grep -qE '^[0-9]+ [0-9]+ [^ ]+ / / ro,' "/proc/$(process "$id")/mountinfo"
    row 'at most 8192 open files' "$(awk '/^Max open files/ { print $5 }' "/proc/$(process "$id")/limits")" \
        grep -qE '^Max open files +8192 +8192' "/proc/$(process "$id")/limits"
    row 'published on 127.0.0.1 alone' "$(docker port "$id" | tr '\n' ' ')" \
        test "$(docker port "$id")" = "8082/tcp -> 127.0.0.1:$SESSIOND_PORT"
}

# keeps PROMISE COMMAND…: the sessions before the command are those after it.
keeps() {
    local promise=$1 before after
    shift
    create "$promise" >/dev/null
    before=$(ids)
    "$@" >/dev/null 2>&1
    await 30 curl -sf "$url/readyz"
    after=$(ids)
    row "$promise keeps every session" "$(wc -l <<<"$after") of $(wc -l <<<"$before")" test -n "$before" -a "$before" = "$after"
}

restart() { docker restart "$(container)"; }
kill_and_start() { docker kill -s KILL "$(container)" && docker start "$(container)"; }
down_and_up() { compose down && compose up -d --no-build; }

test_sessions() {
    local i
    for i in {1..20}; do create "thread $i" >/dev/null; done
    keeps 'docker restart' restart
    keeps 'kill -9' kill_and_start
    keeps 'down and up' down_and_up
}

check_backup() { docker exec "$(container)" /usr/bin/sessiond check /data/backup.db 2>&1; }
check_backup_quietly() { check_backup >/dev/null; }

test_backup() {
    docker exec "$(container)" /usr/bin/sessiond backup /data/backup.db >/dev/null 2>&1
    row 'a backup is made inside the container and is sound' "$(check_backup)" check_backup_quietly
}

# A stand-in for Phase 1's image: it sleeps, and its curl is content.
make_stand_in() {
    docker build -q -t bbernhard/signal-cli-rest-api:0.96 - >/dev/null <<DOCKERFILE
FROM $base_image
RUN printf '#!/bin/sh\nexit 0\n' >/usr/bin/curl && chmod +x /usr/bin/curl
CMD ["sleep", "infinity"]
DOCKERFILE
}

test_merged() {
    local signal
    make_stand_in
    compose down >/dev/null 2>&1
    compose "${merged[@]}" up -d --no-build >/dev/null 2>&1
    signal=$(compose "${merged[@]}" ps -q signal-api)
    await 30 curl -sf "$url/readyz"
    row 'merged with the Phase 1 file, both run' "$(compose "${merged[@]}" ps -q | wc -l) containers" \
        test "$(compose "${merged[@]}" ps -q | wc -l)" -eq 2
    row "another container reads http://sessiond:8082/sessions" "$(ask "$signal" /sessions?limit=1 | head -n 1 | tr -d '\r')" \
        grep -q '"sessions":\[{"id"' <(ask "$signal" '/sessions?limit=1')
    row 'it finds what was created from outside' 'thread 1' grep -q '"thread 1"' <(ask "$signal" '/sessions?thread_id=thread+1')
}

test_full_disk() {
    local data
    docker run -d --name sessiond-full --read-only --tmpfs /data:size=8m,uid=65532,gid=65532,mode=700 \
        --health-interval 1s --health-retries 1 sessiond:0.1.0 >/dev/null
    await 30 health_is sessiond-full healthy
    data=/proc/$(process sessiond-full)/root/data
    dd if=/dev/zero of="$data/ballast" bs=1M count=16 >/dev/null 2>&1
    row 'a full disk makes it unhealthy' "$(await 30 health_is sessiond-full unhealthy; docker inspect -f '{{.State.Health.Status}}' sessiond-full)" \
        health_is sessiond-full unhealthy
    rm -f "$data/ballast"
    row 'and space makes it healthy again' "$(await 30 health_is sessiond-full healthy; docker inspect -f '{{.State.Health.Status}}' sessiond-full)" \
        health_is sessiond-full healthy
    docker rm -f sessiond-full >/dev/null
}

test_stop() {
    local id began took code
    id=$(container)
    began=$(milliseconds)
    docker stop "$id" >/dev/null
    took=$(($(milliseconds) - began))
    code=$(docker inspect -f '{{.State.ExitCode}}' "$id")
    row 'a stop takes under 10 s and ends with 0' "$took ms, exit code $code" test "$took" -lt 10000 -a "$code" = 0
}

main() {
    docker info >/dev/null 2>&1 || { start_engine || exit 1; started_engine=yes; }
    trap clean_up EXIT
    build_image || { say 'the image was not built'; exit 1; }
    compose "${merged[@]}" down -v --remove-orphans >/dev/null 2>&1
    test_image
    test_start
    test_sessions
    test_backup
    test_merged
    test_full_disk
    test_stop
    printf '%d passed, %d failed\n' $((rows - failed)) "$failed"
    ((failed == 0))
}

main
