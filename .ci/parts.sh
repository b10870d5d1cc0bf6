# Each real part of the tests, as package:program of Debian 12. To be sourced by bash.
parts=(
    docker.io:dockerd docker-registry:docker-registry nginx-light:nginx
    skopeo:skopeo podman:podman crun:crun
    groff-base:groff iproute2:ip busybox:busybox dash:dash zsh:zsh fish:fish
    valgrind:valgrind strace:strace openssl:openssl
    dbus:dbus-run-session dbus:dbus-daemon gnome-keyring:gnome-keyring-daemon
    libsecret-tools:secret-tool pass:pass gnupg:gpg gopass:gopass age:age
    golang-docker-credential-helpers:docker-credential-secretservice
    etcd-server:etcd
    kubernetes-client:kubectl
    prometheus:prometheus prometheus:promtool
    prometheus-node-exporter:prometheus-node-exporter
    containerd:containerd runc:runc containernetworking-plugins:/usr/lib/cni/bridge
    debhelper:dh dh-python:dh_python3 lintian:lintian debootstrap:debootstrap
    gcc:gcc binutils:readelf gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc
    qemu-user-static:qemu-aarch64-static
    chromium:chromium chromium-driver:chromedriver
    openssh-server:sshd openssh-client:ssh-keygen man-db:man nodejs:node npm:npm microsocks:microsocks
    wine:wine wine64:/usr/lib/wine/wine64 gcc-mingw-w64-x86-64-win32:x86_64-w64-mingw32-gcc
)
