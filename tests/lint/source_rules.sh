#!/usr/bin/env bash
# The rules of the house, each a function that prints what breaks it and
# nothing when all is well.
#
#   source_rules.sh SOURCE_DIR [BUILD_DIR]
#
# BUILD_DIR holds the compiled objects; without it the one rule that reads
# them is reported as skipped. Exit: 0 every rule kept, 1 one broken, 2 usage.
set -uo pipefail

layers=(service routes db)
c_folders=(service routes db openapi tests bench)
# What routes/ may see of db/: the operations and figures of the store, and the values they are made of.
door='store|store/stats|store/session|base/error|base/slice|base/timestamp'
# Functions that set an error and always return false, to be returned in turn.
error_makers='error_set|sqlite_error_set|query_reject|api_response_reject'

rules=(
    "file_sizes: a .c file has at most 800 lines, a .h at most 200"
    "folder_sizes: a folder has at most 30 source files"
    "folder_readmes: each folder has a README.md, and the files that it names exist"
    "function_sizes: a function has at most 50 lines; half of them have at most 15"
    "third_party_headers: each third-party header is included in one place"
    "full_include_paths: a quoted include names its folder"
    "include_circles: no module includes itself by way of others"
    "db_arrows: db/ includes nothing of routes/ or service/"
    "routes_arrows: routes/ includes nothing of service/, and of db/ only the door and plain values"
    "link_arrows: no target links one above it"
    "engine_in_its_place: db/sqlite/ is included by the store's door, the commands that open a file, and itself"
    "sql_in_its_place: routes/ and the door of db/ know no SQL and no SQLite"
    "http_in_its_place: db/ knows no JSON library and no HTTP server"
    "sockets_in_their_place: routes/ knows no socket"
    "mutable_globals: nothing that can be written outlives a call"
    "control_flow_macros: no macro jumps or branches"
    "errors_are_checked: what takes a struct error is marked MUST_USE"
    "headers_say_what_they_are: a header opens with a comment"
    "no_grab_bags: no file of mixed helpers, no umbrella header"
    "one_target_per_folder: each folder is one CMake target"
    "private_links: third-party libraries are linked PRIVATE"
    "nothing_left_to_do: no marker of unfinished work"
    "package_list: packages.txt is sorted lines of 'purpose: package'"
    "standard_terms_in_headings: a heading of the documentation uses the terms of docs/architecture/glossary.md"
)

# sources PATTERN FOLDER…: the files below the folders that exist.
sources() {
    local pattern=$1
    shift
    find "$@" -name "$pattern" -type f 2>/dev/null | sort
}

