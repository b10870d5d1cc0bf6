#!/bin/bash
# Plays README's two commands on a machine that is not ours: a bare Debian, an ordinary
# user, a fresh clone of the commit that is checked out.
#
#   .ci/bare.sh DIRECTORY SUITE [--broken [--whole]] [PACKAGE...]     as root
#
# --broken puts names on PATH that promise what they do not hold: each real part of the
# tests is there and fails, and /dev/shm is not for everyone. A third of the tests beside
# which a part or a skip is named is run then, another third for each commit. The others
# never look; --whole runs all.
#
# The Debian has Python, venv, make, git, ca-certificates and PACKAGEs; it is made in
# DIRECTORY once, and again for other packages. Each run has a copy of its own.
# Only what says where and how pip gets its packages is taken from this machine.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 's/^#   /usage: /p' "$0" >&2; exit 2; }
directory=$1 suite=$2 broken= only= shm_mode=1777
shift 2
source=$(cd "$(dirname "$0")/.." && pwd)

looking_for_parts() { # below tests/: files of tests, and folders whose fixtures look
    (cd "$source" && grep -rlE 'support\.real|import real|\<real\.|skip' tests \
        --include='test_*.py' --include=conftest.py |
        sed 's#/conftest.py$##' | grep -vx tests | sort -u |
        python3 tests/mutations/run.py --drawn)
}

if [ "${1-}" = --broken ]; then
    broken=1 shm_mode=755
    shift
    if [ "${1-}" = --whole ]; then shift; else only=$(looking_for_parts); fi
fi
. "$source/.ci/parts.sh"
packages=(python3 python3-venv make git ca-certificates "$@")
bundle=/etc/ssl/certs/ca-certificates.crt

make_machine() {
    local mirror new=$directory.new
    mirror=$("$source/.ci/mirror.sh")
    rm -rf "$new"
    debootstrap --variant=minbase --include="$(IFS=, && echo "${packages[*]}")" \
        "$suite" "$new" "$mirror" >"$directory.log" || { cat "$directory.log" >&2; exit 1; }
    rm -rf "$new"/var/cache/apt/archives/*.deb
    echo 'ada:x:1000:1000::/home/ada:/bin/sh' >>"$new/etc/passwd"
    echo 'ada:x:1000:' >>"$new/etc/group"
    install -d -o 1000 -g 1000 "$new/home/ada"
    printf '%s\n' "$stamp" >"$new/stamp"
    rm -rf "$directory"
    mv "$new" "$directory"
}

lay_in() { # what this machine's pip goes by, and the clone
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    [ ! -e $bundle ] || cp -L $bundle "$root$bundle"
    [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"
    git clone --quiet --no-hardlinks "file://$source" "$root/home/ada/dockcred"
    mkdir -p "$directory.pip" "$root/home/ada/.cache/pip"
    chown -R 1000:1000 "$root/home/ada" "$directory.pip"
}

break_parts() { # those that this Debian has are left as they are
    local name place
    for name in "${parts[@]#*:}" docker oras crane go cargo pyenv python3.14 gcloud az gh \
        docker-credential-gcloud docker-credential-pass helm systemd-analyze; do
        [ "${name#/}" = "$name" ] || continue # it is not looked for on PATH
        for place in usr/bin usr/sbin bin sbin; do
            [ ! -e "$root/$place/$name" ] || continue 2
        done
        printf '#!/bin/sh\necho "$0: it does not work" >&2\nexit 1\n' \
            >"$root/usr/local/bin/$name"
        chmod 755 "$root/usr/local/bin/$name"
    done
}

# In namespaces of its own: nothing stays mounted, and no process stays, when it ends.
inside() { # VARIABLES, as words
    unshare --mount --pid --fork --kill-child bash -euc '
        root=$1 pip=$2 shm_mode=$3 only=$4
        shift 4
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o mode=$shm_mode shm "$root/dev/shm"
        mount --bind "$pip" "$root/home/ada/.cache/pip"
        # Not by exec: this shell dies with who started it, and takes the rest along.
        env -i HOME=/home/ada USER=ada PATH=/usr/local/bin:/usr/bin:/bin "$@" \
            /usr/sbin/chroot --userspec=1000:1000 "$root" sh -c "
                cd ~/dockcred
                make demo && make test ONLY='\''$only'\''" || exit 1
    ' bash "$root" "$directory.pip" "$shm_mode" "$only" "$@"
}

stamp=$(printf '%s\n' "$suite" "${packages[@]}" | sha256sum)
[ "$(cat "$directory/stamp" 2>/dev/null)" = "$stamp" ] || make_machine

root=$(mktemp -d "$directory.run.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
cp -a "$directory/." "$root"
chmod 755 "$root"
lay_in
[ -z "$broken" ] || break_parts
mapfile -t variables < <(env | grep -E '^(PIP_[A-Z_]+|[a-z]+_proxy|[A-Z]+_PROXY)=' | grep -v ^PIP_FIND_LINKS || :)
echo "== a bare Debian $suite${*:+ with $*}${broken:+, the rest broken}: make demo, make test" \
    "${only:+of what looks for a part}"
SECONDS=0
inside "${variables[@]}" || { echo "== $suite: failed after $SECONDS s"; exit 1; }
echo "== $suite: $SECONDS s"
