"""Ask the helper of an identity's cloud for the credential of a registry."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from dockcred.testing.sandbox.sandbox import CLOUDS
from support.program import BUSY_S, HOST

NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
HELPERS = {
    "ecr": ("ecr-login", HOST),
    "acr": ("acr-login", "contoso.azurecr.io"),
    "google": ("gcr", "europe-docker.pkg.dev"),
    "github": ("ghcr-login", "ghcr.io"),
    "alibaba": ("acr-helper", "acme-registry.cn-hangzhou.cr.aliyuncs.com"),
    "oracle": ("ocir", "fra.ocir.io"),
    "gitlab": ("gitlab", "registry.gitlab.com"),
    "oidc": ("oidc", ""),
    "secret": ("auto", "registry.corp.example"),
}
"""Each provider's program (without docker-credential-) and a registry of its cloud.

The registry "" means the first one of DOCKCRED_OIDC_HOSTS. A provider without a row is
an error.
"""
_ELSEWHERE = {"gitlab-glab-self-managed": "images.corp.example"}
_PROVIDERS = {
    name: cloud.subject.provider for cloud in CLOUDS for name in cloud.identities
}


def ask(
    helper_bin: Path,
    environment: dict[str, str],
    identity: str,
    road: str = "",
    timeout_s: int = 20,
) -> tuple[int, str]:
    """Return the exit status and the output (stdout, then stderr), without the cache.

    `road` is a value of DOCKCRED_ROAD: it selects our own code or the cloud's SDK.
    """
    helper, host = HELPERS[_PROVIDERS[identity]]
    host = _ELSEWHERE.get(identity, host)
    host = host or environment["DOCKCRED_OIDC_HOSTS"].split(",")[0]
    done = subprocess.run(
        [helper_bin / f"docker-credential-{helper}", "get"],
        env=environment
        | {
            "DOCKCRED_ROAD": road,
            "DOCKCRED_CACHE": "off",
            "DOCKCRED_TIMEOUT": str(timeout_s),
        },
        input=host.encode(),
        capture_output=True,
        timeout=timeout_s + BUSY_S,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()
