#!/bin/sh
# Prints the mirror of Debian that this machine's own apt sources name.
set -eu
. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    sed -n "s/ $VERSION_CODENAME\$//p" | head -n 1)
[ -n "$mirror" ] || { echo "apt's sources name no mirror of $VERSION_CODENAME" >&2; exit 1; }
printf '%s\n' "$mirror"
