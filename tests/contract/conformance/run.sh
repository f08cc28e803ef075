#!/usr/bin/env bash
# Gives Schemathesis a running service and the contract that it serves: all checks on, stateful
# links included. Fails on any finding, when the service does not end with 0, or when its log has a
# sanitizer's report. The seed is fixed, so that a run can be repeated; SESSIOND_CONFORMANCE_SEED
# sets another. Some minutes.
#
# usage: tests/contract/conformance/run.sh BINARY [options of `schemathesis run`]
set -euo pipefail
binary=$(readlink -f "${1:?usage: tests/contract/conformance/run.sh BINARY [options of schemathesis run]}")
shift
cd "$(dirname "$(readlink -f "$0")")/../../.."
here=$PWD/tests/contract/conformance
tools=$PWD/build/tools/schemathesis
results=$PWD/build/conformance
seed=${SESSIOND_CONFORMANCE_SEED:-20261123}
# The tester ends a stateful round when a replay takes another course, which ids and times that are
# new each time bring about. Rounds with seeds of their own make up for it.
stateful_rounds=8
least_scenarios=100
least_successes=1000
service=
# The contract asks for a token, so the service does, too.
export SESSIOND_TOKEN=sd_conformance

say() { printf 'conformance: %s\n' "$*" >&2; }

install_tester() {
    cmp -s "$here/requirements.txt" "$tools/installed.txt" && return
    say "installing $(grep '^schemathesis==' "$here/requirements.txt") into build/tools/schemathesis"
    rm -rf "$tools"
    /usr/bin/python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$tools/installed.txt"
}

# Whatever happens, the service does not outlive this script.
clean_up() {
    [[ -z $service ]] || kill -KILL "$service" 2>/dev/null || true
    rm -rf "$database_folder"
}

# Sets `service` to the process and `address` to where it listens.
start_service() {
    "$binary" --listen 127.0.0.1:0 --db "$database_folder/sessions.db" </dev/null 2>"$log" &
    service=$!
    for ((tenths = 0; tenths < 600; tenths++)); do
        address=$(sed -nE '/"event": ?"listening"/s/.*"address": ?"([^"]+)".*/\1/p' "$log" | head -n 1)
        [[ -z $address ]] || return 0
        kill -0 "$service" 2>/dev/null || break
        sleep 0.1
    done
    say "the service did not start:"
    cat "$log" >&2
    exit 1
}

# False when the service ends with anything but 0, or not within 30 s.
stop_service() {
    local status=0
    kill -TERM "$service" 2>/dev/null || true
    (sleep 30 && kill -KILL "$service") 2>/dev/null &
    local watchdog=$!
    wait "$service" || status=$?
    kill "$watchdog" 2>/dev/null || true
    service=
    ((status == 0)) || say "the service ended with $status, not 0"
    return $status
}

# run_tester PHASES SEED [options]
run_tester() {
    local phases=$1 seed=$2
    shift 2
    (
        cd "$results"
        PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 NO_COLOR=1 PYTHONPATH=$here SCHEMATHESIS_HOOKS=hooks "$tools/bin/schemathesis" --config-file "$here/schemathesis.toml" \
            run "$results/openapi.yaml" --url "http://$address" --checks all --seed "$seed" \
            --phases "$phases" --workers 1 --continue-on-failure "$@"
    )
}

# Says more only of a round that fails. False when there was one, or too few scenarios in all.
run_stateful_rounds() {
    local round scenarios=0 found status=0 report=$results/stateful.txt
    for ((round = 1; round <= stateful_rounds; round++)); do
        if ! run_tester stateful $((seed + round)) "$@" >"$report" 2>&1; then
            cat "$report"
            say "stateful round $round failed, seed $((seed + round))"
            status=1
        fi
        found=$(sed -nE 's/^ *Scenarios: *([0-9]+).*/\1/p' "$report")
        scenarios=$((scenarios + ${found:-0}))
    done
    say "$stateful_rounds stateful rounds, $scenarios scenarios"
    ((scenarios >= least_scenarios)) || { say "fewer than $least_scenarios"; status=1; }
    return $status
}

install_tester
rm -rf "$results"
mkdir -p "$results"
log=$results/service.log
database_folder=$(mktemp -d)
trap clean_up EXIT

failed=0
start_service
curl -sf "http://$address/openapi.yaml" -H "Authorization: Bearer $SESSIOND_TOKEN" -o "$results/openapi.yaml"
say "seed $seed, service at $address"
run_tester examples,coverage,fuzzing,stateful "$seed" --report junit \
    --report-junit-path "$results/junit.xml" "$@" || failed=1
run_stateful_rounds "$@" || failed=1
stop_service || failed=1
successes=$(grep -cE '"status":2[0-9]{2}\b' "$log" || true)
((successes >= least_successes)) || { say "$successes requests were carried out, fewer than $least_successes"; failed=1; }
if grep -nE 'ERROR: [A-Za-z]+Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$log" >&2; then
    say "the service's log has a sanitizer's report: $log"
    failed=1
fi
say "$([[ $failed == 0 ]] && echo passed || echo FAILED), $(wc -l <"$log") log lines, $SECONDS s"
exit $failed
