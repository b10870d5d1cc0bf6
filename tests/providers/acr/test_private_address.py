"""App Service's token endpoint, on a real network's private address, plain HTTP."""

from __future__ import annotations

import json
import subprocess

import pytest
from support.program import BUSY_S
from support.real import program, require, require_root

ADDRESS = "172.16.5.3"  # as in Container Apps
SCRIPT = """\
ip link set lo up
ip address add "$1/32" dev lo
echo "$2" | exec "$3/dockcred" sandbox --identity azure-app-service --tls \\
    --address "$1" --counts="$4" -- "$3/docker-credential-acr-login" get
"""
CALLS = {"acr:exchange": 1, "app-service:token": 1, "proxy:CONNECT": 1}


@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_app_service_is_asked_at_a_private_address(road, helper_bin, tmp_path):
    require_root("a network of one's own")
    program("ip")
    require("unshare", "--net", "ip", "link", "set", "lo", "up")
    counts = tmp_path / "counts.json"
    shell = ("/bin/sh", "-euc", SCRIPT, "sh")
    done = subprocess.run(
        [
            "unshare",
            "--net",
            *shell,
            ADDRESS,
            "registry.azurecr.io",
            helper_bin,
            counts,
        ],
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(tmp_path),
            "DOCKCRED_ROAD": road,
        },
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["Secret"]
    calls = json.loads(counts.read_text())
    assert {name: calls.get(name) for name in CALLS} == CALLS, calls
