# shellcheck shell=bash
# The table that the tests of the image and of the package print: sourced.

rows_failed=0
rows=0

declare -F say >/dev/null || say() { printf "%s\n" "$*" >&2; }
quiet() { "$@" >/dev/null 2>&1; }
milliseconds() { date +%s%3N; }

table_head() { printf '%-54s  %-30s  %-44s  %s\n' what expected measured ''; }

# row WHAT EXPECTED MEASURED COMMAND…: holds when the command succeeds.
row() {
    local what=$1 expected=$2 measured=$3 outcome=ok
    shift 3
    "$@" || { outcome=FAILED; rows_failed=$((rows_failed + 1)); }
    rows=$((rows + 1))
    printf '%-54s  %-30s  %-44s  %s\n' "$what" "$expected" "$measured" "$outcome"
}

# same WHAT EXPECTED MEASURED: a row that holds when both are one text.
same() { row "$1" "$2" "$3" test "$2" = "$3"; }

table_foot() {
    printf '%d rows ok, %d FAILED\n' $((rows - rows_failed)) "$rows_failed"
    ((rows > 0 && rows_failed == 0))
}

# await SECONDS COMMAND…: polls until it succeeds.
await() {
    local until=$(($(milliseconds) + $1 * 1000))
    shift
    until "$@" >/dev/null 2>&1; do
        (($(milliseconds) < until)) || return 1
        sleep 0.02
    done
}
