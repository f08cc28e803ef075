#!/usr/bin/env bash
# Builds the image and shows with a real engine that it keeps what docs/how-to/docker.md and docker-compose.yml promise, in a
# table. Exit: 0 every row holds, 1 one does not, or no engine can run here. A running stack is not touched.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
# shellcheck source=docker/table.sh
source docker/table.sh
# shellcheck source=docker/engine.sh
source docker/engine.sh

export COMPOSE_PROJECT_NAME=sessiond-image-test SESSIOND_TAG=test SESSIOND_PORT=${SESSIOND_TEST_PORT:-18082}
export SIGNAL_NUMBER=+15551234567 SESSIOND_SOURCE=$PWD SESSIOND_TOKEN=sd_of-the-image-test
image=sessiond:$SESSIOND_TAG
url=http://127.0.0.1:$SESSIOND_PORT
merged=(-f docker/phase1/docker-compose.yml -f docker-compose.yml)
extended=(-f docker/phase1/with-sessiond.yml)
volume=sessiond-image-test-small
started_engine=

clean_up() {
    {
        compose "${merged[@]}" down -v --remove-orphans
        docker rm -f "$volume"
        docker volume rm "$volume"
    } >/dev/null 2>&1
    [[ -z $started_engine ]] || stop_engine
}

container() { compose ps -q sessiond; }
process() { docker inspect -f '{{.State.Pid}}' "$1"; }
health() { docker inspect -f '{{.State.Health.Status}}' "$1"; }
health_is() { [[ $(health "$1") == "$2" ]]; }
healthcheck() { docker exec "$1" /usr/bin/sessiond healthcheck; }
ready() { curl -sf "$url/readyz"; }
authorized=(-H "Authorization: Bearer $SESSIOND_TOKEN")
create() { curl -sf "$url/sessions" "${authorized[@]}" -H 'Content-Type: application/json' -d "{\"project_path\":\"/p\",\"thread_id\":\"$1\",\"context\":{\"n\":$RANDOM}}"; }
sessions() { curl -sf "${authorized[@]}" "$url/sessions?limit=1000&include=context" | jq -c '.sessions[]'; }
proc_line() { as_root cat "/proc/$(process "$1")/status" | grep -E "^$2:" | tr -s '\t ' ' '; }
setting() { docker inspect -f "$2" "$1"; }

# ask NETWORK TARGET: a GET from a container of its own, by bash alone.
ask() {
    docker run --rm --network "$1" "$base_image" bash -c "exec 3<>/dev/tcp/sessiond/8082 &&
        printf 'GET $2 HTTP/1.1\r\nHost: sessiond\r\nAuthorization: Bearer $SESSIOND_TOKEN\r\nConnection: close\r\n\r\n' >&3 && cat <&3"
}

no_shell() {
    local shell
    for shell in sh bash /bin/sh /bin/busybox; do
        ! docker run --rm --entrypoint "$shell" "$image" -c true >/dev/null 2>&1 || return 1
    done
}

test_image() {
    local bytes
    bytes=$(docker image inspect -f '{{.Size}}' "$image")
    row 'size of the image' 'at most 14 MB' "$((bytes / 1000000)).$((bytes / 100000 % 10)) MB" test "$bytes" -le 14000000
    row 'a shell in the image' 'none starts' 'tried sh, bash, /bin/sh, /bin/busybox' no_shell
    same 'its version label' "$(docker run --rm "$image" --version)" \
        "sessiond $(setting "$image" '{{index .Config.Labels "org.opencontainers.image.version"}}')"
    same 'its user and stop signal' '65532:65532 SIGTERM' "$(setting "$image" '{{.Config.User}} {{.Config.StopSignal}}')"
}

# start_to_healthy: milliseconds from `docker start` until the engine says "healthy". An engine checks first after one
# whole interval, so this container is checked more often than the image asks for.
start_to_healthy() {
    local began
    docker create --name "$volume" -e SESSIOND_TOKEN --read-only --health-interval 100ms "$image" >/dev/null
    began=$(milliseconds)
    docker start "$volume" >/dev/null
    await 30 health_is "$volume" healthy
    echo $(($(milliseconds) - began))
    docker rm -fv "$volume" >/dev/null
}

