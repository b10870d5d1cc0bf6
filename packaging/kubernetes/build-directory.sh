#!/bin/sh
# Makes a directory that needs no Python on the node: Debian's interpreter, the
# libraries it is linked to but glibc, the standard library, our modules.
#
#   build-directory.sh DIRECTORY [PREFIX]    PREFIX is where it will stand on the node
#
# Run on the Debian whose Python is to be taken, with python3 and patchelf installed.
set -eu

target=$1
prefix=${2:-/opt/dockcred}
source=$(cd "$(dirname "$0")/../.." && pwd)
python=$(readlink -f /usr/bin/python3)
version=$(basename "$python")
library=/usr/lib/$version

modules=$target/lib/$version
mkdir -p "$target/bin" "$target/lib" "$target/plugins"
cp "$python" "$target/bin/python3"
cp -RL "$library" "$modules"

# What a plugin never imports: tests, tools, windows, terminals, other databases.
(
    cd "$modules"
    rm -rf test unittest idlelib lib2to3 tkinter turtledemo ensurepip distutils \
        pydoc_data venv dist-packages sqlite3 curses config-*
    cd lib-dynload
    rm -f _test* _xx* xx* _curses* _dbm* _sqlite3* _tkinter* _codecs_* _crypt* \
        readline* nis* ossaudiodev*
)

# The node's glibc is used, since it cannot be had twice in one process.
for file in "$target/bin/python3" "$modules"/lib-dynload/*.so; do
    ldd "$file" | sed -n 's/^.* => \(\/[^ ]*\) .*$/\1/p'
done | sort -u | grep -Ev '/(libc|libm|libdl|libpthread|librt|libresolv|libutil)\.so' |
    while read -r needed; do cp -L "$needed" "$target/lib"; done
patchelf --force-rpath --set-rpath "$prefix/lib" "$target/bin/python3"

cp -R "$source/common/dockcred" "$modules/dockcred"
rm -rf "$modules/dockcred/testing" "$modules/dockcred/commands"
cp "$source"/helpers/dockcred_credential_provider.py \
    "$source"/helpers/docker_credential_auto.py "$modules"
PYTHONPATH=$source/common "$python" "$source/packaging/launchers.py" "$target/plugins" \
    "$prefix/bin/python3" "$prefix/lib/$version" \
    dockcred-credential-provider docker-credential-auto
find "$target" -name __pycache__ -prune -exec rm -rf {} +
"$python" -I -S -m compileall -q --invalidation-mode unchecked-hash \
    "$modules"

# The newest symbols that anything here asks of glibc: an older one cannot run it.
find "$target" -type f \( -name python3 -o -name '*.so*' \) \
    -exec grep -aoEh 'GLIBC_2\.[0-9]+' {} + | sort -uV | tail -n 1 > "$target/GLIBC"
