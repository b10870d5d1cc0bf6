#!/bin/sh
# Fetch the real helpers that we are measured against, beside the system.
#
#   bench/peers.sh [DIR]     DIR/bin, by default ~/.cache/dockcred-bench/bin
#
# From Debian testing (.ci/debian-testing.sh), by `go install` and by pip: az is 700 MB
# and takes some minutes, once. gcloud's helper comes with gcloud alone. What cannot be
# had is named on stderr, and the bench names it again.
set -eu

dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/dockcred-bench}
. "${0%/*}/../.ci/debian-testing.sh"

# No distribution has an ACR helper for managed identities. This one is built from
# its module; it is the one whose name the ecosystem's images carry.
acr_env=github.com/chrismellard/docker-credential-acr-env@latest
from_go() { # PROGRAM MODULE
    [ ! -x "$bin/$1" ] || return 0
    command -v go >/dev/null || { missing "$1 (go is not installed)"; return 0; }
    GOBIN=$bin CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "$2" ||
        missing "$1 (go install $2)"
}

from_pip() { # PROGRAM PACKAGE: where the system has none, in an environment of its own
    [ ! -x "$bin/$1" ] && ! command -v "$1" >/dev/null || return 0
    place=$dir/$2
    python3 -m venv "$place" && nice "$place/bin/pip" install --quiet "$2" || {
        rm -rf "$place"
        missing "$1 (pip install $2)"
        return 0
    }
    printf '#!/bin/sh\nexec %s/bin/%s "$@"\n' "$place" "$1" >"$bin/$1"
    chmod 755 "$bin/$1"
}

if command -v dpkg >/dev/null && command -v apt-get >/dev/null; then
    [ -x "$bin/docker-credential-ecr-login" ] && [ -x "$bin/docker-credential-gcr" ] &&
        [ -x "$bin/docker-credential-pass" ] &&
        [ -x "$bin/docker-credential-secretservice" ] || point_apt_at_testing ||
        missing "Debian testing (its index could not be read)"
    from_debian amazon-ecr-credential-helper docker-credential-ecr-login
    from_debian docker-credential-gcr docker-credential-gcr
    from_debian golang-docker-credential-helpers docker-credential-pass
    from_debian golang-docker-credential-helpers docker-credential-secretservice \
        libsecret-1-0 libglib2.0-0t64 libgcrypt20 libgpg-error0 libpcre2-8-0 \
        libffi8 zlib1g libmount1 libblkid1 libselinux1
else
    missing "docker-credential-{ecr-login,gcr,pass,secretservice} (no apt here)"
fi
from_go docker-credential-acr-env "$acr_env"
from_pip aws awscli
from_pip az azure-cli
