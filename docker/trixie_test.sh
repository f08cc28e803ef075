#!/usr/bin/env bash
# Builds sessiond and runs its tests on Debian 13 (trixie), whose libmicrohttpd is 1.0 and whose SQLite and compiler
# are newer, in a root that debootstrap makes. Takes root.
#
#   trixie_test.sh [ctest options]    without options: the unit and API tests
#
# The root is kept below the cache folder, the build in build/trixie. Exit: 0 all passed, 1 not.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1

say() { printf '%s\n' "$*" >&2; }

# shellcheck source=docker/engine.sh
source docker/engine.sh
suite=trixie
root=$cache/trixie-tests

packages() { sed -nE 's/^(build|test): //p' packages.txt | sort -u; }

# in_root COMMAND…: with the sources read-only in /src and build/trixie in /build, in namespaces of its own: what is
# mounted or still runs is gone when the command ends. Variables of a build here mean nothing there.
in_root() {
    as_root unshare --mount --pid --fork --kill-child bash -c '
        root=$0 && mkdir -p "$root/src" "$root/build" && mount --bind "$root" "$root" &&
            mount --bind . "$root/src" && mount -o remount,bind,ro "$root/src" &&
            mount --bind build/trixie "$root/build" && mount -t proc proc "$root/proc" &&
            mount --rbind /dev "$root/dev" && mount --rbind /sys "$root/sys" && mount -t tmpfs tmpfs "$root/tmp" &&
            cp /etc/resolv.conf "$root/etc/resolv.conf" || exit 1
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"' "$root" "$@"
}

make_root() {
    [[ ! -e $root/.made ]] || return 0
    say "Making a root of Debian $suite, about a minute (kept: $root)"
    as_root rm -rf --one-file-system "$root"
    as_root mkdir -p "$cache" && as_root unshare --mount debootstrap --variant=minbase "$suite" "$root" "$(mirror)" \
        >build/trixie/debootstrap.log 2>&1 && as_root touch "$root/.made" || {
        tail -n 5 build/trixie/debootstrap.log >&2
        return 1
    }
}

# Anew when packages.txt has changed.
install_packages() {
    local names
    packages | as_root cmp -s - "$root/.packages" && return
    say "Installing what packages.txt lists for build and test"
    mapfile -t names < <(packages)
    # shellcheck disable=SC2016
    in_root bash -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "$@"' \
        bash "${names[@]}" >build/trixie/packages.log 2>&1 || { tail -n 5 build/trixie/packages.log >&2; return 1; }
    packages | as_root tee "$root/.packages" >/dev/null
}

run_tests() {
    in_root cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Debug >/dev/null &&
        in_root cmake --build /build --parallel "$(nproc)" || return 1
    in_root bash -c 'cd /src && docker/versions.sh'
    in_root ctest --test-dir /build --parallel "$(nproc)" --output-on-failure --no-tests=error "$@"
}

mkdir -p build/trixie
(($#)) || set -- --label-regex '^(unit|api)$'
make_root && install_packages && run_tests "$@"
