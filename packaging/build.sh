#!/bin/sh
# Builds once what a release publishes, and its checksums:
#
#   packaging/build.sh DIRECTORY [--no-debian]
#
# The same commit gives the same bytes: its time stands for now, and no umask, time
# zone, locale or name of a directory is seen in them.
set -eu
[ $# -ge 1 ] || { echo 'usage: packaging/build.sh DIRECTORY [--no-debian]' >&2; exit 2; }
umask 022
export LC_ALL=C TZ=UTC

source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
rmdir "$1" 2>/dev/null || { echo "$1 is not empty" >&2; exit 1; }
mkdir "$1"
target=$(cd "$1" && pwd)
python=${PYTHON:-$source/.venv/bin/python}
: "${SOURCE_DATE_EPOCH:=$(git -C "$source" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH

# The wheel is built from the sdist: what others build from it is what we publish.
"$python" -m build --no-isolation --outdir "$target" "$source" >&2

cd "$target"
wheel=$(echo dockcred-*.whl)
version=${wheel#dockcred-}
version=${version%%-*}
"$python" "$source/packaging/zipapp/build.py" "dockcred-$version.pyz"

if [ "${2-}" = --no-debian ]; then
    :
elif ! [ -x /usr/bin/dpkg-buildpackage ]; then
    echo 'no dpkg-buildpackage here: no Debian packages' >&2
elif ! unmet=$(/usr/bin/dpkg-checkbuilddeps "$source/packaging/debian/control" 2>&1); then
    echo "no Debian packages: ${unmet#*: }" >&2
else
    "$source/packaging/debian/build.sh" "$target"
fi

sha256sum -- * >../SHA256SUMS.$$
mv ../SHA256SUMS.$$ SHA256SUMS
