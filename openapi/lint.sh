#!/usr/bin/env bash
# Lints openapi.yaml; any finding, also a warning, is a failure. The linter is installed into
# build/tools/openapi-lint when it is not there in this version. 1.34 is the last line of it that
# runs on Debian 12's Node 18.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

version=1.34.20
folder=$PWD/build/tools/openapi-lint
linter=$folder/node_modules/.bin/redocly
report=$folder/report.txt

if [[ ! -x $linter || $(cat "$folder/version" 2>/dev/null) != "$version" ]]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
        "@redocly/cli@$version" >&2
    echo "$version" >"$folder/version"
fi

export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true NO_COLOR=1
status=0
"$linter" lint --config openapi/redocly.yaml --format=codeframe openapi/openapi.yaml >"$report" 2>&1 || status=$?
cat "$report"
# The linter ends with 0 after mere warnings.
if ((status == 0)) && ! grep -q 'Your API description is valid' "$report" || grep -qE '[0-9]+ warnings?' "$report"; then
    status=1
fi
exit $status
