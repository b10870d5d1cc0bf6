"""The isolated home of a command: its own directories, no cloud in the variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dockcred import system

CLOUD_PREFIXES = (
    "AWS_", "AZURE_", "ARM_", "IDENTITY_", "MSI_", "IMDS_",
    "ALIBABA_CLOUD_", "GOOGLE_", "GCE_", "GCLOUD_", "CLOUDSDK_", "OCI_",
    "GH_", "ACTIONS_ID_TOKEN_", "CI_JOB_", "CI_REGISTRY", "DOCKCRED_", "BOTO_",
)  # fmt: skip
CLOUD_VARIABLES = frozenset({
    "GITHUB_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "SIGSTORE_ID_TOKEN", "NO_GCE_CHECK",
    "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "CIRCLE_OIDC_TOKEN",
    "CIRCLE_OIDC_TOKEN_V2", "BUILDKITE", "BUILDKITE_AGENT_ACCESS_TOKEN",
    "TF_BUILD", "SYSTEM_ACCESSTOKEN", "SYSTEM_OIDCREQUESTURI",
    "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "KUBECONFIG",
    # Programs find a keychain through the bus, not through HOME.
    "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "PASSWORD_STORE_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS", "PIP_CERT", "GIT_SSL_CAINFO", "NIX_SSL_CERT_FILE",
    "HTTPLIB2_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
})  # fmt: skip
KEPT_BY_DEFAULT = ("PATH", "LANG", "LC_ALL", "TERM", "TMPDIR", "USER", "LOGNAME")


def make_private(directory: Path) -> None:
    """Create a directory and its missing parents, only for the owner."""
    # mkdir(parents=True) would give the parents a mode by the umask.
    if not directory.is_dir():
        make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def write_private(target: Path, data: bytes, mode: int) -> Path:
    """Write a file that is readable only by its owner, at any moment."""
    make_private(target.parent)
    target.touch(mode=mode)
    os.chmod(target, mode)
    target.write_bytes(data)
    return target


def path_led_by(directory: Path) -> dict[str, str]:
    """Return a PATH with this directory first, then the caller's PATH."""
    caller = os.environ.get("PATH", os.defpath)
    return {"PATH": f"{directory}{os.pathsep}{caller}"}


def is_cloud_variable(name: str) -> bool:
    """Return whether a variable may name an identity, a login or another network."""
    from dockcred.system.environment import meanings  # noqa: PLC0415 - many imports

    upper = name.upper()
    return (
        upper.startswith(CLOUD_PREFIXES)
        or upper in CLOUD_VARIABLES
        or any(upper in (*c.VARIABLES, *c.SECRETS) for c in meanings.CLOUDS)
    )


def minimal(environment: Mapping[str, str]) -> dict[str, str]:
    """Return only the variables that every program needs."""
    return {n: environment[n] for n in KEPT_BY_DEFAULT if n in environment}


def isolate(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment without cloud variables, and with an empty home."""
    runtime = home / ".run"
    make_private(runtime)
    kept = {n: v for n, v in environment.items() if not is_cloud_variable(n)}
    return kept | {
        "HOME": str(home),
        system.HOME: str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_RUNTIME_DIR": str(runtime),
        "DOCKER_CONFIG": str(home / ".docker"),
        "DOCKCRED_CACHE_DIR": str(home / ".cache/dockcred"),
    }
