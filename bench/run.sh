#!/usr/bin/env bash
# The benchmarks: sessiond beside its ceilings and its neighbours, in one table, ratios first.
#
#   run.sh BINARY [options]
#     --rounds N        rounds, of which the medians count (5)
#     --seconds N       seconds a measurement (2)
#     --only REGEX      only the rows "operation connections disk" that match
#     --quick           one short round of the rows that have a target: a smoke test
#     --against OTHER   compare BINARY with another sessiond instead
#
# The contenders of a row take turns, so that what else the machine does meets them alike; a ratio
# is the median over the rounds of the ratio within each. BENCH_TOOLS names the folder of the
# programs that bench/CMakeLists.txt makes.
set -euo pipefail

bench=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=${bench%/*}
folder=$root/build/bench
tools=${BENCH_TOOLS:-$root/build/release/bench}
threads=$(nproc)
rows=100000
rounds=5
seconds=2
warm_up=1
only=
quick=no
declare -A binary=()

# operation, connections, disk, contenders; the first is compared with each of the others
plan=(
    "get 1 plain sessiond bare_http redis fastify"
    "get 64 plain sessiond bare_http redis fastify"
    "get 256 plain sessiond bare_http redis fastify"
    "list 1 plain sessiond bare_http fastify"
    "list 64 plain sessiond bare_http fastify"
    "list 256 plain sessiond bare_http fastify"
    "list_contexts 1 plain sessiond bare_http fastify"
    "list_contexts 64 plain sessiond bare_http fastify"
    "list_contexts 256 plain sessiond bare_http fastify"
    "create 1 plain sessiond bare_http sqlite_1 redis fastify"
    "create 64 plain sessiond bare_http sqlite_64 redis fastify"
    "create 256 plain sessiond bare_http sqlite_64 redis fastify"
    "append 1 plain sessiond"
    "append 64 plain sessiond"
    "append_long 1 plain sessiond"
    "append_long 64 plain sessiond"
    "patch_1k 1 plain sessiond bare_http redis fastify"
    "patch_1k 64 plain sessiond bare_http redis fastify"
    "patch_1k 256 plain sessiond bare_http redis fastify"
    "patch_64k 1 plain sessiond bare_http redis fastify"
    "patch_64k 16 plain sessiond bare_http redis fastify"
    "patch_64k 64 plain sessiond bare_http redis fastify"
    "patch_64k 256 plain sessiond bare_http redis fastify"
    "create 1 slow sessiond sqlite_1 redis fastify"
    "create 64 slow sessiond sqlite_64 redis fastify"
    "create 256 slow sessiond sqlite_64 redis fastify"
)
quick_rows='^(get 64|list 64|create 1|create 64|patch_64k 16|create 64 slow)'
paired_plan=(
    "get 1 plain sessiond other"
    "get 64 plain sessiond other"
    "create 1 plain sessiond other"
    "create 64 plain sessiond other"
    "patch_1k 64 plain sessiond other"
    "patch_64k 16 plain sessiond other"
)

say() { printf '%s\n' "$*" >&2; }
die() { say "bench: $*"; exit 1; }
usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

# shellcheck source=bench/contenders.sh
source "$bench/contenders.sh"

read_options() {
    (($# > 0)) && [[ $1 != -* ]] || usage
    binary[sessiond]=$(realpath "$1")
    shift
    while (($# > 0)); do
        case $1 in
        --rounds) rounds=${2:?} && shift ;;
        --seconds) seconds=${2:?} && shift ;;
        --only) only=${2:?} && shift ;;
        --against) binary[other]=$(realpath "${2:?}") && shift ;;
        --quick) quick=yes ;;
        *) usage ;;
        esac
        shift
    done
    if [[ $quick == yes ]]; then
        rounds=1 seconds=1 warm_up=0
        only=${only:-$quick_rows}
    fi
    [[ -z ${binary[other]:-} ]] || plan=("${paired_plan[@]}")
}

# Leaves in $no_fastify why fastify takes no part; empty when it does.
install_fastify() {
    local scratch=$folder/fastify include
    no_fastify=
    type -P npm >/dev/null && type -P node >/dev/null || { no_fastify="npm is missing" && return; }
    (($(node -p 'process.versions.node.split(".")[0]') >= 20)) || { no_fastify="Node is older than 20" && return; }
    mkdir -p "$scratch"
    cp "$bench/fastify/"* "$scratch/"
    cmp -s "$scratch/package-lock.json" "$scratch/node_modules/installed-lock.json" && return
    say "Installing fastify and better-sqlite3 into build/bench/fastify; compiling takes a minute or two …"
    # Where the headers of this Node are at hand, none are downloaded to compile with.
    include=$(dirname "$(dirname "$(readlink -f "$(type -P node)")")")
    [[ ! -f $include/include/node/node.h ]] || export npm_config_nodedir=$include
    if (cd "$scratch" && npm ci --no-audit --no-fund && node -e 'require("better-sqlite3")(":memory:")') >"$scratch/install.log" 2>&1; then
        cp "$scratch/package-lock.json" "$scratch/node_modules/installed-lock.json"
    else
        no_fastify="npm could not install it, see $scratch/install.log"
    fi
}

# Each server makes its own schema, another sessiond perhaps an older one; the sessions come in
# through SQLite.
seed() {
    local kind seeded=$folder/seeded
    mkdir -p "$folder/run" "$seeded"
    for kind in sessiond other fastify; do
        [[ $kind != other || -n ${binary[other]:-} ]] || continue
        [[ $kind != fastify || -z $no_fastify ]] || continue
        rm -f "$folder/run/$kind.db"* "$seeded/$kind.db"
        needs_copy[$kind]=no
        start_server "$kind" get plain
        stop
        "$tools/seed" "${kind/other/sessiond}" "$folder/run/$kind.db" "$rows" "$seeded/ids"
        cp "$folder/run/$kind.db" "$seeded/$kind.db"
    done
    head -n 1000 "$seeded/ids" >"$seeded/few_ids"
    head -n 1 "$seeded/ids" >"$seeded/one_id"
}

# What sessiond answers to each operation, for bare_http to repeat.
record_answers() {
    local operation operations
    mkdir -p "$folder/answers"
    rm -f "$folder/answers/"*
    needs_copy[sessiond]=yes
    start_server sessiond record plain
    mapfile -t operations < <(printf '%s\n' "${plan[@]}" | cut -d' ' -f1 | sort -u)
    for operation in "${operations[@]}"; do
        BENCH_RECORD=$folder/answers/$operation drive_wrk "$operation" 1 1 >/dev/null
        grep -qE '^20[01]$' "$folder/answers/$operation" || die "sessiond refuses to $operation"
    done
    stop
    needs_copy[sessiond]=yes
}

# One line a measurement: tab-separated for the report, JSON for whoever wants to plot it.
keep_result() { # OPERATION CONNECTIONS DISK CONTENDER ROUND
    # shellcheck disable=SC2086 # the measured words are fields
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" $measured >>"$results.tsv"
    tail -n 1 "$results.tsv" | awk -F'\t' '{
        printf "{\"operation\":\"%s\",\"connections\":%d,\"disk\":\"%s\",\"contender\":\"%s\",\"round\":%d,", $1, $2, $3, $4, $5
        printf "\"requests\":%d,\"seconds\":%.3f,\"per_second\":%.1f,\"errors\":%d,", $6, $7, ($7 > 0 ? $6 / $7 : 0), $8
        printf "\"cpu_us\":%.2f,\"rss_kib\":%d,\"p50_us\":%d,\"p99_us\":%d}\n", $9, $10, $11, $12 }' >>"$results.jsonl"
}

# Every second round goes backwards, so that none always follows the same neighbour.
run_row() { # OPERATION CONNECTIONS DISK CONTENDER…
    local operation=$1 connections=$2 disk=$3 round contender turn
    shift 3
    say "$operation, $connections connections, $disk disk"
    for ((round = 1; round <= rounds; round++)); do
        turn=("$@")
        ((round % 2)) || mapfile -t turn < <(printf '%s\n' "$@" | tac)
        for contender in "${turn[@]}"; do
            [[ $contender != fastify || -z $no_fastify ]] || continue
            measure "$contender" "$operation" "$connections" "$disk"
            keep_result "$operation" "$connections" "$disk" "$contender" "$round"
        done
    done
}

run_plan() {
    local row words
    for row in "${plan[@]}"; do
        read -ra words <<<"$row"
        [[ "${words[*]:0:3}" =~ ${only:-.} ]] || continue
        run_row "${words[@]}"
    done
}

# Other work on the machine blurs every figure here.
warn_if_busy() {
    local load
    read -r load _ </proc/loadavg
    ((${load%.*} == 0)) || say "The machine is busy (load $load before the first measurement): the ratios will be blurred."
}

read_options "$@"
trap stop EXIT
mkdir -p "$folder/run"
results=$folder/results-$(date +%Y%m%dT%H%M%S)
: >"$results.tsv"
if [[ -n ${binary[other]:-} ]]; then no_fastify="not asked for"; else install_fastify; fi
warn_if_busy
seed
record_answers
run_plan
rm -rf "$folder/run"
awk -f "$bench/report.awk" -v rounds="$rounds" -v seconds="$seconds" -v no_fastify="$no_fastify" "$results.tsv" ||
    exit 1
say "Each measurement as a line of JSON: $results.jsonl"
