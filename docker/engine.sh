# shellcheck shell=bash
# A Docker engine, a base image and the image, for ./dev and the tests: sourced; expects say().

suite=${SESSIOND_BASE_SUITE:-bookworm}
base_image=debian:$suite-slim
log_folder=build/image
if ((EUID == 0)); then cache=/var/cache/sessiond; else cache=${XDG_CACHE_HOME:-$HOME/.cache}/sessiond; fi

as_root() { if ((EUID == 0)); then "$@"; else sudo "$@"; fi; }

compose() {
    if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

engine_answers() { docker info >/dev/null 2>&1; }

# Starts dockerd where no service manager has. Its process id stays in engine.pid, for stop_engine.
start_engine() {
    mkdir -p "$log_folder"
    say "No Docker engine answers; starting dockerd by hand (log: $log_folder/dockerd.log)"
    as_root true || { say "starting it takes root"; return 1; }
    as_root setsid dockerd --pidfile "$PWD/$log_folder/engine.pid" >"$log_folder/dockerd.log" 2>&1 </dev/null &
    for ((tenths = 0; tenths < 300; tenths++)); do
        ! engine_answers || return 0
        sleep 0.1
    done
    say "A Docker engine cannot run on this machine. Its last words:"
    tail -n 5 "$log_folder/dockerd.log" >&2
    return 1
}

# Ends the engine that start_engine started in this tree, no other.
stop_engine() {
    local pid
    pid=$(cat "$log_folder/engine.pid" 2>/dev/null) || return 0
    say "Stopping the Docker engine that was started by hand"
    as_root kill "$pid" 2>/dev/null || return 0
    for ((tenths = 0; tenths < 200; tenths++)); do
        [[ -d /proc/$pid ]] || return 0
        sleep 0.1
    done
}

ensure_engine() { engine_answers || start_engine; }

# The mirror that this machine itself installs from, so that the base can install, too.
mirror() {
    local found
    # shellcheck disable=SC2016 # apt's own variable
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" 2>/dev/null | head -n 1)
    echo "${found:-http://deb.debian.org/debian}"
}

# In a mount namespace of its own: what debootstrap mounts is gone when it ends.
make_base() {
    local tree=$cache/$suite archive=$1
    say "No registry answers: making $base_image with debootstrap, about a minute (kept: $archive)"
    as_root rm -rf --one-file-system "$tree"
    as_root unshare --mount debootstrap --variant=minbase "$suite" "$tree" "$(mirror)" >"$log_folder/debootstrap.log" 2>&1 || {
        tail -n 5 "$log_folder/debootstrap.log" >&2
        return 1
    }
    as_root tar -C "$tree" --one-file-system --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
        -c . >"$archive.unfinished" && mv "$archive.unfinished" "$archive" && as_root rm -rf --one-file-system "$tree"
}

# Without a registry the base is made of Debian's packages, under its public name.
ensure_base() {
    local archive=$cache/$suite.tar
    docker image inspect "$base_image" >/dev/null 2>&1 && return
    if timeout 20 docker pull -q "$base_image" >/dev/null 2>&1; then return; fi
    mkdir -p "$cache" "$log_folder"
    [[ -s $archive ]] || make_base "$archive" || return 1
    docker import "$archive" "$base_image" >/dev/null
}

# build_image TAG: sessiond:TAG from this tree.
build_image() {
    ensure_engine && ensure_base || return 1
    mkdir -p "$log_folder"
    say "Building sessiond:$1, its unit tests run (log: $log_folder/build.log)"
    docker build -f docker/Dockerfile --build-arg BASE="$base_image" -t "sessiond:$1" . \
        >"$log_folder/build.log" 2>&1 || { tail -n 30 "$log_folder/build.log" >&2; return 1; }
}
