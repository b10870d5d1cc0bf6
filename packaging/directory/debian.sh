#!/bin/sh
# Unpacks a Debian's Python and what it needs, of any architecture; installs nothing.
#
#   debian.sh ROOT [ARCHITECTURE [SUITE]]    amd64, arm64; this machine's own suite
#
# For build.py --root ROOT. From the mirror that this machine's apt sources name.
set -eu
root=$1
arch=${2:-$(dpkg --print-architecture)}
suite=${3:-$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")}
state=$root.apt
mirror=$("$(dirname "$0")/../../.ci/mirror.sh")

rm -rf "$state" "$root.new"
mkdir -p "$state/lists/partial" "$state/archives/partial" "$root.new"
printf 'deb %s %s main\n' "$mirror" "$suite" >"$state/sources"
apt() {
    apt-get -q=2 -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" \
        -o Dir::Cache="$state" -o Dir::State::status=/dev/null \
        -o Dir::Etc::SourceList="$state/sources" -o Dir::Etc::SourceParts=/dev/null \
        -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
        -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}
apt update
apt install --yes --download-only python3 libgcc-s1 >/dev/null
for archive in "$state"/archives/*.deb; do
    dpkg -x "$archive" "$root.new"
done
rm -rf "$state" "$root"
mv "$root.new" "$root"
