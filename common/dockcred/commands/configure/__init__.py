"""`dockcred configure`: have a client ask our helpers, and undo that.

The forms of the clients' files are in `dockcred.clients`; here are the commands and
their options. This file has those of agents (Nomad, kubelet) and of buildx. The module
`clients` beside it has those of docker, helm and podman, which people run.
"""

from __future__ import annotations

import os

import click

from dockcred import system
from dockcred.clients import kubelet, nomad
from dockcred.clients.docker import buildx as buildx_scopes
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import ABSENT, WantedValue, WholeText, json_text
from dockcred.clients.edit.client_file import EditableFile
from dockcred.clients.edit.provider_list import ProviderList
from dockcred.commands.configure import carry_out
from dockcred.commands.configure.carry_out import (
    HELPER,
    IMPORT,
    LOGINS,
    REGISTRY,
    options,
)
from dockcred.commands.configure.clients import (
    change_and_import,
    docker,
    helm,
    podman,
)
from dockcred.commands.configure.identity import for_identity
from dockcred.commands.console import examples, reporting_errors, warn
from dockcred.commands.help import (
    EVERY_CLOUD,
    PATTERNS,
    HelpfulGroup,
    complete_host,
)
from dockcred.errors import InvalidInputError
from dockcred.system import environment


@click.command(
    "nomad",
    epilog=examples(
        "dockcred configure nomad --registry ghcr.io --agent-dir /etc/nomad.d",
        "dockcred configure nomad --registry ghcr.io --config /etc/nomad-docker.json",
        "dockcred configure nomad --agent-dir /etc/nomad.d --undo",
    ),
)
@options(
    REGISTRY,
    HELPER,
    click.option(
        "--config",
        metavar="FILE",
        default=os.path.join(system.SETTINGS, "nomad-docker.json"),
        show_default=True,
        help="The config.json for Nomad; it must be outside the agent's own directory.",
    ),
    click.option(
        "--agent-dir",
        metavar="DIR",
        help=f"Write the block to DIR/{nomad.PLUGIN_FILE}, or update the file that a"
        " block there names; the default is to print the block.",
    ),
)
def for_nomad(
    *,
    registries: tuple[str, ...],
    helper: str,
    config: str,
    agent_dir: str | None,
    dry_run: bool,
    undo: bool,
) -> None:
    """Write a config.json for Nomad's docker driver, and its plugin block.

    Name one helper per HOST: with a helper for every image, public images could not be
    pulled. The helper must be on the PATH of the Nomad agent. An agent has one docker
    block. If there is one already, only the config.json that it names is written.
    """
    with reporting_errors():
        config = os.path.abspath(config)
        other = nomad.other_block(agent_dir) if agent_dir else None
        named = other.config if other and other.config else config
        files = [
            EditableFile(path, json_text) for path in dict.fromkeys((named, config))
        ]
        block = nomad.plugin_block(config)
        ours = None
        if agent_dir:
            plugin = os.path.join(agent_dir, nomad.PLUGIN_FILE)
            ours = EditableFile(plugin, WholeText())
        if undo:
            carry_out.undo([*files, *([ours] if ours else [])], dry_run=dry_run)
            return
        carry_out.check_chosen(registries, everything=False)
        carry_out.check_helper(helper)
        hosts = carry_out.all_keys(registries, nomad.HUB)
        if other and ours and ours.is_ours():
            raise InvalidInputError(
                f"{other.path} has a docker plugin block beside ours, and Nomad keeps"
                " one of two",
                "run the same with --undo first, then this again",
            )
        carry_out.change(
            files[0],
            lambda text: docker_edit.use_helper_for(text, hosts, helper),
            dry_run=dry_run,
            aside=not agent_dir,
        )
        if other and not other.config:
            raise InvalidInputError(
                f"{other.path} has a docker plugin block, and Nomad keeps one of two",
                f'add to its config: auth {{ config = "{config}" }}; then restart the'
                " agent",
            )
        if other:
            click.echo(f"{other.path} names it already")
        elif ours:
            carry_out.change_whole(ours, block, dry_run=dry_run)
            click.echo(
                "restart the Nomad agent: it reads its plugins' blocks then only"
            )
        else:
            click.echo(block, nl=False)


