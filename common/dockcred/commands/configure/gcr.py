"""`docker-credential-gcr configure-docker`, which start-up scripts call."""

from __future__ import annotations

import click

from dockcred.commands.configure.clients import docker

# cloud.google.com/container-registry/docs/overview, and the peer's own default.
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
    """Run `dockcred configure docker` for these registries; answer text and status."""
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
    """Tell Go's -flag from --flag; Go takes both for the same."""
    return word.startswith("-") and not word.startswith("--")