test_start() {
    local began took
    took=$(for _ in 1 2 3 4 5; do start_to_healthy; done | sort -n | head -n 1)
    row 'docker start to "healthy", asked every 100 ms' 'at most 1000 ms, best of 5' "$took ms" test "$took" -le 1000
    began=$(milliseconds)
    compose up -d >/dev/null 2>&1
    await 60 ready
    row 'docker compose up to ready, network and volume made' 'at most 10 s' "$(($(milliseconds) - began)) ms" quiet ready
    await 30 health_is "$(container)" healthy
    row 'and "healthy" at the image'\''s own interval of 5 s' 'healthy' "$(health "$(container)"), $(($(milliseconds) - began)) ms" \
        health_is "$(container)" healthy
}

# On an empty database: the tutorial counts its sessions.
test_tour() {
    row 'the tutorial and README.md, with the token' 'each output as shown' 'the commands, unchanged' \
        quiet python3 tests/docs/docs_test.py commands --at "127.0.0.1:$SESSIOND_PORT" docs/tutorial.md README.md
}

test_confinement() {
    local id
    id=$(container)
    same 'user of the process' 'Uid: 65532 65532 65532 65532' "$(proc_line "$id" Uid)"
    same 'its capabilities' 'CapEff: 0000000000000000' "$(proc_line "$id" CapEff)"
    same 'those it could ever get' 'CapBnd: 0000000000000000' "$(proc_line "$id" CapBnd)"
    same 'it can gain privileges' 'NoNewPrivs: 1' "$(proc_line "$id" NoNewPrivs)"
    same 'its system calls are filtered' 'Seccomp: 2' "$(proc_line "$id" Seccomp)"
    same 'it filters them itself' '"seccomp":"on"' "$(docker logs "$id" 2>&1 | grep -o '"seccomp":"[a-z]*"' | tail -n 1)"
    same 'its root file system' 'ro' "$(as_root awk '$5 == "/" { split($6, o, ","); print o[1] }' "/proc/$(process "$id")/mountinfo")"
    same 'open files' '16384' "$(awk '/^Max open files/ { print $5 }' "/proc/$(process "$id")/limits")"
    same 'limits of processes and memory' '64 536870912' "$(setting "$id" '{{.HostConfig.PidsLimit}} {{.HostConfig.Memory}}')"
    same 'where its port is published' "127.0.0.1:$SESSIOND_PORT" "$(docker port "$id" 8082/tcp)"
}

# keeps WHAT COMMAND…: every session is the same, to the byte, before and after the command.
keeps() {
    local what=$1 before after
    shift
    create "$what" >/dev/null
    before=$(sessions)
    "$@" >/dev/null 2>&1
    await 60 ready
    after=$(sessions)
    row "sessions after $what" "the same $(wc -l <<<"$before")" "$(grep -cxFf <(cat <<<"$before") <<<"$after") the same" \
        test -n "$before" -a "$before" = "$after"
}

restart() { docker restart "$(container)"; }
down_and_up() { compose down && compose up -d; }
recreate() { compose up -d --force-recreate; }

# The engine itself brings back what dies; await its new process, so that the old one is not taken for it.
kill_process() {
    local id pid
    id=$(container)
    pid=$(process "$id")
    as_root kill -KILL "$pid"
    await 30 eval "(( \$(process $id) != $pid && \$(process $id) > 0 ))"
}

status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }

refused_without_token() { ! (SESSIOND_TOKEN='' && compose config >/dev/null 2>&1); }

test_access() {
    local last
    last=$(docker run --rm "$image" 2>&1 | tail -n 1)
    row 'the image without a token' 'does not start' "$(jq -r .detail <<<"$last" | cut -c 1-60)…" grep -q 'SESSIOND_TOKEN' <<<"$last"
    row 'compose without a token' 'does not start' 'SESSIOND_TOKEN empty' \
        refused_without_token
    same 'sessions without a token, with another, with it' '401 401 200' \
        "$(status_of "$url/sessions") $(status_of "$url/sessions" -H 'Authorization: Bearer x') $(status_of "$url/sessions" "${authorized[@]}")"
    same '/healthz, /readyz and /metrics without one' '200 200 401' \
        "$(status_of "$url/healthz") $(status_of "$url/readyz") $(status_of "$url/metrics")"
}

