# shellcheck shell=bash
# A Docker engine and a base image to build on, for ./dev: sourced, expects say() and need().

base_image=debian:bookworm-slim
image_cache=build/image

compose() {
    if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

# Starts dockerd by hand where no service manager has. It goes on running; stop_engine ends it.
start_engine() {
    mkdir -p "$image_cache"
    say "No Docker engine answers; starting dockerd (its log: $image_cache/dockerd.log)"
    if ((EUID != 0)); then
        type -P sudo >/dev/null || { say "that takes root"; return 1; }
        sudo -b sh -c 'dockerd >"$1" 2>&1' sh "$image_cache/dockerd.log"
    else
        setsid dockerd >"$image_cache/dockerd.log" 2>&1 </dev/null &
    fi
    for ((tenths = 0; tenths < 300; tenths++)); do
        ! docker info >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    say "dockerd does not run on this machine:"
    tail -n 5 "$image_cache/dockerd.log" >&2
    return 1
}

stop_engine() {
    pkill -TERM -x dockerd || return 0
    for ((tenths = 0; tenths < 200; tenths++)); do
        pgrep -x dockerd >/dev/null || return 0
        sleep 0.1
    done
}

ensure_engine() {
    docker info >/dev/null 2>&1 || start_engine
}

# Without a registry the base is made of Debian's packages, under its public name.
ensure_base() {
    docker image inspect "$base_image" >/dev/null 2>&1 && return
    if timeout 20 docker pull -q "$base_image" >/dev/null 2>&1; then return; fi
    local archive=$image_cache/base.tar
    if [[ ! -s $archive ]]; then
        say "No registry answers; making $base_image with debootstrap (about a minute)"
        mkdir -p "$image_cache"
        rm -rf "$image_cache/base"
        debootstrap --variant=minbase bookworm "$image_cache/base" >"$image_cache/debootstrap.log" 2>&1 || {
            tail -n 5 "$image_cache/debootstrap.log" >&2
            return 1
        }
        rm -rf "$image_cache/base/var/cache/apt/archives"/*.deb "$image_cache/base/var/lib/apt/lists"/*
        tar -C "$image_cache/base" -c . >"$archive.tmp" && mv "$archive.tmp" "$archive"
        rm -rf "$image_cache/base"
    fi
    docker import "$archive" "$base_image" >/dev/null
}

build_image() {
    mkdir -p "$image_cache"
    ensure_engine && ensure_base || return 1
    say "building the image (its log: $image_cache/build.log)"
    docker build -f docker/Dockerfile -t sessiond:0.1.0 . >"$image_cache/build.log" 2>&1 || {
        tail -n 30 "$image_cache/build.log" >&2
        return 1
    }
}

# Whether the service of the compose file becomes healthy within half a minute.
await_healthy() {
    local id
    id=$(compose ps -q sessiond)
    for ((tenths = 0; tenths < 300; tenths++)); do
        [[ $(docker inspect -f '{{.State.Health.Status}}' "$id" 2>/dev/null) != healthy ]] || return 0
        sleep 0.1
    done
    return 1
}
