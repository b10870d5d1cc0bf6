"""Where the rendered text is written, and what is reported of it."""

from __future__ import annotations

import json
import os

import click

from dockcred.api.resolve import Policy
from dockcred.clients import kubelet
from dockcred.clients.edit import past
from dockcred.commands.console import examples, reporting_errors, stdout, until
from dockcred.commands.help import EVERY_CLOUD, PATTERNS
from dockcred.errors import InvalidInputError
from dockcred.system import private_file


def refuse_terminal(path: str | None) -> None:
    """Raise a usage error if the secret would be shown on a terminal."""
    if path in (None, "-") and stdout().isatty():
        raise click.UsageError(
            "a secret is not shown: pipe it, or use --output FILE; --show shows it"
        )


def policy(sources: tuple[str, ...]) -> Policy | None:
    """Return the policy that asks these sources; None for the default policy."""
    return Policy(order=sources) if sources else None


def place_for(path: str | None, name: str) -> str:
    """Return the path that --output means, "" for stdout.

    Raises InvalidInputError for a device: a file would replace it.
    """
    if path in (None, "-"):
        return ""
    if not path:
        raise InvalidInputError("--output names no file", "write --output FILE")
    if path.endswith("/") or os.path.isdir(path):
        path = os.path.join(path, name)
    path = os.path.abspath(path)
    where = os.path.realpath(os.path.dirname(path))
    is_other = os.path.exists(path) and not os.path.isfile(path)
    if is_other or where == "/dev" or where.startswith("/proc/"):
        raise InvalidInputError(f"{path} is no place for a file", "use a redirection")
    return path


def write(data: bytes, path: str, ends: float | None, *, secret: bool = True) -> None:
    """Print the data, or write it into a file and say until when it is valid.

    The file keeps its owner, group and links, and its mode if it holds no secret. A
    file with a secret cannot be read by other users. A message says so if its group can
    read it.
    """
    if not path:
        _print(data)
        return
    place = private_file.behind_links(path)
    _refuse_to_lose(place, data)
    past.make_directories(place)
    mode, said = private_file.mode_for_secret(place) if secret else (None, "")
    private_file.replace(place, data, mode, keeps_owner=True)
    good = f"; good until {until(ends)}" if ends else ""
    click.echo(f"wrote {path}{good}{f'; {said}' if said else ''}", err=True)


def _print(data: bytes) -> None:
    """Write to stdout without a buffer, so that a failed write raises here."""
    left = memoryview(data)
    while left:
        left = left[os.write(stdout().fileno(), left) :]


def _refuse_to_lose(path: str, data: bytes) -> None:
    """Raise InvalidInputError if the file has keys that the new content lacks."""
    there, ours = _said(past.read(path)), _said(data)
    if besides := sorted(there - ours):
        raise InvalidInputError(
            f"{path} has {', '.join(besides)} besides, which would be lost",
            "name another file, or move this one away",
        )


def _said(data: bytes | None) -> set[str]:
    """Return the keys of a file of logins, and those of its `auths`."""
    try:
        found = json.loads(data or b"{}")
        return {*found, *found.get("auths", ())}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return set()


EXAMPLES = {
    "argocd": ("dockcred render argocd --registry ghcr.io",),
    "containers-auth": (
        "dockcred render containers-auth --registry ghcr.io/acme --output auth.json",
        "dockcred render containers-auth --for coco --registry ghcr.io |",
        "    kbs-client config set-resource --path default/containers/auth …",
    ),
    "contrast-secret": (
        "dockcred render contrast-secret --registry ghcr.io |",
        "    kubectl apply --server-side -f -",
    ),
    "contrast-toml": (
        "dockcred render contrast-toml --registry ghcr.io --extra-env HTTPS_PROXY",
    ),
    "docker-config": (
        "dockcred render docker-config --registry ghcr.io --output /kaniko/.docker/",
    ),
    "env": (
        'eval "$(dockcred render env --registry ghcr.io)"',
        'dockcred render env --for dotenv --registry ghcr.io >>"$GITHUB_ENV"',
    ),
    "helm": ("dockcred render helm --registry ghcr.io --output registry.json",),
    "kubelet-config": ("dockcred render kubelet-config --all",),
    "kubernetes-secret": (
        "dockcred render kubernetes-secret --registry ghcr.io --namespace apps |",
        "    kubectl apply --server-side -f -",
    ),
    "nomad": (
        "dockcred render nomad --registry ghcr.io --name nomad/jobs/app |",
        "    nomad var put -in=json -",
    ),
    "password": (
        "dockcred render password --registry ghcr.io |",
        "    docker login ghcr.io -u me --password-stdin",
    ),
    "user-pass": ("dockcred render user-pass --registry ghcr.io | base64 -w0",),
}

KUBELET_CONFIG = "kubelet-config"


@click.command(
    KUBELET_CONFIG,
    short_help="CredentialProviderConfig for kubelet, which asks our provider",
    epilog=examples(*EXAMPLES[KUBELET_CONFIG]),
)
@PATTERNS
@EVERY_CLOUD
@click.option(
    "--output", "path", metavar="FILE", help="Write to this file in one step."
)
def kubelet_config(
    patterns: tuple[str, ...], *, everything: bool, path: str | None
) -> None:
    """CredentialProviderConfig for kubelet, which asks our provider: no secret in it.

    `dockcred configure kubelet` writes the same, and can take it back.
    """
    with reporting_errors():
        images = [*patterns, *(kubelet.CLOUDS if everything else ())]
        if not images:
            raise InvalidInputError(
                "no image is named", "use --registry PATTERN or --all"
            )
        place = place_for(path, "credential-provider-config.yaml")
        write(kubelet.config(images).encode(), place, None, secret=False)
