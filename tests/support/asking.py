"""Ask the helper of an identity's cloud for a registry that the identity may reach."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.program import HOST

NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
HELPERS = {
    "azure": ("acr-login", "contoso.azurecr.io"),
    "google": ("gcr", "europe-docker.pkg.dev"),
    "github": ("ghcr-login", "ghcr.io"),
    "alibaba": ("acr-helper", "acme-registry.cn-hangzhou.cr.aliyuncs.com"),
    "ci": ("oidc", ""),
    "secret": ("auto", "registry.corp.example"),
}


def ask(
    helper_bin: Path,
    environment: dict[str, str],
    identity: str,
    road: str = "",
    timeout_s: int = 20,
) -> tuple[int, str]:
    """Return the exit status, and what was printed, without the cache's help."""
    helper, host = HELPERS.get(identity.partition("-")[0], ("ecr-login", HOST))
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
        timeout=timeout_s + 10,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()