@click.command(
    "kubelet",
    epilog=examples(
        "dockcred configure kubelet --all --file /etc/kubernetes/dockcred.yaml",
        "dockcred configure kubelet --registry 'registry.example:5000'",
        "dockcred configure kubelet --registry ghcr.io --file config.json --merge",
        "dockcred configure kubelet --file /etc/kubernetes/dockcred.yaml --undo",
    ),
)
@options(
    PATTERNS,
    EVERY_CLOUD,
    click.option(
        "--file",
        "path",
        metavar="FILE",
        help="Write to this file; the default is to print.",
    ),
    click.option(
        "--merge",
        is_flag=True,
        help="Add the provider to a FILE that has others; all else in it stays.",
    ),
)
def for_kubelet(
    *,
    patterns: tuple[str, ...],
    everything: bool,
    path: str | None,
    merge: bool,
    dry_run: bool,
    undo: bool,
) -> None:
    """Write kubelet's CredentialProviderConfig for dockcred-credential-provider.

    For kubelet --image-credential-provider-config=FILE and
    --image-credential-provider-bin-dir, where `dockcred install` has put the program.
    """
    with reporting_errors():
        if (undo or merge) and not path:
            raise InvalidInputError("no file is named", "use --file FILE")
        if undo and path:
            carry_out.undo([EditableFile(path, ProviderList())], dry_run=dry_run)
            return
        carry_out.check_chosen(patterns, everything=everything)
        images = [*patterns, *(kubelet.CLOUDS if everything else ())]
        if merge and path:
            _merge(path, images, dry_run=dry_run)
        elif path:
            file = EditableFile(path, ProviderList())
            carry_out.change_whole(file, kubelet.config(images), dry_run=dry_run)
        else:
            click.echo(kubelet.config(images), nl=False)


def _merge(path: str, images: list[str], *, dry_run: bool) -> None:
    """Add our provider to a file of others; warn of images that another one has."""
    place = ("providers", kubelet.PROVIDER)
    syntax = ProviderList()
    others: list[str] = []

    def wanted(text: str) -> list[WantedValue]:
        if syntax.get(text, place) is ABSENT:
            others[:] = [image for image in images if image in text]
        return [WantedValue(place, kubelet.provider(images))]

    carry_out.change(EditableFile(path, syntax), wanted, dry_run=dry_run)
    if others:
        warn(
            f"another provider has {', '.join(others)} too: kubelet asks both, and"
            " tries the earlier one's answer first"
        )


_SCOPE = click.option(
    "--registry",
    "registries",
    metavar="HOST[/REPOSITORY][@ACTIONS]",
    multiple=True,
    shell_complete=complete_host,
    help="What the helper answers for; ACTIONS are pull, push or both. May be"
    " repeated.",
)


@click.command(
    "buildx",
    epilog=examples(
        "dockcred configure buildx --registry ghcr.io/me/app@push --helper oidc",
        "dockcred configure buildx --registry ghcr.io/me/base --helper ghcr-login",
        "dockcred configure buildx --undo",
    ),
)
@options(_SCOPE, HELPER, IMPORT, LOGINS)
def for_buildx(
    *,
    registries: tuple[str, ...],
    helper: str,
    at_once: bool,
    logins: bool | None,
    dry_run: bool,
    undo: bool,
) -> None:
    """Set buildx's own directories: a helper for a HOST, a REPOSITORY, or for pushes.

    They are in $BUILDX_CONFIG/config, else in buildx/config beside docker's
    config.json. For the registries that they name, buildx reads them instead of that
    file; bake and compose build through buildx. --undo without --registry undoes all of
    them.
    """
    with reporting_errors():
        variables = environment.current()
        chosen = [buildx_scopes.scope(variables, text) for text in registries]
        if undo:
            paths = [each.path for each in chosen] or buildx_scopes.files(variables)
            files = [EditableFile(path, json_text) for path in paths]
            carry_out.undo(files, dry_run=dry_run, logins=logins)
            return
        if not chosen:
            raise InvalidInputError(
                "no repository is named", "use --registry HOST/REPOSITORY"
            )
        carry_out.check_helper(helper)
        for scope in chosen:
            file = EditableFile(scope.path, json_text)
            key = scope.key
            change_and_import(
                file,
                lambda text, key=key: docker_edit.use_helper_for(text, [key], helper),  # type: ignore[misc]
                file.path,
                helper,
                at_once=at_once,
                dry_run=dry_run,
            )


@click.group(
    cls=HelpfulGroup,
    epilog=examples(
        "dockcred configure docker --all",
        "dockcred configure podman --all --dry-run",
        "dockcred configure docker --undo",
        "dockcred configure identity --registry HOST --profile dev",
    ),
)
def configure() -> None:
    """Configure a client to ask our helpers for credentials.

    The client's own file is edited. All else in it stays, a backup is kept beside it,
    and --undo restores it byte for byte.
    """


for command in (docker, for_buildx, helm, podman, for_nomad, for_kubelet, for_identity):
    configure.add_command(command)
