# Programs of Debian *testing*, beside the system: an apt state of their own and `dpkg -x`,
# nothing is installed. To be sourced by a POSIX sh with `dir` set; programs are linked
# into $dir/bin. The mirror is the one that this machine's own apt sources name. What
# this machine's libraries cannot run gets a wrapper around testing's loader; Go's static
# programs never do. What cannot be had is named on stderr.
root=$dir/testing bin=$dir/bin
mkdir -p "$bin" "$root" "$dir/apt/lists/partial" "$dir/apt/archives/partial"

missing() { printf 'missing: %s\n' "$*" >&2; }

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
