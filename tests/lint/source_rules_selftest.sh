#!/usr/bin/env bash
# Shows that every rule of source_rules.sh can fail: plants small violations, one
# at a time, in a tree that keeps all rules, and expects the rule to speak
# up.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lint/source_rules.sh
source "$here/source_rules.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
good=$scratch/good
bad=$scratch/bad
passed=0
failed=0
planted=()

verdict() {
    local outcome=$1
    shift
    if [[ $outcome == ok ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "$outcome - $*"
}

target() {
    printf '%s\n' "add_library($1 STATIC $1.c)" "target_link_libraries($1 $2)" >"$good/$1/CMakeLists.txt"
}

# compile SOURCE_DIR: the objects where CMake would leave them.
compile() {
    local source object
    while read -r source; do
        object=$1/build/${source#"$1/"}
        object=$(dirname "$object")/CMakeFiles/x.dir/$(basename "$source").o
        mkdir -p "$(dirname "$object")"
        gcc -std=c17 -w -O1 -I"$1" -c "$source" -o "$object" || exit 2
    done < <(find "$1"/{service,routes,db} -name '*.c')
}

# The smallest tree that keeps every rule.
make_good_tree() {
    local layer
    for layer in service routes db openapi; do
        mkdir -p "$good/$layer"
        printf '/* What %s is. */\nint %s_run(void);\n' $layer $layer >"$good/$layer/run.h"
        printf '#include "%s/run.h"\n\nint %s_run(void)\n{\n    return 0;\n}\n' $layer $layer >"$good/$layer/run.c"
    done
    printf '/* The door. */\n#define MUST_USE\nstruct error;\nMUST_USE _Bool store_open(int fd, struct error *err);\n' >"$good/db/store.h"
    printf '#include "db/store.h"\n' >"$good/routes/session.c"
    mkdir -p "$good/db/full" && tee "$good"/db/full/f{1..30}.h <<<'/* One of thirty. */' >/dev/null
    printf 'Start at: `run.c`.\n' | tee "$good"/{service,routes,db}/README.md >/dev/null
    printf 'Start at: `f1.h`.\n' >"$good/db/full/README.md"
    printf '/* Names. */\nconst void *db_names(void);\n' >"$good/db/names.h"
    printf '#include "db/names.h"\n' >>"$good/db/run.c"
    printf 'static const char *const names[] = {"a"};\nconst void *db_names(void) { return names; }\n' >"$good/db/names.c"
    target service 'PRIVATE routes PkgConfig::MICROHTTPD'
    target routes 'PUBLIC db PRIVATE PkgConfig::JSONC'
    target db 'PUBLIC Threads::Threads PRIVATE PkgConfig::SQLITE'
    target openapi 'PRIVATE options'
    printf 'build: cmake\nbuild: gcc\ntest: curl\n' >"$good/packages.txt"
    printf '# Project\n\n```sh\n# Ending a comment\n```\n\nNobody is told.\n' >"$good/README.md"
    compile "$good"
}

# finds RULE DIR: what the rule says about the tree.
finds() {
    (enter "$2" "$2/build" && "$1")
}

# plant RULE FILE TEXT: appends TEXT (a printf format) to FILE of a fresh copy.
plant() {
    local rule=$1 file=$2 text=$3 shown=${3:0:50}
    planted+=("$rule")
    rm -rf "$bad"
    cp -a "$good" "$bad"
    mkdir -p "$(dirname "$bad/$file")"
    # shellcheck disable=SC2059
    printf "$text" >>"$bad/$file"
    [[ $rule != mutable_globals ]] || compile "$bad"
    if [[ -n $(finds "$rule" "$bad") ]]; then
        verdict ok "$rule finds '${shown//$'\n'/\\n}' in $file"
    else
        verdict 'not ok' "$rule overlooks '${shown//$'\n'/\\n}' in $file"
    fi
}

lines() {
    printf "$2%.0s" $(seq "$1")
}

plant_all() {
    plant file_sizes db/long.c "$(lines 801 '\\n')"
    plant file_sizes tests/long.h "$(lines 201 '\\n')"
    plant folder_sizes db/full/f31.c 'int f;\n'
    plant folder_readmes db/new/run.c 'int run;\n'
    plant folder_readmes db/README.md 'Start at: `gone.c`.\n'
    plant function_sizes db/f.c "int f(void)\n{\n$(lines 48 '    ;\\n')}\n"
    plant function_sizes db/f.c "$(lines 9 "int f(void)\\n{\\n$(lines 14 '    ;\\n')}\\n")"
    plant function_sizes tests/f.c "int f(void)\n{\n$(lines 48 '    ;\\n')}\n"
    plant third_party_headers service/app/log.c '#include <microhttpd.h>\n'
    plant third_party_headers routes/sessions/item.c '#include <json-c/json.h>\n'
    plant third_party_headers routes/json/tree.h '/* Trees. */\n#include <json.h>\n'
    plant third_party_headers service/app/log.c '#  include <sqlite3.h>\n'
    plant third_party_headers db/sqlite/engine.c '#include <uuid/uuid.h>\n'
    plant third_party_headers service/sandbox/sandbox.c '#include <seccomp.h>\n'
    plant third_party_headers service/app/log.c '#include <linux/landlock.h>\n'
    plant full_include_paths db/names.c '#include "run.h"\n'
    plant full_include_paths routes/run.c '#include "x/../y.h"\n'
    plant include_circles db/names.h '#include "db/run.h"\n'
    plant db_arrows db/run.c '#include "routes/run.h"\n'
    plant db_arrows db/run.c '#include "service/run.h"\n'
    plant routes_arrows routes/run.c '#include "service/run.h"\n'
    plant routes_arrows routes/run.c '#include "db/run.h"\n'
    plant link_arrows db/CMakeLists.txt 'target_link_libraries(db PRIVATE\n  routes)\n'
    plant link_arrows routes/CMakeLists.txt 'target_link_libraries(routes PUBLIC service)\n'
    plant engine_in_its_place routes/run.c '#include "db/sqlite/write/lease.h"\n'
    plant engine_in_its_place db/base/run.c '#include "db/sqlite/engine.h"\n'
    plant sql_in_its_place routes/run.c 'const char *q = "SELECT id FROM sessions";\n'
    plant sql_in_its_place routes/run.c 'struct sqlite3 *db;\n'
    plant sql_in_its_place db/store.h 'struct sqlite3;\n'
    plant sql_in_its_place db/store/list.h '/* SQLite. */\n'
    plant http_in_its_place db/run.h 'struct MHD_Connection;\n'
    plant http_in_its_place db/run.c 'struct json_object *tree;\n'
    plant sockets_in_their_place routes/run.c '#include <sys/socket.h>\n'
    plant mutable_globals db/count.c 'static int calls;\nint count(void)\n{\n    return ++calls;\n}\n'
    plant mutable_globals routes/count.c 'int count(void)\n{\n    static int calls = 1;\n    return ++calls;\n}\n'
    plant mutable_globals service/app/log.c 'const char *level = "info";\n'
    plant mutable_globals service/app/log.c '_Thread_local int depth;\n'
    plant control_flow_macros db/run.h '#define CHECK(x) if (!(x)) goto done\n'
    plant control_flow_macros db/run.h '#define TRY(x) \\\\\n    do { \\\\\n        (x); } while (0)\n'
    plant errors_are_checked db/open.h '/* Opens. */\n_Bool db_open(const char *path,\n             struct error *err);\n'
    plant headers_say_what_they_are db/open.h 'int db_open(void);\n'
    plant no_grab_bags service/utils.c 'int x(void);\n'
    plant no_grab_bags db/db.h '/* All. */\nint x(void);\n'
    plant no_grab_bags db/every.h '/* All. */\n#include "db/run.h"\n#include "db/store.h"\n'
    plant one_target_per_folder db/CMakeLists.txt 'add_library(more STATIC more.c)\n'
    plant private_links db/CMakeLists.txt 'target_link_libraries(db\n  PUBLIC PkgConfig::UUID)\n'
    plant private_links routes/CMakeLists.txt 'target_link_libraries(routes PkgConfig::JSONC)\n'
    plant nothing_left_to_do db/run.c '/* TO''DO: more */\n'
    plant nothing_left_to_do dev '# FIX''ME\n'
    plant package_list packages.txt 'build: zlib1g-dev\n'
    plant package_list packages.txt 'test: curl wget\n'
    plant standard_terms_in_headings README.md '\n## Who may\n'
    plant standard_terms_in_headings docs/how-to/docker.md '\n### Ending the Service\n'
}

# A rule that no planted violation breaks proves nothing.
every_rule_is_planted() {
    local rule
    for rule in "${rules[@]}"; do
        [[ " ${planted[*]} " == *" ${rule%%:*} "* ]] || verdict 'not ok' "nothing was planted for ${rule%%:*}"
    done
}

exit_codes() {
    "$here/source_rules.sh" "$good" "$good/build" >/dev/null && verdict ok 'exit 0 when all rules are kept' ||
        verdict 'not ok' 'the tree that keeps all rules fails'
    "$here/source_rules.sh" "$bad" "$bad/build" >/dev/null
    (($? == 1)) && verdict ok 'exit 1 when one is broken' || verdict 'not ok' 'a broken rule did not fail the run'
    "$here/source_rules.sh" "$good" "$scratch" >/dev/null
    (($? == 1)) && verdict ok 'exit 1 without objects' || verdict 'not ok' 'a build folder without objects passed'
}

make_good_tree
plant_all
every_rule_is_planted
exit_codes
echo "$passed passed, $failed failed"
((failed == 0))
