#!/bin/sh
# Makes a release of the commit that is checked out, and publishes nothing:
#
#   packaging/release.sh DIRECTORY [PYTHON...]
#
# Builds once into DIRECTORY, and tests what it built under every PYTHON. What is in
# DIRECTORY afterwards is what was tested, and what SHA256SUMS names.
set -eu
[ $# -ge 1 ] || { echo 'usage: packaging/release.sh DIRECTORY [PYTHON...]' >&2; exit 2; }
source=$(cd "$(dirname "$0")/.." && pwd)
cd "$source"
target=$1
shift
[ $# -gt 0 ] || set -- "${PYTHON:-$source/.venv/bin/python}"

[ -z "$(git status --porcelain)" ] || {
    echo 'there are changes that are in no commit: git status' >&2
    exit 1
}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' common/dockcred/system/version.py)
for said in "CHANGELOG.md:## [$version]" "packaging/debian/changelog:dockcred ($version)"; do
    grep -qF "${said#*:}" "${said%%:*}" || {
        echo "${said%%:*} has no section ${said#*:}" >&2
        exit 1
    }
done

packaging/build.sh "$target"
ls "$target"/*.deb >/dev/null || {
    echo 'no Debian packages were built; apt-get install debhelper dh-python' >&2
    exit 1
}
for python; do
    packaging/verify.sh "$target" "$python"
done
cat "$target/SHA256SUMS"
echo "tested as they are; now, by hand: git tag -s v$version, and publish $target" >&2