test_sessions() {
    local i
    for i in {1..20}; do create "thread $i" >/dev/null; done
    keeps 'docker restart' restart
    keeps 'kill -9, started again by the engine' kill_process
    keeps 'compose down and up' down_and_up
    keeps 'the container made anew (upgrade)' recreate
    row 'another container, by name' '"thread 1"' 'http://sessiond:8082/sessions?thread_id=…' \
        grep -q '"thread_id":"thread 1"' <(ask "${COMPOSE_PROJECT_NAME}_default" '/sessions?thread_id=thread+1')
    docker exec "$(container)" /usr/bin/sessiond backup /data/backup.db >/dev/null 2>&1
    row 'sessiond backup in the container, checked' 'exit code 0' 'sessiond check /data/backup.db' \
        quiet docker exec "$(container)" /usr/bin/sessiond check /data/backup.db
}

# A stand-in for Phase 1's image: it sleeps, and its curl is content.
make_stand_in() {
    docker build -q -t bbernhard/signal-cli-rest-api:0.96 - >>"$log_folder/build.log" 2>&1 <<DOCKERFILE
FROM $base_image
RUN printf '#!/bin/sh\nexit 0\n' >/usr/bin/curl && chmod +x /usr/bin/curl
CMD ["sleep", "infinity"]
DOCKERFILE
}

# beside_phase1 HOW FLAG…: the stack of these files has both services, and one reaches the other by name.
beside_phase1() {
    local how=$1 signal answer
    shift
    compose down >/dev/null 2>&1
    compose "$@" up -d >/dev/null 2>&1
    signal=$(compose "$@" ps -q signal-api)
    await 60 ready
    answer=$(docker exec "$signal" bash -c "exec 3<>/dev/tcp/sessiond/8082 &&
        printf 'GET /readyz HTTP/1.1\r\nHost: sessiond\r\nConnection: close\r\n\r\n' >&3 && head -n 1 <&3" | tr -d '\r')
    same "Phase 1 $how: services" 'sessiond signal-api' "$(compose "$@" ps --services | sort | xargs)"
    same "Phase 1 $how: signal-api asks sessiond:8082" 'HTTP/1.1 200 OK' "$answer"
    row "Phase 1 $how: sessions" 'those of before' "$(sessions | wc -l)" test "$(sessions | wc -l)" -ge 24
    compose "$@" down >/dev/null 2>&1
}

in_volume() { docker run --rm -v "$volume:/data" "$base_image" sh -c "$1" >/dev/null 2>&1; }

test_full_disk() {
    docker volume create -o type=tmpfs -o device=tmpfs -o o=size=8m,uid=65532,gid=65532,mode=0700 "$volume" >/dev/null
    docker run -d --name "$volume" -e SESSIOND_TOKEN --read-only -v "$volume:/data" --health-interval 500ms --health-retries 1 "$image" >/dev/null
    await 30 health_is "$volume" healthy
    same 'health on a volume of 8 MiB' healthy "$(health "$volume")"
    in_volume 'dd if=/dev/zero of=/data/ballast bs=64k'
    await 30 health_is "$volume" unhealthy
    same 'health when it is full' unhealthy "$(health "$volume")"
    in_volume 'rm /data/ballast'
    await 30 health_is "$volume" healthy
    same 'health when there is space again' healthy "$(health "$volume")"
    same 'and it was not restarted meanwhile' '0 true' "$(setting "$volume" '{{.RestartCount}} {{.State.Running}}')"
    docker rm -f "$volume" >/dev/null
}

test_stop() {
    local id began took
    compose up -d >/dev/null 2>&1
    await 60 ready
    id=$(container)
    began=$(milliseconds)
    compose stop >/dev/null 2>&1
    took=$(($(milliseconds) - began))
    row 'compose stop' 'under 10 s, exit code 0' "$took ms, exit code $(setting "$id" '{{.State.ExitCode}}')" \
        test "$took" -lt 10000 -a "$(setting "$id" '{{.State.ExitCode}}')" = 0
    row 'the last line of its log' '"event":"stopped"' "$(docker logs --tail 1 "$id" 2>&1 | jq -r .event)" \
        grep -q '"event":"stopped"' <(docker logs --tail 1 "$id" 2>&1)
}

main() {
    engine_answers || { start_engine && started_engine=yes; } || exit 1
    trap clean_up EXIT
    build_image "$SESSIOND_TAG" && make_stand_in || { say 'The image was not built.'; exit 1; }
    compose "${merged[@]}" down -v --remove-orphans >/dev/null 2>&1
    table_head
    test_image
    test_start
    test_tour
    test_confinement
    test_access
    test_sessions
    beside_phase1 'merged' "${merged[@]}"
    beside_phase1 'extended' "${extended[@]}"
    test_full_disk
    test_stop
    table_foot
}

main
