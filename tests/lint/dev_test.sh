#!/usr/bin/env bash
# ./dev explains itself, and the commands that ./dev run suggests reach the service that it starts.
#
#   dev_test.sh SOURCE_DIR
#
# Exit: 0 all as expected, 1 something is not.
set -uo pipefail
cd "$1" || exit 1
failed=0

# expect WHAT EXPECTED ACTUAL
expect() {
    [[ $2 == "$3" ]] && return
    printf 'not ok - %s: %s, not %s\n' "$1" "$3" "$2"
    failed=1
}

# The functions of ./dev that this test calls, without running a command.
# shellcheck source=/dev/null
source <(sed -n '/^flag_value() {/,/^}/p;/^reach_service() {/,/^}/p' dev)

# expect_reach EXPECTED [flags]: what curl needs for a service that was started with these flags.
expect_reach() {
    local curl_options base_url expected=$1
    shift
    reach_service "$@"
    expect "curl for '$*'" "$expected" "$curl_options $base_url"
}

unset SESSIOND_LISTEN SESSIOND_TOKEN SESSIOND_TOKEN_FILE SESSIOND_TLS_CERT
expect_reach ' http://127.0.0.1:8082'
expect_reach ' http://127.0.0.1:9000' --listen=127.0.0.1:9000
expect_reach ' http://127.0.0.1:9000' --listen 0.0.0.0:9000
expect_reach ' http://[::1]:9000' --listen '[::]:9000'
expect_reach ' --unix-socket /run/s.sock http://localhost' --listen unix:/run/s.sock
expect_reach ' --cacert c.pem https://127.0.0.1:8082' --tls-cert c.pem --tls-key k.pem
# shellcheck disable=SC2016 # the text that is printed
expect_reach ' -H "Authorization: Bearer $SESSIOND_TOKEN" http://127.0.0.1:8082' --token-file tokens
# shellcheck disable=SC2016 # the text that is printed
SESSIOND_TOKEN=x SESSIOND_LISTEN=unix:/s expect_reach ' -H "Authorization: Bearer $SESSIOND_TOKEN" --unix-socket /s http://localhost'

expect_reach ' --cacert my\ folder/c.pem --unix-socket /run/my\ folder/s https://localhost' --tls-cert 'my folder/c.pem' \
    --listen 'unix:/run/my folder/s'

# A policy of the system that stays behind would keep every service from starting after an installation.
policy_after_a_signal() {
    local folder
    folder=$(mktemp -d)
    setsid bash -c "$(sed -n '/^without_services() (/,/^)/p' dev | sed "s|/usr/sbin/policy-rc.d|$folder/policy-rc.d|")
        without_services kill -TERM 0" 2>/dev/null | cat # until all processes of it have ended
    ls "$folder"
    rm -rf "$folder"
}
((EUID != 0)) || expect 'policy-rc.d after a signal' '' "$(policy_after_a_signal)"

expect './dev --help' 1 "$(./dev --help | grep -c '^  test  ')"
expect './dev test --help' 1 "$(./dev test --help | grep -c '^  test  ')"
./dev nothing >/dev/null 2>&1
expect 'the exit status of an unknown command' 2 $?
exit $failed
