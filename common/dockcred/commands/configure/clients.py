"""`dockcred configure docker`, `helm` and `podman`: what people run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dockcred.clients import helm as helm_registry
from dockcred.clients.containers import edit as containers_edit
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import WantedValue, json_text, toml_text
from dockcred.clients.edit.client_file import EditableFile
from dockcred.commands.configure import carry_out
from dockcred.commands.configure.carry_out import (
    ALL,
    HELPER,
    IMPORT,
    LOGINS,
    REGISTRY,
    options,
)
from dockcred.commands.console import examples, reporting_errors, warn
from dockcred.system import environment


@click.command(
    epilog=examples(
        "dockcred configure docker --all",
        "dockcred configure docker --registry docker.io --helper keyring",
        "dockcred configure docker --registry ghcr.io --registry registry.example:5000",
        "dockcred configure docker --undo",
    )
)
@options(REGISTRY, ALL, HELPER, IMPORT, LOGINS)
def docker(**choices: Any) -> None:
    """Set docker's config.json: credHelpers for a HOST, credsStore for --all.

    $DOCKER_CONFIG/config.json, else ~/.docker/config.json. compose, buildx, oras, crane
    and docker-py read it too.
    """
    with reporting_errors():
        variables = environment.current()
        path = docker_edit.path_to_edit(variables)
        _docker_config(path, docker_edit.HUB, "docker", **choices)


@click.command(
    epilog=examples(
        "dockcred configure helm --all", "dockcred configure helm --registry ghcr.io"
    )
)
@options(REGISTRY, ALL, HELPER, IMPORT, LOGINS)
def helm(**choices: Any) -> None:
    """Set helm's registry/config.json, which helm reads before docker's."""
    with reporting_errors():
        path = helm_registry.path_to_edit(environment.current())
        _docker_config(path, helm_registry.HUB, path, **choices)


def _docker_config(
    path: str,
    hub: tuple[str, ...],
    source: str,
    *,
    registries: tuple[str, ...],
    everything: bool,
    helper: str,
    at_once: bool,
    logins: bool | None,
    dry_run: bool,
    undo: bool,
) -> None:
    file = EditableFile(path, json_text)
    if undo:
        carry_out.undo([file], dry_run=dry_run, logins=logins)
        return
    carry_out.check_chosen(registries, everything=everything)
    carry_out.check_helper(helper)
    hosts = carry_out.all_keys(registries, hub)

    def wanted(text: str) -> list[WantedValue]:
        found = docker_edit.use_helper_for(text, hosts, helper) if hosts else []
        return found + (docker_edit.use_as_default(helper) if everything else [])

    change_and_import(file, wanted, source, helper, at_once=at_once, dry_run=dry_run)


def change_and_import(
    file: EditableFile,
    wanted: Callable[[str], list[WantedValue]],
    source: str,
    helper: str,
    *,
    at_once: bool,
    dry_run: bool,
    namespaces: bool = False,
) -> None:
    """Change a file; warn of each login that this hides, and offer to import it."""
    said: set[str] = set()
    hidden: list[str] = []

    def telling(text: str) -> list[WantedValue]:
        found = wanted(text)
        logins, sentences = docker_edit.ignored_logins(
            text, found, namespaces=namespaces
        )
        hidden.extend(logins)
        # This runs again if the text has changed; each sentence is printed once.
        for sentence in sentences:
            if sentence not in said:
                said.add(sentence)
                keeps = helper in carry_out.KEEPING or "auths" not in sentence
                warn(sentence if keeps else f"{sentence}; {_AGAIN}")
        return found

    file.configure(telling)
    if helper in carry_out.KEEPING:
        carry_out.offer_import(
            file.path, source, hidden, at_once=at_once, dry_run=dry_run
        )
    carry_out.change(file, telling, dry_run=dry_run)


_AGAIN = "log in again where no identity serves"


@click.command(
    epilog=examples(
        "dockcred configure podman --all",
        "dockcred configure podman --registry quay.io --registry docker.io",
        "dockcred configure podman --undo",
    )
)
@options(REGISTRY, ALL, HELPER, IMPORT, LOGINS)
def podman(
    *,
    registries: tuple[str, ...],
    everything: bool,
    helper: str,
    at_once: bool,
    logins: bool | None,
    dry_run: bool,
    undo: bool,
) -> None:
    """Set auth.json for a HOST, registries.conf for --all: podman, skopeo, buildah.

    $REGISTRY_AUTH_FILE, else ~/.config/containers/auth.json, which has no credsStore.
    $CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf if there is
    one, else a drop-in file beside it, which hides no setting of the system. The same
    is written below $XDG_CONFIG_HOME, where podman 6 looks.
    """
    with reporting_errors():
        variables = environment.current()
        edits = containers_edit
        find_auth = edits.path_to_edit if registries else edits.path
        auth = EditableFile(find_auth(variables), json_text)
        find_confs = edits.paths_to_edit if everything else edits.paths
        places = find_confs(variables)
        confs, others = ([EditableFile(p, toml_text) for p in each] for each in places)
        if undo:
            files = [auth, *confs, *others]
            carry_out.undo(files, dry_run=dry_run, logins=logins)
            return
        carry_out.check_chosen(registries, everything=everything)
        carry_out.check_helper(helper)
        if hosts := carry_out.all_keys(registries, containers_edit.HUB):
            for sentence in (
                *containers_edit.shadowing(variables, hosts),
                *containers_edit.passed_over(variables, hosts, helper),
            ):
                warn(sentence)
            change_and_import(
                auth,
                lambda text: docker_edit.use_helper_for(text, hosts, helper),
                auth.path,
                helper,
                at_once=at_once,
                dry_run=dry_run,
                namespaces=True,
            )
        if everything:
            for sentence in containers_edit.passed_over(variables, None, helper):
                warn(sentence)
            for conf in confs:
                carry_out.change(
                    conf,
                    lambda text: containers_edit.use_as_default(text, helper),
                    dry_run=dry_run,
                )
            for sentence in (
                [] if dry_run else containers_edit.unheard(variables, helper)
            ):
                warn(sentence)


# From cloud.google.com/container-registry/docs/overview, and from the default of
# Google's docker-credential-gcr.
CONTAINER_REGISTRY = (
    "gcr.io",
    "us.gcr.io",
    "eu.gcr.io",
    "asia.gcr.io",
    "marketplace.gcr.io",
)
# cloud.google.com/artifact-registry/docs/repositories/repo-locations. docker has no
# wildcards (docker/cli#2928); a region that is missing here is named by --registries.
ARTIFACT_REGISTRY = (
    "africa-south1",
    "asia",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "australia-southeast1",
    "australia-southeast2",
    "europe",
    "europe-central2",
    "europe-north1",
    "europe-southwest1",
    "europe-west1",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "europe-west10",
    "europe-west12",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "southamerica-east1",
    "southamerica-west1",
    "us",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
)


@click.command()
@click.option("--registries", default="")
@click.option("--include-artifact-registry", is_flag=True)
@click.option("--overwrite", is_flag=True)
@click.option("--quiet", is_flag=True)
def _flags(
    registries: str, *, include_artifact_registry: bool, overwrite: bool, quiet: bool
) -> list[str]:
    """Read the peer's flags; what they overwrite, `dockcred configure` always sets."""
    del overwrite, quiet
    found = registries.split(",") if registries else list(CONTAINER_REGISTRY)
    if include_artifact_registry:
        found += [f"{place}-docker.pkg.dev" for place in ARTIFACT_REGISTRY]
    return found


def configure_docker(arguments: list[str]) -> tuple[str, int]:
    """Run `dockcred configure docker` with the flags of Google's docker-credential-gcr.

    Returns the text to print, and the exit status.
    """
    dashed = [
        word.replace("-", "--", 1) if _is_short(word) else word for word in arguments
    ]
    try:
        registries = _flags.main(dashed, standalone_mode=False)
        named = [word for name in registries for word in ("--registry", name)]
        docker.main(["--helper", "gcr", *named], standalone_mode=False)
    except click.ClickException as error:
        return error.format_message(), 1
    return "undo with: dockcred configure docker --undo", 0


def _is_short(word: str) -> bool:
    """Return whether a word is a -flag; to Go -flag and --flag are the same."""
    return word.startswith("-") and not word.startswith("--")
