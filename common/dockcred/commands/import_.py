"""`dockcred import`: bring credentials from plaintext files and other stores."""

from __future__ import annotations

import os

import click

from dockcred import wiring
from dockcred.commands.console import examples, meant, reporting_errors
from dockcred.commands.help import Choice
from dockcred.errors import CredentialsNotFoundError, DockcredError
from dockcred.protocol import wire
from dockcred.stores import auth_file, server_keys
from dockcred.stores.auth_file import AuthFile
from dockcred.stores.problems import KeychainError
from dockcred.system import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dockcred.credential import Credential, ServerURL
    from dockcred.stores.keychain_store import Keychain, KeychainStore

    Source = Keychain | AuthFile


_PODMANS = (
    "podman asks the store after: dockcred configure podman --all --helper keyring"
)
SOURCES = ("docker", "podman", *wiring.STORES)


@click.command(
    "import",
    epilog=examples(
        "dockcred import docker --dry-run",
        "dockcred import docker --remove",
        "dockcred import pass --to secretservice",
    ),
)
@click.argument("source", default="docker")
@click.option(
    "--to",
    type=Choice(tuple(wiring.STORES)),
    metavar="STORE",
    help="Store them here; the default is the store that a get would use.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--replace", is_flag=True, help="Replace credentials that the store already has."
)
@click.option(
    "--remove",
    is_flag=True,
    help="Remove from SOURCE each credential that was read back unchanged. There is"
    " no backup.",
)
def import_(
    source: str, to: str | None, *, dry_run: bool, replace: bool, remove: bool
) -> None:
    """Import credentials from SOURCE.

    SOURCE is docker (config.json), podman (auth.json), the path of such a file, or
    another store: secretservice, pass, vault, osxkeychain, wincred, kwallet, keyring.
    Each credential is stored, read back and compared before anything is removed.
    """
    with reporting_errors():
        origins = _open(source)
        failed = 0
        for origin in origins:
            if isinstance(origin, AuthFile) and not dry_run:
                origin.remove_leftovers()
            safe, missed = _copy(origin, _opener(to), dry_run=dry_run, replace=replace)
            failed += missed
            if remove and safe and not dry_run:
                _remove(origin, safe, getattr(origin, "path", source))
    for origin in origins:
        if isinstance(origin, AuthFile) and origin.is_podmans:
            click.echo(_PODMANS)
            break
        if isinstance(origin, AuthFile) and not origin.uses_store("keyring"):
            click.echo(
                f'Docker asks the store once {origin.path} has "credsStore": "keyring".'
            )
    if failed:
        raise SystemExit(1)


def _remove(origin: Source, safe: list[str], name: str) -> None:
    removed = origin.remove(safe)
    gone = safe if removed is None else removed
    for key in sorted(set(safe) - set(gone)):
        click.echo(wire.message_line(f"{key}: has another login now"), nl=False)
    click.echo(f"Removed {len(gone)} from {name}.")


def _open(source: str) -> Sequence[Source]:
    variables = environment.current()
    if source == "docker":
        return [auth_file.docker(variables)]
    if source == "podman":
        return auth_file.podman(variables)
    if source in wiring.STORES:
        return [wiring.keychain_store(source).keychain]
    if os.path.exists(source):
        return [AuthFile(source)]
    raise click.UsageError(
        f"SOURCE is a file or one of {', '.join(SOURCES)}.{meant(source, SOURCES)}"
    )


def _opener(to: str | None) -> Callable[[ServerURL], KeychainStore]:
    """Return a function that opens a server's store: `to`, or the one a get uses."""
    if to is None:
        return wiring.keychain_for
    named = wiring.keychain_store(to)
    return lambda _: named


def copy_logins(origin: AuthFile, keys: Collection[str]) -> list[str]:
    """Copy these logins of a client's file into their stores; return the copied keys.

    A login that the store has already counts as copied. Each is read back and
    compared; the file stays as it is.
    """
    return _copy(origin, _opener(None), dry_run=False, replace=False, keys=keys)[0]


def _copy(
    origin: Source,
    open_store: Callable[[ServerURL], KeychainStore],
    *,
    dry_run: bool,
    replace: bool,
    keys: Collection[str] | None = None,
) -> tuple[list[str], int]:
    """Copy every credential, or those of `keys`.

    Return the keys that the stores have now, and how many failed.
    """
    safe, failed = [], 0
    found = sorted(
        (key, user)
        for key, user in origin.users().items()
        if keys is None or key in keys
    )
    if isinstance(origin, AuthFile):
        for key, why in sorted(origin.undecoded().items()):
            if keys is None or key in keys:
                click.echo(wire.message_line(f"{key}: left out: {why}"), nl=False)
    if not found:
        click.echo("Nothing to import.")
    for key, user in found:
        try:
            done, is_safe = _copy_one(
                origin, open_store, key, dry_run=dry_run, replace=replace
            )
        except DockcredError as error:
            done, is_safe = f"failed: {error}", False
            failed += 1
        click.echo(wire.message_line(f"{key} ({user}): {done}"), nl=False)
        if is_safe:
            safe.append(key)
    return safe, failed


def _copy_one(
    origin: Source,
    open_store: Callable[[ServerURL], KeychainStore],
    key: str,
    *,
    dry_run: bool,
    replace: bool,
) -> tuple[str, bool]:
    """Copy one credential; return what was done, and whether the store has it now."""
    server = server_keys.parse(key)
    credential = origin.read(key)
    if credential is None or server is None:
        return "left out: no request can name this key", False
    store = open_store(server)
    if type(store.keychain) is type(origin):
        return "left out: SOURCE is its store", False
    kept = _kept(store, server)
    if is_same(kept, credential):
        return "kept there already", True
    if kept is not None and not replace:
        return f"left out: {kept.username} is kept there (--replace replaces it)", False
    if dry_run:
        return "would be imported", False
    store.store(server, credential)
    if not is_same(_kept(store, server), credential):
        raise KeychainError(
            "what the store reads back is not what was written",
            "see the store: the login is where it was, too",
        )
    return "imported, read back equal", True


def _kept(store: KeychainStore, server: ServerURL) -> Credential | None:
    """Return the login that is kept for exactly this registry and path.

    One that is kept for a path above it does not count.
    """
    if not server_keys.same(server, store.list()):
        return None
    try:
        return store.get(server)
    except CredentialsNotFoundError:
        return None


def keeps_another(origin: AuthFile, key: str) -> bool:
    """Return whether the store keeps another login for this key than a client's file.

    Raises DockcredError if the store cannot be read.
    """
    server, mine = server_keys.parse(key), origin.read(key)
    if server is None or mine is None:
        return False
    kept = _kept(wiring.keychain_for(server), server)
    return kept is not None and not is_same(kept, mine)


def is_same(one: Credential | None, other: Credential) -> bool:
    """Return whether two logins have one user and one secret."""
    return one is not None and (one.username, one.secret) == (
        other.username,
        other.secret,
    )
