"""`dockcred configure buildx`: whom a build asks for one repository, or to push."""

from __future__ import annotations

import click

from dockcred.clients.docker import buildx as scopes
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import json_text
from dockcred.clients.edit.client_file import EditableFile
from dockcred.commands.configure import carry_out
from dockcred.commands.configure.carry_out import HELPER, IMPORT, LOGINS, options
from dockcred.commands.configure.clients import change_and_import
from dockcred.commands.console import examples, reporting_errors
from dockcred.commands.help import complete_host
from dockcred.errors import InvalidInputError
from dockcred.system import environment

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
    epilog=examples(
        "dockcred configure buildx --registry ghcr.io/me/app@push --helper oidc",
        "dockcred configure buildx --registry ghcr.io/me/base --helper ghcr-login",
        "dockcred configure buildx --undo",
    )
)
@options(_SCOPE, HELPER, IMPORT, LOGINS)
def buildx(
    *,
    registries: tuple[str, ...],
    helper: str,
    at_once: bool,
    logins: bool | None,
    dry_run: bool,
    undo: bool,
) -> None:
    """Set buildx's own directories: a helper for a HOST, a REPOSITORY, or to push.

    $BUILDX_CONFIG/config, else buildx/config beside docker's config.json. For what they
    name buildx reads them in that file's place; bake and compose build through it.
    --undo without --registry takes back every one of them.
    """
    with reporting_errors():
        variables = environment.current()
        chosen = [scopes.scope(variables, text) for text in registries]
        if undo:
            paths = [each.path for each in chosen] or scopes.files(variables)
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
