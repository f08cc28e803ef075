#!/bin/sh
# collect.sh BINARY FOLDER: lays out in FOLDER what the image is made of: the stripped binary, the
# loader, each shared library that the loader would take, under the name that it would take it by.
set -eu
binary=$1
folder=$2

mkdir -p "$folder/usr/bin"
strip -o "$folder/usr/bin/sessiond" "$binary"
ldd "$binary" | sed -nE 's/^[^/]*(\/[^ ]+) \(0x[0-9a-f]+\)$/\1/p' | while read -r library; do
    mkdir -p "$folder$(dirname "$library")"
    cp -L "$library" "$folder$library"
done
"$folder/usr/bin/sessiond" --version
