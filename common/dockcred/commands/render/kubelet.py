"""`dockcred render kubelet-config`: patterns of images, and no secret."""

from __future__ import annotations

import click

from dockcred.commands.console import examples, refusing
from dockcred.commands.render import output
from dockcred.commands.render.shown import EXAMPLES
from dockcred.errors import InvalidInputError
from dockcred.outputs import kubelet

KUBELET_CONFIG = "kubelet-config"


@click.command(
    KUBELET_CONFIG,
    short_help="CredentialProviderConfig for kubelet, which asks our provider",
    epilog=examples(*EXAMPLES[KUBELET_CONFIG]),
)
@click.option(
    "--registry",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="Images that the provider is asked for, with * within a label.",
)
@click.option("--all", "everything", is_flag=True, help="The clouds' own registries.")
@click.option("--output", "path", metavar="FILE", help="Write it there in one step.")
def kubelet_config(
    patterns: tuple[str, ...], *, everything: bool, path: str | None
) -> None:
    """CredentialProviderConfig for kubelet, which asks our provider: no secret in it.

    `dockcred configure kubelet` writes the same, and can take it back.
    """
    with refusing():
        images = [*patterns, *(kubelet.CLOUDS if everything else ())]
        if not images:
            raise InvalidInputError(
                "no image is named", "use --registry PATTERN or --all"
            )
        place = output.place(path, "credential-provider-config.yaml")
        output.write(kubelet.config(images).encode(), place, None)
