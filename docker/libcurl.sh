#!/bin/sh
# libcurl.sh FOLDER: builds libcurl from Debian's source package, with HTTP and GnuTLS alone, and puts it into FOLDER under
# the name that the commands load. Debian's own build needs 19 more libraries (LDAP, Kerberos, SSH, …): 9.3 MB, where
# this one has 0.3 MB. Needs deb-src entries, dpkg-dev, make, gcc and libgnutls28-dev.
set -eu
folder=$1
work=$(mktemp -d)

cd "$work"
apt-get -qq source --download-only curl >/dev/null
dpkg-source --no-check -x curl_*.dsc curl >/dev/null
cd curl
./configure --quiet --disable-static --with-gnutls --without-zlib --without-brotli --without-zstd --without-nghttp2 \
    --without-libidn2 --without-libpsl --without-libssh2 --without-librtmp --without-ca-bundle --without-ca-path \
    --disable-ldap --disable-ldaps --disable-ftp --disable-file --disable-rtsp --disable-dict --disable-telnet \
    --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt \
    --disable-manual --disable-alt-svc --disable-hsts --disable-ntlm --disable-cookies --disable-netrc --disable-doh \
    --disable-mime --disable-tls-srp --disable-websockets CFLAGS=-Os
# Debian's patches are newer than the generated files, which are good all the same.
make -s -C lib -j "$(nproc)" AUTOCONF=: AUTOMAKE=: ACLOCAL=: AUTOHEADER=: >/dev/null
mkdir -p "$folder"
strip -o "$folder/libcurl-gnutls.so.4" lib/.libs/libcurl.so.4
cd /
rm -rf "$work"
