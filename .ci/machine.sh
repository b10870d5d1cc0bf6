#!/bin/sh
# A Debian without compilers, in DIRECTORY, for tests of every way to install: what
# debootstrap calls the minimum, Python, and a user. What apt, pip, pipx and uv would
# fetch is laid in beforehand, so the tests need no network.
#
#   .ci/machine.sh DIRECTORY PYTHON      PYTHON has pip
#
# Made once, and again when this file or what we depend on has changed.
set -eu
directory=$1 python=$2
needs=$(grep -E '^(dependencies|sandbox) = ' pyproject.toml)
stamp=$(printf '%s\n' "$needs" | cat - .ci/machine.sh | sha256sum)
[ "$(cat "$directory/stamp" 2>/dev/null)" != "$stamp" ] || exit 0
. /etc/os-release
mirror=$(.ci/mirror.sh)

new=$directory.new
rm -rf "$new"
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
    "$VERSION_CODENAME" "$new" "$mirror" >/dev/null
echo 'ada:x:1000:1000::/home/ada:/bin/sh' >>"$new/etc/passwd"
echo 'ada:x:1000:' >>"$new/etc/group"
install -d -o 1000 -g 1000 "$new/home/ada"

# To where apt looks first; none of it is installed.
chroot "$new" apt-get -qq install -y --no-install-recommends --download-only \
    python3-click python3-rich python3-tomlkit python3-boto3 python3-jeepney \
    python3-trustme python3-jwt python3-cryptography >/dev/null

# For the Python of this Debian, from where this machine's pip gets its packages.
version=$(chroot "$new" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -m pip -q download --dest "$new/wheels" --only-binary=:all: \
    --python-version "$version" pip pipx uv $(echo "$needs" | grep -o '"[^"]*"' | tr -d '"')
chroot "$new" python3 -m venv /opt/tools
chroot "$new" /opt/tools/bin/pip -q install --no-index --find-links /wheels pipx uv
printf '%s\n' "$stamp" >"$new/stamp"
rm -rf "$directory"
mv "$new" "$directory"
