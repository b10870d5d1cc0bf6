"""Install this directory on a node as kubelet's plugin, or remove it; then wait.

    dockcred-node install    copy directory, plugin and configuration, each atomically
    dockcred-node remove     remove all that install has copied, and the cache

Environment variables, with their defaults:

HOST       where the node's root is mounted (/host)
DIRECTORY  where to copy the directory to on the node; its file system must allow
           execution (/opt/dockcred)
BIN_DIR    kubelet's plugin directory on the node (DIRECTORY/plugins)
CONFIG     the directory with credential-provider.yaml and config.toml (/config)
ONCE       if set, end when done instead of waiting
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
import sys

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of renameat2(2)."""
NAME = "dockcred-credential-provider"
FILES = ("credential-provider.yaml", "config.toml")

host = os.environ.get("HOST", "/host").rstrip("/")
directory = os.environ.get("DIRECTORY", "/opt/dockcred").rstrip("/")
plugin = f"{directory}/plugins/{NAME}"
bin_dir = os.environ.get("BIN_DIR", f"{directory}/plugins").rstrip("/")
config = os.environ.get("CONFIG", "/config")


def install() -> None:
    """Copy all files and run the plugin as the node does; if it fails, remove all."""
    this = os.path.dirname(os.path.dirname(sys.executable))
    there, etc = host + directory, f"{host}/etc/dockcred"
    _drop(f"{there}.new")
    os.makedirs(os.path.dirname(there), exist_ok=True)
    os.makedirs(etc, exist_ok=True)
    _copy(this, f"{there}.new")
    for file in FILES:
        if os.path.isfile(f"{config}/{file}"):
            shutil.copyfile(f"{config}/{file}", f"{etc}/{file}.new")
            os.chmod(f"{etc}/{file}.new", 0o644)
            os.rename(f"{etc}/{file}.new", f"{etc}/{file}")
    _replace(f"{there}.new", there)
    if _try():
        remove()
        sys.exit(
            "this node cannot run the plugin: "
            f"{directory} is where nothing may be executed, or /proc is missing"
        )
    if bin_dir != os.path.dirname(plugin):
        os.makedirs(host + bin_dir, exist_ok=True)
        link = f"{host}{bin_dir}/{NAME}"
        _drop(f"{link}.new")
        os.symlink(plugin, f"{link}.new")
        os.rename(f"{link}.new", link)


def remove() -> None:
    """Remove all that `install` has copied, and the cache."""
    for path in (directory, f"{directory}.new", f"{directory}.old", "/etc/dockcred"):
        _drop(host + path)
    _drop(f"{host}/run/dockcred")
    _drop(f"{host}{bin_dir}/{NAME}")


def _copy(source: str, target: str) -> None:
    """Copy a directory with its modes; SELinux labels are set by the node."""
    os.mkdir(target)
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        if entry.is_dir():
            _copy(entry.path, f"{target}/{entry.name}")
        else:
            shutil.copy(entry.path, f"{target}/{entry.name}")


def _replace(new: str, there: str) -> None:
    """Replace a directory atomically, as kubelet may run its programs at any time."""
    if not os.path.isdir(there):
        os.rename(new, there)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    names = [os.fsencode(path) for path in (new, there)]
    if libc.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE):
        if ctypes.get_errno() != errno.EINVAL:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), there)
        # This file system cannot exchange: the directory is missing for a moment.
        _drop(f"{there}.old")
        os.rename(there, f"{there}.old")
        os.rename(new, there)
    _drop(new)
    _drop(f"{there}.old")


def _try() -> int:
    """Run the plugin with the node's root (chroot); return its wait status."""
    child = os.fork()
    if not child:
        try:
            os.chroot(host)
            os.chdir("/")
            os.execve(plugin, [plugin, "version"], {"PATH": "/usr/bin:/bin"})  # noqa: S606
        except OSError as error:
            sys.stderr.write(f"{plugin}: {error.strerror}\n")
            sys.stderr.flush()
        os._exit(126)
    return os.waitpid(child, 0)[1]


def _drop(path: str) -> None:
    """Remove a file, a link, or a directory with its content, if it exists."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def main() -> None:
    """Install or remove; then wait until a signal ends the process."""
    os.umask(0o022)
    asked = {"install": install, "remove": remove}.get(" ".join(sys.argv[1:]))
    if asked is None:
        sys.stderr.write("usage: dockcred-node install|remove\n")
        sys.exit(2)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    try:
        asked()
    except OSError as error:
        sys.exit(f"{error.filename or host}: {error.strerror}")
    if "ONCE" in os.environ:
        return
    sys.stdout.write(f"{sys.argv[1]}: done\n")
    sys.stdout.flush()
    while True:
        signal.pause()


main()
