"""`dockcred cache`: show where tokens are cached, and remove them."""

from __future__ import annotations

import os
import shutil
import stat
import time

import click

from dockcred.commands import shape
from dockcred.commands.console import console, examples, reporting_errors
from dockcred.errors import InvalidInputError
from dockcred.identity.cache.files import Cache
from dockcred.system import environment, machine
from dockcred.wiring import PROVIDERS, provider

_MARK = "CACHEDIR.TAG"


@click.command(
    epilog=examples("dockcred cache", "dockcred cache --json", "dockcred cache --clear")
)
@click.option("--clear", is_flag=True, help="Remove the cache, with every token in it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def cache(*, clear: bool, as_json: bool) -> None:
    """Show where tokens are cached until they expire.

    Logins that you made are not among them: those are in the keychain.
    """
    if clear and as_json:
        raise click.UsageError("--clear and --json exclude each other")
    with reporting_errors():
        if as_json:
            found = [_described(path) for path in _directories()]
            click.echo(shape.document(caches=found))
            return
        for path in _directories():
            if clear:
                remove(path)
                _say(f"removed {path}")
            else:
                _say(path)


def _described(path: str) -> dict[str, object]:
    """Return one cache for the JSON document: its credentials, and when each ends."""
    now = time.time()
    opened = Cache(path)
    names = sorted(name for name in opened.names() if name.count(",") > 1)
    held = ((name.split(","), opened.read(name)) for name in names)
    return {
        "path": path,
        "trusted": bool(opened.path),
        "entries": [
            {
                "provider": words[0],
                "registry": words[1],
                "user": entry.credential.username,
                "source": entry.source,
                **shape.life(entry.credential.expires_at, now),
            }
            for words, entry in held
            if entry
        ],
    }


def _directories() -> list[str]:
    """Return the existing cache directories: the suite's, and those named by variables.

    DOCKCRED_CACHE may switch the cache off; it does not hide what was kept before.
    """
    variables = dict(os.environ)
    variables.pop("DOCKCRED_CACHE", None)
    asked = environment.Environment(variables)
    parents = {"", *(provider(name).cache_parent for name in PROVIDERS)}
    found = {machine.locate(asked, parent) for parent in parents}
    return sorted(path for path in found if path and _is_directory(path))


def _is_directory(path: str) -> bool:
    """Return whether a path is a directory; raise OSError if that cannot be read."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def remove(path: str) -> None:
    """Remove a cache directory, its mark last, so that a killed call can be repeated.

    Raises InvalidInputError for a directory that is not ours, or not only ours.
    """
    names = os.listdir(path) if machine.is_trusted(path) else ["?"]
    if names and _MARK not in names:
        raise InvalidInputError(
            f"{path} is not a cache of ours, and is left as it is",
            "look at DOCKCRED_CACHE_DIR",
        )
    for name in sorted(names, key=_MARK.__eq__):
        inside = f"{path}/{name}"
        if os.path.isdir(inside) and not os.path.islink(inside):
            shutil.rmtree(inside)
        else:
            os.unlink(inside)
    os.rmdir(path)


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
