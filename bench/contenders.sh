# shellcheck shell=bash disable=SC2034,SC2154
# Starting, driving and stopping what is compared. Uses what run.sh has set:
# folder, tools, bench, threads, rows, seconds, warm_up, and binary[NAME].

declare -A needs_copy=()
server=
port=
redis_per_second=0
measured=

# The programs that the slow disk applies to get it by preloading.
slowly() {
    local disk=$1
    shift
    if [[ $disk == slow ]]; then
        exec env LD_PRELOAD="$tools/slow_fsync.so" BENCH_FSYNC_DELAY_MS=4 "$@"
    fi
    exec "$@"
}

is_writing() { [[ $1 == create || $1 == patch_* || $1 == append* ]]; }

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    port=$((20000 + RANDOM % 10000))
    while listens "$port"; do port=$((port + 1)); done
}

# Reads a server's log to its end, as a container's log driver would.
keep_beginning() {
    head -c 4096 >"$folder/server.log"
    exec cat >/dev/null
}

# start DISK COMMAND…: runs a server that will listen on $port.
start() {
    local disk=$1 tries=0
    shift
    (slowly "$disk" "$@" >/dev/null 2> >(keep_beginning)) &
    server=$!
    until listens "$port"; do
        kill -0 "$server" 2>/dev/null && ((tries++ < 500)) || die "$1 did not start; see $folder/server.log"
        sleep 0.02
    done
}

stop() {
    [[ -n $server ]] || return 0
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}

# seeded_file KIND: a fresh copy of the seeded database where the last was written to.
seeded_file() {
    local kind=$1 file=$folder/run/$1.db
    if [[ ${needs_copy[$kind]:-yes} == yes ]]; then
        rm -f "$file"*
        cp "$folder/seeded/$kind.db" "$file"
        sync "$file"
        needs_copy[$kind]=no
    fi
}

start_server() { # CONTENDER OPERATION DISK
    local file
    free_port
    case $1 in
    sessiond | other)
        seeded_file "$1"
        start "$3" "${binary[$1]}" --listen "127.0.0.1:$port" --db "$folder/run/$1.db" --threads "$threads"
        ;;
    bare_http)
        start "$3" "$tools/bare_http" "$port" "$threads" "$folder/answers/$2"
        ;;
    fastify)
        seeded_file fastify
        start "$3" env NODE_ENV=production node "$folder/fastify/server.js" "$port" "$folder/run/fastify.db"
        ;;
    redis)
        rm -rf "$folder/run/redis"
        mkdir -p "$folder/run/redis"
        start "$3" redis-server --port "$port" --bind 127.0.0.1 --dir "$folder/run/redis" --save '' \
            --appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0
        ;;
    esac
}

# --- One drive of a running server; prints: requests, seconds, errors, p50 µs, p99 µs --------

wrk_arguments() { # OPERATION
    case $1 in
    patch_1k) echo "patch.lua $folder/seeded/ids 1024" ;;
    append*) echo "append.lua $folder/seeded/one_id" ;; # whose log is empty, or long: fill_log
    patch_64k) echo "patch.lua $folder/seeded/few_ids 65536" ;; # few: or the file would grow by gigabytes
    *) echo "$1.lua $folder/seeded/ids" ;;
    esac
}

drive_wrk() { # OPERATION CONNECTIONS SECONDS
    local script arguments wrk_threads=$threads
    read -r script arguments <<<"$(wrk_arguments "$1")"
    (($2 >= wrk_threads)) || wrk_threads=$2
    # shellcheck disable=SC2086 # the arguments are words
    BENCH_WRK=$bench/wrk wrk -t "$wrk_threads" -c "$2" -d "${3}s" --timeout 10s -s "$bench/wrk/$script" \
        "http://127.0.0.1:$port" -- $arguments |
        awk '/^bench / { printf "%d %.6f %d %d %d\n", $2, $3 / 1e6, $4, $5, $6 }'
}

# What sessiond answers, without the headers.
answer_bytes() { sed '1,/^$/d' "$folder/answers/$1" | wc -c; }

