#!/bin/sh
# Puts the plugin on a node, or takes it away without a trace, then waits to be ended.
#
#   install.sh install    directory, plugin and configuration, each replaced at once
#   install.sh remove     all that install has put there, and the cache
#
# HOST       where the node's root is mounted (/host)
# BIN_DIR    kubelet's plugin directory on the node (/opt/dockcred/plugins)
# CONFIG     the directory with credential-provider.yaml and config.toml (/config)
# ONCE       set: end when done
set -eu

host=${HOST:-/host}
bin_dir=${BIN_DIR:-/opt/dockcred/plugins}
config=${CONFIG:-/config}
name=dockcred-credential-provider

install_all() {
    rm -rf "$host/opt/dockcred.new"
    mkdir -p "$host/opt" "$host/etc/dockcred"
    cp -R "${DIRECTORY:-/directory}" "$host/opt/dockcred.new"
    for file in credential-provider.yaml config.toml; do
        [ ! -f "$config/$file" ] || put "$config/$file" "$host/etc/dockcred/$file"
    done
    rm -rf "$host/opt/dockcred.old"
    [ ! -d "$host/opt/dockcred" ] || mv "$host/opt/dockcred" "$host/opt/dockcred.old"
    mv "$host/opt/dockcred.new" "$host/opt/dockcred"
    rm -rf "$host/opt/dockcred.old"
    if ! chroot "$host" "/opt/dockcred/plugins/$name" version; then
        echo "this node cannot run the plugin: it needs glibc" \
            "$(cat "$host/opt/dockcred/GLIBC") and an /opt that may be executed" >&2
        remove_all
        exit 1
    fi
    if [ "$bin_dir" != /opt/dockcred/plugins ]; then
        mkdir -p "$host$bin_dir"
        put "$host/opt/dockcred/plugins/$name" "$host$bin_dir/$name"
        chmod 755 "$host$bin_dir/$name"
    fi
}

remove_all() {
    rm -rf "$host/opt/dockcred" "$host/opt/dockcred.new" "$host/opt/dockcred.old" \
        "$host/etc/dockcred" "$host/run/dockcred"
    rm -f "$host$bin_dir/$name"
}

# Kubelet may read or run the file at any moment.
put() {
    cp -L "$1" "$2.new"
    chmod 644 "$2.new"
    mv "$2.new" "$2"
}

case ${1:-} in
install) install_all ;;
remove) remove_all ;;
*)
    echo "usage: install.sh install|remove" >&2
    exit 2
    ;;
esac
[ -z "${ONCE:-}" ] || exit 0
echo "$1: done"
trap 'exit 0' TERM INT
while :; do
    sleep 3600 &
    wait $!
done
