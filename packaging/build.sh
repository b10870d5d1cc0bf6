#!/bin/sh
# Builds once what a release publishes, and its checksums:
#
#   packaging/build.sh DIRECTORY [WHAT...]    of: python debian node windows sbom; all else
#
# What cannot be built here is said, and left out. The same commit gives the same bytes:
# its time stands for now, and no umask, time zone, locale or name of a directory is seen
# in them.
set -eu
[ $# -ge 1 ] || { echo 'usage: packaging/build.sh DIRECTORY [WHAT...]' >&2; exit 2; }
umask 022
export LC_ALL=C TZ=UTC

source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
rmdir "$1" 2>/dev/null || { echo "$1 is not empty" >&2; exit 1; }
mkdir "$1"
target=$(cd "$1" && pwd)
shift
python=${PYTHON:-$source/.venv/bin/python}
: "${SOURCE_DATE_EPOCH:=$(git -C "$source" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$source/common/dockcred/system/version.py")
cd "$target"

build_python() {
    # The wheel is built from the sdist: what others build from it is what we publish.
    "$python" -m build --no-isolation --outdir "$target" "$source" >&2
    "$python" "$source/packaging/zipapp/build.py" "dockcred-$version.pyz"
}

build_debian() {
    if ! [ -x /usr/bin/dpkg-buildpackage ]; then
        echo 'no dpkg-buildpackage here: no Debian packages' >&2
    elif ! unmet=$(/usr/bin/dpkg-checkbuilddeps "$source/packaging/debian/control" 2>&1); then
        echo "no Debian packages: ${unmet#*: }" >&2
    else
        "$source/packaging/debian/build.sh" "$target"
    fi
}

# The directory for nodes, of this machine's own Debian, as an archive to be unpacked in
# /opt. Its name does not end as the sdist's does.
build_node() {
    for tool in /usr/bin/dpkg /usr/bin/python3 gcc readelf gzip; do
        command -v "$tool" >/dev/null || {
            echo "no $tool here: no directory for nodes" >&2
            return 0
        }
    done
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    /usr/bin/python3 "$source/packaging/directory/build.py" "$work/dockcred"
    tar --create --directory "$work" --format=gnu --sort=name --owner=0 --group=0 \
        --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --file "$work/tar" dockcred
    gzip -9 --no-name <"$work/tar" \
        >"dockcred-node-$version-$(/usr/bin/dpkg --print-architecture).tgz"
}

# For Windows, with the Python that python.org gives out for such (WINDOWS_PYTHON, its
# "embeddable package", unpacked); and what winget and scoop read, where RELEASE_URL says
# from where the files will be had.
build_windows() {
    [ -n "${WINDOWS_PYTHON:-}" ] || { echo 'no WINDOWS_PYTHON: nothing for Windows' >&2; return 0; }
    archive=dockcred-$version-windows.zip
    "$python" "$source/packaging/zipapp/build.py" "$archive" "$WINDOWS_PYTHON"
    [ -n "${RELEASE_URL:-}" ] || { echo 'no RELEASE_URL: nothing for winget and scoop' >&2; return 0; }
    "$python" "$source/packaging/zipapp/manifests.py" "$archive" "$RELEASE_URL" .
}

# What is in those that have others' code in them.
build_sbom() {
    "$python" "$source/packaging/attest/sbom.py" .
}

[ $# -gt 0 ] || set -- python debian node windows sbom
for what; do
    case $what in
    python | debian | node | windows | sbom) "build_$what" ;;
    *) echo "$what is none of python, debian, node, windows and sbom" >&2; exit 2 ;;
    esac
done

sha256sum -- * >../SHA256SUMS.$$
mv ../SHA256SUMS.$$ SHA256SUMS