# redis-benchmark counts requests, not seconds: calibrate_redis tells how many a second.
redis_benchmark() { # OPERATION CONNECTIONS REQUESTS
    local test="set" keys=$rows
    [[ $1 == get ]] && test="get"
    [[ $1 == create ]] && keys=1000000000
    [[ $1 == patch_64k ]] && keys=1000
    redis-benchmark -h 127.0.0.1 -p "$port" -c "$2" -n "$3" -t "$test" -r "$keys" -d "$(answer_bytes "$1")" --csv 2>/dev/null |
        awk -F'"' -v n="$3" 'NR == 2 { printf "%d %.6f 0 %d %d\n", n, n / $4, $10 * 1000, $14 * 1000 }'
}

calibrate_redis() { # OPERATION CONNECTIONS
    local requests=$((50 + 10 * $2)) took=0
    while [[ $took == 0 ]] || awk "BEGIN { exit !($took < 0.25) }"; do
        requests=$((requests * 2))
        read -r _ took _ < <(redis_benchmark "$1" "$2" "$requests") || die "redis-benchmark failed"
    done
    redis_per_second=$(awk "BEGIN { printf \"%d\", $requests / $took }")
}

drive_redis() { # OPERATION CONNECTIONS SECONDS
    redis_benchmark "$1" "$2" $((redis_per_second * $3))
}

fill_redis() { # OPERATION
    awk -v n="$rows" -v size="$(answer_bytes "$1")" 'BEGIN {
        value = sprintf("%*s", size, ""); gsub(/ /, "x", value)
        for (i = 0; i < n; i++) printf "SET key:%012d %s\r\n", i, value }' |
        redis-cli -p "$port" --pipe >/dev/null
}

# 100,000 entries of about 1 KiB, a thousand a request.
fill_log() {
    local id batch
    id=$(<"$folder/seeded/one_id")
    for ((batch = 0; batch < 100; batch++)); do
        awk -v batch="$batch" 'BEGIN {
            srand(batch); text = sprintf("%944s", ""); gsub(/ /, "x", text)
            for (i = 0; i < 1000; i++)
                printf "{\"uuid\":\"%08x-%04x-%08x\",\"text\":\"%s\"}\n", rand() * 2 ^ 31, i, batch, text }' |
            curl -sSf -o /dev/null -H 'Content-Type: application/x-ndjson' --data-binary @- \
                "http://127.0.0.1:$port/sessions/$id/entries" || die "the log cannot be filled"
    done
}

drive() {
    if [[ $1 == redis ]]; then drive_redis "${@:2}"; else drive_wrk "${@:2}"; fi
}

cpu_us() {
    awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%d", ($12 + $13) * 1e6 / tick }' "/proc/$server/stat"
}

warm() { # CONTENDER OPERATION CONNECTIONS
    if [[ $1 == redis ]]; then
        [[ $2 != get ]] || fill_redis "$2"
        calibrate_redis "$2" "$3"
    elif ((warm_up > 0)); then
        drive_wrk "$2" "$3" "$warm_up" >/dev/null
    fi
}

measure_server() { # CONTENDER OPERATION CONNECTIONS DISK
    local before after drove rss
    start_server "$1" "$2" "$4"
    [[ $2 != append_long ]] || fill_log
    warm "$1" "$2" "$3"
    before=$(cpu_us)
    drove=$(drive "$1" "$2" "$3" "$seconds")
    after=$(cpu_us)
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$server/status")
    stop
    ! is_writing "$2" || needs_copy[$1]=yes
    measured=$(awk -v drove="$drove" -v cpu="$((after - before))" -v rss="$rss" 'BEGIN {
        split(drove, f, " ")
        print f[1] + 0, f[2] + 0, f[3] + 0, (f[1] > 0 ? cpu / f[1] : 0), rss, f[4] + 0, f[5] + 0 }')
}

measure_sqlite() { # BATCH DISK
    local inserts took cpu rss
    seeded_file sessiond
    needs_copy[sessiond]=yes
    read -r inserts took cpu rss < <(slowly "$2" "$tools/bare_sqlite" "$folder/run/sessiond.db" "$1" "$seconds") ||
        die "bare_sqlite failed"
    measured="$inserts $took 0 $cpu $rss 0 0"
}

# measure CONTENDER OPERATION CONNECTIONS DISK: leaves in $measured: requests, seconds, errors,
# CPU µs per request, RSS in KiB, p50 µs, p99 µs.
measure() {
    case $1 in
    sqlite_*) measure_sqlite "${1#sqlite_}" "$4" ;;
    *) measure_server "$@" ;;
    esac
}