# search REGEX FILE…: matches as file:line:text; no files, no matches.
search() {
    local regex=$1
    shift
    (($# == 0)) || grep -HnE "$regex" "$@"
}

# search_layers REGEX FOLDER…: the same in the C files of the folders.
search_layers() {
    local regex=$1 files
    shift
    mapfile -t files < <(sources '*.[ch]' "$@")
    search "$regex" "${files[@]}"
}

file_sizes() {
    local file limit lines
    for file in $(sources '*.[ch]' "${c_folders[@]}"); do
        [[ $file == *.c ]] && limit=800 || limit=200
        lines=$(wc -l <"$file")
        ((lines <= limit)) || echo "$file has $lines lines, more than $limit"
    done
}

folder_sizes() {
    sources '*.[ch]' "${layers[@]}" | sed 's#/[^/]*$##' | uniq -c |
        awk '$1 > 30 { print $2 " has " $1 " source files, more than 30" }'
}

folder_readmes() {
    local folder name
    for folder in $(find "${layers[@]}" -type d 2>/dev/null | sort); do
        [[ -f $folder/README.md ]] || { echo "$folder has no README.md"; continue; }
        for name in $(grep -oE '`[a-z0-9_./]+\.(c|h|sql|cmake)`' "$folder/README.md" | tr -d '`' | sort -u); do
            [[ -e $folder/$name || -e $name ]] || echo "$folder/README.md names $name, which is not there"
        done
    done
}

# One line per function: lines, file, name.
function_lengths() {
    local files
    mapfile -t files < <(sources '*.[ch]' "$@")
    ((${#files[@]} == 0)) && return
    ctags -x --languages=C --langmap=C:.c.h --kinds-C=f --_xformat='%n %{end} %F %N' "${files[@]}" |
        awk '{ print $2 - $1 + 1, $3, $4 }'
}

function_sizes() {
    function_lengths "${c_folders[@]}" |
        awk '$1 > 50 { print $2 ": " $3 " has " $1 " lines, more than 50" }'
    function_lengths "${layers[@]}" | sort -n |
        awk '{ lines[NR] = $1 }
             END { m = lines[int((NR + 1) / 2)]
                   if (NR == 0) print "ctags found no function"
                   if (m > 15) print "the median function has " m " lines, more than 15" }'
}

# included_only_in HEADER_REGEX PLACE_REGEX
included_only_in() {
    search_layers "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)[>\"]" "${layers[@]}" |
        grep -vE "^($2):" | sed "s#\$# -- belongs in $2#"
}

third_party_headers() {
    included_only_in 'microhttpd\.h' 'service/http/(request_handler\.c|daemon\.h)'
    included_only_in '(json-c/)?json[a-z_]*\.h|json-c/.*' 'routes/json/body\.c|service/cli/api_response\.c'
    included_only_in 'sqlite3(ext)?\.h' 'db/sqlite/([a-z]+/)*[a-z_0-9]+\.[ch]'
    included_only_in '(uuid/)?uuid\.h' 'db/base/uuid\.c'
    included_only_in 'gnutls/.*' 'service/net/tls[a-z_]*\.c'
    included_only_in 'curl/.*' 'service/cli/http_client\.c'
    included_only_in 'nettle/.*' 'routes/core/sha256\.c'
    included_only_in 'seccomp\.h' 'service/sandbox/seccomp\.c'
    included_only_in 'linux/landlock\.h' 'service/sandbox/landlock\.c'
}

full_include_paths() {
    search_layers '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "${layers[@]}" |
        grep -vE 'include[[:space:]]*"(service|routes|db|openapi)/([a-z0-9_]+/)*[a-z0-9_]+\.h"'
}

# A module is a .c file with its header.
include_circles() {
    search_layers '^#include "' "${layers[@]}" |
        sed -nE 's/^([^:]*)\.[ch]:[0-9]+:#include "([^"]*)\.h"$/\1 \2/p' |
        awk '$1 != $2' | tsort 2>&1 >/dev/null | sed 's/^tsort: //'
}

db_arrows() {
    search_layers '#[[:space:]]*include[[:space:]]*"(\.\./)*(routes|service|openapi)/' db
}

routes_arrows() {
    search_layers '#[[:space:]]*include[[:space:]]*"(\.\./)*service/' routes
    search_layers '#[[:space:]]*include[[:space:]]*"(\.\./)*db/' routes |
        grep -vE "\"db/($door)\\.h\""
}

# The commands that work on a file while the service is stopped open it themselves.
engine_in_its_place() {
    search_layers '#[[:space:]]*include[[:space:]]*"db/sqlite/' "${layers[@]}" |
        grep -vE '^(db/sqlite/|service/cli/(check|restore|backup)\.c:)'
}

# CMake code of a file, comments and line ends removed.
cmake_text() {
    sed 's/#.*//' "$1" 2>/dev/null | tr '\n' ' '
}

links_of() {
    cmake_text "$1/CMakeLists.txt" | grep -oE 'target_link_libraries *\([^)]*\)'
}

link_arrows() {
    links_of db | grep -wE 'routes|service|sessiond|openapi'
    links_of routes | grep -wE 'service|sessiond'
}

sql_in_its_place() {
    local door_files statement='SELECT .*FROM|INSERT (OR [A-Z]+ )?INTO|UPDATE [a-z_]+ SET|DELETE FROM|PRAGMA |ORDER BY'
    statement+='|(CREATE|ALTER|DROP) (TABLE|INDEX|TRIGGER|VIEW)|BEGIN IMMEDIATE|ROLLBACK|SAVEPOINT|COMMIT;'
    search_layers "$statement|sqlite3" routes
    mapfile -t door_files < <(sources 'store.h' db; sources '*.h' db/store)
    search "$statement|[Ss][Qq][Ll]ite|\bSQL\b" "${door_files[@]}"
}

http_in_its_place() {
    search_layers '\bMHD_|struct json_|json_(object|tokener|c)_|<microhttpd|<json' db
}

sockets_in_their_place() {
    search_layers '<(sys/socket|sys/epoll|sys/un|netinet/.*|arpa/inet|netdb|poll)\.h>|\bMHD_' routes
}

# Objects in a writable section. .data.rel.ro is constant once the program
# runs; the names left out are those of the compilers' own instrumentation.
mutable_globals() {
    local objects
    [[ -n $build_dir ]] || return 77
    mapfile -t objects < <(find "${layers[@]/#/$build_dir/}" -name '*.o' -path '*.dir/*' 2>/dev/null)
    if ((${#objects[@]} == 0)); then
        echo "no compiled object below $build_dir"
        return
    fi
    nm -A -f sysv "${objects[@]}" 2>/dev/null | tr -d ' ' |
        awk -F'|' '$4 ~ /OBJECT|TLS|COMMON/ && $7 ~ /^\.(t?data|t?bss)|COM/ &&
                   $7 !~ /^\.data\.rel\.ro/ && $1 !~ /:__(gcov|odr_asan)/ { print $1 " in " $7 }'
}

control_flow_macros() {
    local file
    for file in $(sources '*.[ch]' "${layers[@]}"); do
        awk -v file="$file" '
            /^[ \t]*#[ \t]*define/ { inside = 1; start = FNR; body = "" }
            inside { body = body " " $0; inside = sub(/\\$/, "", body) }
            !inside && body != "" {
                gsub(/\/\*[^*]*\*\//, "", body)
                if (body ~ /[^a-zA-Z_](goto|return|break|continue|for|while|if|else|switch|case)[^a-zA-Z_]/)
                    print file ":" start ":" body
                body = ""
            }' "$file"
    done
}

errors_are_checked() {
    local header
    for header in $(sources '*.h' "${layers[@]}"); do
        awk -v file="$header" -v makers=" ($error_makers)\\(" -v RS=';' '
            { gsub(/\/\*([^*]|\*[^\/])*\*\//, ""); gsub(/#[^\n]*/, ""); gsub(/[ \t\n]+/, " ") }
            /\) ?(__attribute__.*)?$/ && / (_B|b)ool \*?[a-z_]+\(.*[ (,]struct error \*/ && !/const struct error \*[a-z_]*\)/ &&
            !/MUST_USE/ && $0 !~ makers { print file ":" $0 }' <(echo ' '; cat "$header")
    done
}

headers_say_what_they_are() {
    local header
    for header in $(sources '*.h' "${layers[@]}"); do
        [[ $(head -c 2 "$header") == '/*' ]] || echo "$header does not open with a comment"
    done
}

no_grab_bags() {
    local header
    sources '*.[ch]' "${layers[@]}" |
        grep -E '/(.*_)?(utils?|helpers?|common|misc|stuff|all|main\.h|db\.h|routes\.h|service\.h)(\.[ch])?$'
    for header in $(sources '*.h' "${layers[@]}"); do
        (($(grep -cE '^#include "' "$header") >= 2)) && ! grep -q ';' "$header" &&
            echo "$header only gathers other headers"
    done
}

one_target_per_folder() {
    local folder count
    for folder in "${layers[@]}" openapi; do
        count=$(cmake_text "$folder/CMakeLists.txt" | grep -oE '\badd_(library|executable) *\(' | wc -l)
        ((count == 1)) || echo "$folder/CMakeLists.txt makes $count targets"
    done
}

private_links() {
    local folder
    for folder in "${layers[@]}" openapi; do
        links_of "$folder" | awk -v folder="$folder" '
            { visibility = "none"
              for (i = 1; i <= NF; i++) {
                  if ($i ~ /^(PUBLIC|PRIVATE|INTERFACE)$/) visibility = $i
                  if ($i ~ /^PkgConfig::/ && visibility != "PRIVATE")
                      print folder ": " $i " is linked " visibility } }'
    done
}

nothing_left_to_do() {
    local marker='TO''DO|FIX''ME|XX''X|HA''CK'
    find . \( -name .git -o -name build -o -name node_modules -o -name .venv \) -prune -o -type f \
        \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.sql' -o -name '*.cmake' -o -name '*.md' -o \
        -name CMakeLists.txt -o -name '*.yaml' -o -name Dockerfile -o -path ./dev -o -path ./.ci/run \) \
        -exec grep -HnwE "$marker" {} +
}

package_list() {
    local lines
    lines=$(grep -vE '^(#|$)' packages.txt)
    grep -vE '^(build|test|lint|bench|faults|image|package|proxy|trixie): [a-z0-9][a-z0-9.+-]+$' <<<"$lines"
    sort -C -t: -k1,1 -k2 <<<"$(sed -E 's/^build/1/; s/^test/2/; s/^lint/3/; s/^bench/4/; s/^faults/5/; s/^image/6/; s/^package/7/; s/^proxy/8/; s/^trixie/9/' <<<"$lines")" ||
        echo "packages.txt is not in order (build, test, lint, bench, faults, image, package, proxy, trixie; then by name)"
}

# Prints FILE:LINE:HEADING for each heading of these Markdown files; a # in a code block is none.
markdown_headings() {
    awk 'FNR == 1 { fenced = 0 }
         /^```/ { fenced = !fenced }
         !fenced && /^#+ / { print FILENAME ":" FNR ":" $0 }' "$@"
}

# Words that are not used where a standard term exists.
standard_terms_in_headings() {
    local files phrases='those who|answers?|told|settles?|ends?|ending|the log|chores?|house|all the same|once|sent again'
    phrases+='|places?|worked off|feeds?|what goes|growth|refusals?|figures|confine[a-z]*|gives? up|adopt[a-z]*|discard[a-z]*'
    phrases+='|by and by|unsound|condemn[a-z]*|anew|nobody|somebody|whoever|who may'
    mapfile -t files < <(sources '*.md' README.md ARCHITECTURE.md SECURITY.md docs)
    ((${#files[@]} == 0)) || markdown_headings "${files[@]}" | grep -iE ":#+ (.*\W)?($phrases)(\W|$)"
}

# check "name: text": runs one rule and prints its verdict; the failures of a
# rule stand below it.
check() {
    local name=${1%%:*} text=${1#*: } found status
    found=$("$name")
    status=$?
    if [[ -n $found ]]; then
        printf 'not ok - %s: %s\n' "$name" "$text"
        printf '    %s\n' "${found//$'\n'/$'\n'    }"
        return 1
    fi
    ((status == 77)) && printf 'skipped - %s: no build folder was given\n' "$name" ||
        printf 'ok - %s: %s\n' "$name" "$text"
}

# Leaves the working directory at SOURCE_DIR.
enter() {
    build_dir=${2:+$(realpath "$2")}
    cd "$1" || exit 2
}

main() {
    local rule broken=0
    (($# == 1 || $# == 2)) || { echo "usage: $0 SOURCE_DIR [BUILD_DIR]" >&2; exit 2; }
    type -P ctags >/dev/null && type -P nm >/dev/null || { echo "ctags and nm are needed" >&2; exit 2; }
    enter "$@"
    for rule in "${rules[@]}"; do
        check "$rule" || broken=$((broken + 1))
    done
    echo "$((${#rules[@]} - broken)) rules kept, $broken broken"
    ((broken == 0))
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
