"""Make a network of our own: real host names lead to the sandbox, with trusted TLS.

Everything happens in a network and a mount namespace that end with this process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dockcred.testing.sandbox import Sandbox

INSIDE = "DOCKCRED_BENCH_INSIDE"
CLOUD = "192.0.2.1"  # a documentation address (RFC 5737)
METADATA = ("169.254.169.254", "169.254.170.2")
HOSTS = (
    "api.ecr.eu-west-1.amazonaws.com",
    "sts.eu-west-1.amazonaws.com",
    "sts.amazonaws.com",
    "portal.sso.eu-west-1.amazonaws.com",
    "oidc.eu-west-1.amazonaws.com",
    "sandbox.azurecr.io",
    "login.microsoftonline.com",
    "management.azure.com",
    "oauth2.googleapis.com",
    "sts.googleapis.com",
    "iamcredentials.googleapis.com",
)
ROOTS = Path("/etc/ssl/certs")
_BUNDLE = ROOTS / "ca-certificates.crt"


def enter() -> None:
    """Run this program again inside new namespaces, as root of them.

    Inside, it prepares addresses, /etc/hosts and the directory of trusted roots.
    """
    if INSIDE in os.environ:
        _furnish()
        return
    unshare = shutil.which("unshare")
    if not unshare:
        sys.exit("bench: unshare (util-linux) is missing")
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    again = (sys.executable, "-m", "bench.run", *sys.argv[1:])
    os.environ[INSIDE] = "1"
    os.execv(unshare, [unshare, "--net", "--mount", *as_root, "--", *again])


def lay_addresses() -> None:
    """Give the loopback of this network the addresses of the cloud."""
    _run("ip", "link", "set", "lo", "up")
    for address in (CLOUD, *METADATA):
        _run("ip", "address", "add", f"{address}/32", "dev", "lo")


def _furnish() -> None:
    lay_addresses()
    names = Path("/dev/shm") if os.path.isdir("/dev/shm") else Path("/tmp")
    _run("mount", "-t", "tmpfs", "bench", str(names))
    hosts = names / "hosts"
    hosts.write_text(
        "127.0.0.1 localhost\n"
        f"{CLOUD} {' '.join(HOSTS)}\n"
        f"{METADATA[0]} metadata.google.internal metadata\n"
    )
    _run("mount", "--bind", str(hosts), "/etc/hosts")
    copied = names / "certs"
    shutil.copytree(ROOTS, copied, symlinks=True)
    _run("mount", "--bind", str(copied), str(ROOTS))


def trust(root: Path) -> None:
    """Add a root certificate to the system's bundle and to its hashed directory."""
    pristine = _BUNDLE.with_suffix(".pristine")
    if not pristine.exists():
        # The bundle may be a link to a file outside, where we must not write.
        shutil.copy(_BUNDLE, pristine)
        _BUNDLE.unlink()
    _BUNDLE.write_bytes(pristine.read_bytes() + root.read_bytes())
    hashed = _run("openssl", "x509", "-noout", "-subject_hash", "-in", str(root))
    shutil.copy(root, ROOTS / f"{hashed.strip()}.0")


@contextmanager
def sandbox(api_ms: float, metadata_ms: float) -> Iterator[Sandbox]:
    """Open a sandbox at the real host names and addresses, with these latencies."""
    with Sandbox(latency_ms=api_ms, metadata_latency_ms=metadata_ms) as cloud:
        cloud.listen(CLOUD, 443, tls=True)
        for address in METADATA:
            cloud.listen(address, 80)
        trust(cloud.ca_file)
        yield cloud


@contextmanager
def silence() -> Iterator[None]:
    """Make packets to the metadata addresses vanish, as on most networks."""
    for address in METADATA:
        _run("ip", "address", "del", f"{address}/32", "dev", "lo")
    for words in (
        "link add away type veth peer name nowhere",
        "address add 198.51.100.2/24 dev away",
        "link set away up",
        "link set nowhere up",
        "neighbour add 198.51.100.1 lladdr 02:00:00:00:00:01 dev away",
        "route add default via 198.51.100.1",
    ):
        _run("ip", *words.split())
    try:
        yield
    finally:
        _run("ip", "link", "del", "away")
        for address in METADATA:
            _run("ip", "address", "add", f"{address}/32", "dev", "lo")


def _run(*argv: str) -> str:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: {' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout
