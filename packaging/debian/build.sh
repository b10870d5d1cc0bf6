#!/bin/sh
# Builds the Debian packages, offline, with Debian's own Python:
#
#   packaging/debian/build.sh DIRECTORY
#
# Needs what `control` lists under Build-Depends.
set -eu
[ $# -eq 1 ] || { echo 'usage: packaging/debian/build.sh DIRECTORY' >&2; exit 2; }
umask 022
unset SOURCE_DATE_EPOCH # the changelog's time it is
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin

source=$(cd "$(dirname "$0")/../.." && pwd)
target=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$work/dockcred"
for name in common helpers docs packaging README.md CHANGELOG.md LICENSE; do
    cp -R "$source/$name" "$work/dockcred"
done
cd "$work/dockcred"
mv packaging/debian debian
find . -name __pycache__ -prune -exec rm -rf {} +

dpkg-buildpackage --build=binary --no-sign >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}
mv "$work"/*.deb "$target"
