#!/bin/sh
# Tests the files of a release themselves, with the source tree moved away:
#
#   packaging/verify.sh DIST PYTHON
#
# The checksums must be those of the files; then the tests that the sdist carries, beside
# no source of ours, are run on the wheel as PYTHON installs it, and on the one file.
set -eu
[ $# -eq 2 ] || { echo 'usage: packaging/verify.sh DIST PYTHON' >&2; exit 2; }
umask 022
dist=$(cd "$1" && pwd)
python=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

(cd "$dist" && sha256sum --check --strict --quiet SHA256SUMS)

mkdir "$work/tests" "$work/links"
tar -xzf "$dist"/dockcred-*.tar.gz -C "$work/tests" --strip-components=1
rm -r "$work/tests/common" "$work/tests/helpers"

"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip -q install --disable-pip-version-check \
    "$(echo "$dist"/dockcred-*.whl)[aws,sandbox]" pytest

for file in "$work"/venv/bin/dock*; do
    ln -s "$dist"/dockcred-*.pyz "$work/links/${file##*/}"
done

cd "$work/tests"
test_with() { # PROGRAMS TESTS...
    programs=$1
    shift
    DOCKCRED_BIN=$programs "$work/venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
}
test_with "$work/venv/bin" tests/protocol/test_*.py
# One test beside the transcripts needs an SDK, which one file has not.
test_with "$work/links" tests/protocol/test_transcripts.py
