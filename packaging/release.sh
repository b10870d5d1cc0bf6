#!/bin/sh
# Makes a release of the commit that is checked out, and publishes nothing:
#
#   packaging/release.sh [--key KEY] DIRECTORY [PYTHON...]
#
# Every file is in this commit, the papers name its version, and it passes: .ci/run noted
# so in build/passed, or `make check test` ends well now. Then it builds once into
# DIRECTORY, and tests what it built under every PYTHON. What is in DIRECTORY afterwards
# is what was tested, and what SHA256SUMS names; with KEY, signed (attest/sign.py).
set -eu
key=
[ "${1-}" != --key ] || { key=$(realpath "$2"); shift 2; }
[ $# -ge 1 ] || { echo 'usage: packaging/release.sh [--key KEY] DIRECTORY [PYTHON...]' >&2; exit 2; }
source=$(cd "$(dirname "$0")/.." && pwd)
cd "$source"
target=$1
shift
[ $# -gt 0 ] || set -- "${PYTHON:-$source/.venv/bin/python}"

refuse() {
    echo "no release: $1" >&2
    exit 1
}

[ -z "$(git status --porcelain)" ] || refuse 'there are changes that are in no commit: git status'
commit=$(git rev-parse HEAD)

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' common/dockcred/system/version.py)
exactly=$(printf '%s' "$version" | sed 's/\./\\./g')
grep -qxE "## \[$exactly\] - [0-9]{4}-[0-9]{2}-[0-9]{2}" CHANGELOG.md ||
    refuse "CHANGELOG.md has no section '## [$version] - YYYY-MM-DD'"
grep -q "^dockcred ($exactly) " packaging/debian/changelog ||
    refuse "packaging/debian/changelog has no section 'dockcred ($version)'"

[ "$(cat build/passed 2>/dev/null)" = "$commit" ] || make check test >&2 ||
    refuse 'this commit does not pass'

packaging/build.sh "$target"
for built in '*.deb:debhelper dh-python' '*.tgz:gcc binutils python3'; do
    ls "$target"/${built%%:*} >/dev/null 2>&1 ||
        refuse "no ${built%%:*} was built; apt-get install ${built#*:}"
done
for python; do
    packaging/verify.sh "$target" "$python"
done
if [ -n "$key" ]; then
    "${PYTHON:-$source/.venv/bin/python}" packaging/attest/sign.py "$target" "$commit" "$key"
else
    echo 'not signed: no --key was given' >&2
fi
cat "$target/SHA256SUMS"
echo "tested as they are; now, by hand: git tag -s v$version, and publish $target" >&2
