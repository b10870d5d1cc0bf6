#!/bin/sh
# Fetch the real helpers that we are measured against, beside the system.
#
#   bench/peers.sh [DIR]     DIR/bin, by default ~/.cache/dockcred-bench/bin
#
# Debian *testing* by an apt state of its own and `dpkg -x`: nothing is installed. The
# mirror is the one that this machine's own apt sources name. A program that this
# machine's libraries cannot run gets a wrapper around testing's loader; Go's static
# ones never do. What cannot be had is named on stderr, and the bench names it again.
set -eu

dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/dockcred-bench}
root=$dir/testing bin=$dir/bin
mkdir -p "$bin" "$root" "$dir/apt/lists/partial" "$dir/apt/archives/partial"

missing() { printf 'bench/peers.sh: missing: %s\n' "$*" >&2; }

in_testing() {
    program=$1
    shift
    "$program" -q=2 -o Dir::State::Lists="$dir/apt/lists" -o Dir::Cache="$dir/apt" \
        -o Dir::State::status=/dev/null -o Dir::Etc::SourceList="$dir/apt/sources" \
        -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root \
        -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}

point_apt_at_testing() {
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
        'Created-By: Packages' | sed -n "s/ $suite\$//p" | head -n 1)
    [ -n "$mirror" ] || return 1
    printf 'deb %s testing main\n' "$mirror" >"$dir/apt/sources"
    in_testing apt-get update
}

unpack() { # PACKAGE...
    (cd "$dir/apt/archives" && in_testing apt-get download "$@") || return 1
    for archive in "$dir"/apt/archives/*.deb; do
        dpkg -x "$archive" "$root" && rm -f "$archive"
    done
}

runs() { "$1" version >/dev/null 2>&1; }

wrap() { # PROGRAM: run it by testing's loader, with testing's libraries
    loader=$(find "$root/usr/lib" -name 'ld-linux*.so.*' | head -n 1)
    cat >"$bin/$1" <<WRAPPER
#!/bin/sh
exec '$loader' --library-path '${loader%/*}' --argv0 '$1' '$root/usr/bin/$1' "\$@"
WRAPPER
    chmod 755 "$bin/$1"
}

from_debian() { # PACKAGE PROGRAM [LIBRARY...]
    package=$1 program=$2
    shift 2
    [ ! -x "$bin/$program" ] || return 0
    [ -x "$root/usr/bin/$program" ] || unpack "$package" || {
        missing "$program (Debian testing, $package)"
        return 0
    }
    ln -sf "$root/usr/bin/$program" "$bin/$program"
    runs "$bin/$program" && return
    rm -f "$bin/$program"
    [ $# -gt 0 ] && unpack libc6 "$@" && wrap "$program" && runs "$bin/$program" ||
        missing "$program (it does not run on this machine's libraries)"
}

# No distribution has an ACR helper for managed identities. This one is built from
# its module; it is the one whose name the ecosystem's images carry.
acr_env=github.com/chrismellard/docker-credential-acr-env@latest
from_go() { # PROGRAM MODULE
    [ ! -x "$bin/$1" ] || return 0
    command -v go >/dev/null || { missing "$1 (go is not installed)"; return 0; }
    GOBIN=$bin CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "$2" ||
        missing "$1 (go install $2)"
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
