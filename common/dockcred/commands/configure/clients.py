"""`dockcred configure docker`, `helm` and `podman`: what people run."""

from __future__ import annotations

from typing import Any

import click

from dockcred import environment
from dockcred.commands.configure import carry_out
from dockcred.commands.configure.options import ALL, HELPER, REGISTRY, options
from dockcred.commands.console import examples, refusing, warn
from dockcred.outputs import (
    containers_auth,
    docker_config,
    helm_registry,
    json_text,
    registries_conf,
    toml_text,
)
from dockcred.outputs.client_file import ClientFile
from dockcred.outputs.edit import Wanted


@click.command(
    epilog=examples(
        "dockcred configure docker --all",
        "dockcred configure docker --registry docker.io --helper keyring",
        "dockcred configure docker --registry ghcr.io --registry registry.example:5000",
        "dockcred configure docker --undo",
    )
)
@options(REGISTRY, ALL, HELPER)
def docker(**choices: Any) -> None:
    """Set docker's config.json: credHelpers for a HOST, credsStore for --all.

    $DOCKER_CONFIG/config.json, else ~/.docker/config.json. compose, buildx, oras, crane
    and docker-py read it too.
    """
    with refusing():
        path = docker_config.path(environment.current())
        _docker_config(path, docker_config.HUB, **choices)


@click.command(
    epilog=examples(
        "dockcred configure helm --all", "dockcred configure helm --registry ghcr.io"
    )
)
@options(REGISTRY, ALL, HELPER)
def helm(**choices: Any) -> None:
    """Set helm's registry/config.json, which helm reads before docker's."""
    with refusing():
        path = helm_registry.path(environment.current())
        _docker_config(path, helm_registry.HUB, **choices)


def _docker_config(
    path: str,
    hub: tuple[str, ...],
    *,
    registries: tuple[str, ...],
    everything: bool,
    helper: str,
    dry_run: bool,
    undo: bool,
) -> None:
    file = ClientFile(path, json_text)
    if undo:
        carry_out.undo([file], dry_run=dry_run)
        return
    carry_out.check_chosen(registries, everything=everything)
    carry_out.check_helper(helper)
    hosts = carry_out.all_keys(registries, hub)
    said: set[str] = set()

    def wanted(text: str) -> list[Wanted]:
        found = docker_config.ask_for(text, hosts, helper) if hosts else []
        found += docker_config.ask_always(helper) if everything else []
        # Asked again where the text has changed: each sentence is said once.
        for sentence in docker_config.left_behind(text, found):
            if sentence not in said:
                said.add(sentence)
                warn(sentence)
        return found

    carry_out.change(file, wanted, dry_run=dry_run)


@click.command(
    epilog=examples(
        "dockcred configure podman --all",
        "dockcred configure podman --registry quay.io --registry docker.io",
        "dockcred configure podman --undo",
    )
)
@options(REGISTRY, ALL, HELPER)
def podman(
    *,
    registries: tuple[str, ...],
    everything: bool,
    helper: str,
    dry_run: bool,
    undo: bool,
) -> None:
    """Set auth.json for a HOST, registries.conf for --all: podman, skopeo, buildah.

    $REGISTRY_AUTH_FILE, else ~/.config/containers/auth.json; it knows no credsStore.
    $CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf if there is
    one, else a drop-in beside it, which hides nothing of the system's.
    """
    with refusing():
        variables = environment.current()
        auth = ClientFile(containers_auth.path(variables), json_text)
        places = registries_conf.paths(variables)
        conf, *others = (ClientFile(path, toml_text) for path in places)
        if undo:
            carry_out.undo([auth, conf, *others], dry_run=dry_run)
            return
        carry_out.check_chosen(registries, everything=everything)
        carry_out.check_helper(helper)
        if hosts := carry_out.all_keys(registries, containers_auth.HUB):
            for sentence in containers_auth.heard_first(variables, hosts):
                warn(sentence)
            carry_out.change(
                auth,
                lambda text: docker_config.ask_for(text, hosts, helper),
                dry_run=dry_run,
            )
        if everything:
            carry_out.change(
                conf,
                lambda text: registries_conf.ask_always(text, helper),
                dry_run=dry_run,
            )
