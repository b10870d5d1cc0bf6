#!/bin/sh
# Put the scripts of others that the site needs into a directory: what draws its diagrams,
# and what searches it where no server is. npm has them; each is held to its hash.
set -eu
mkdir -p "$1"
cd "$1"

script() { # PACKAGE VERSION FILE SHA256
    npm pack --silent "$1@$2" >/dev/null
    echo "$4  $1-$2.tgz" | sha256sum --check --quiet
    tar -xzf "$1-$2.tgz" -O "package/$3" >"$1.js"
}

script mermaid 11.12.0 dist/mermaid.min.js \
    93492e4d609be83653a41c435f4cbd7e74419f7fa6b4fc90a8c983195f64af82
script iframe-worker 1.0.4 shim/index.js \
    e8c5d12d87829c503afba01d67772ea9f4aba5b7ae57a0c98e1917711030efbb
