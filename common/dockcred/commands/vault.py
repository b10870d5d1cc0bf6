"""`dockcred vault`: make, unlock and lock the encrypted vault."""

from __future__ import annotations

import os
import sys

import click

from dockcred import system
from dockcred.commands.console import examples
from dockcred.commands.help import HelpfulGroup
from dockcred.errors import InvalidInputError, MissingExtraError
from dockcred.stores import choice, vault_key
from dockcred.system import environment, people

_PROTECTS = (
    "It protects against whoever gets the file without the key (backups, images, "
    "other users); not against root, nor against programs that run as you while "
    "the key is within reach."
)
_HOUR_S = 3600


class _NeedsExtra(HelpfulGroup):
    """A group that says which extra is missing."""

    def invoke(self, context: click.Context) -> object:
        """Raise MissingExtraError where a library is not there."""
        try:
            return super().invoke(context)
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"the vault needs {error.name}, which is not installed",
                "run: pip install 'dockcred[vault]'",
            ) from None


@click.group(
    cls=_NeedsExtra,
    epilog=examples(
        "dockcred vault create --key-file /etc/dockcred/vault.key",
        "dockcred vault unlock --hours 8",
        "dockcred vault lock",
    ),
)
def vault() -> None:
    """Keep credentials in one encrypted file, where there is no keychain."""


@vault.command(
    epilog=examples(
        "dockcred vault create --key-file /etc/dockcred/vault.key",
        "dockcred vault create --passphrase-file ~/.vault-passphrase",
    ),
)
@click.option(
    "--key-file",
    metavar="PATH",
    help="Create a random key in this file, or use the key that is there.",
)
@click.option(
    "--passphrase-file", metavar="PATH", help="Read a passphrase from this file."
)
@click.option(
    "--kernel-keyring",
    "in_kernel",
    is_flag=True,
    help="Keep a random key in the kernel alone. After the next boot nobody can open"
    " the vault.",
)
def create(
    key_file: str | None, passphrase_file: str | None, *, in_kernel: bool
) -> None:
    """Create an empty vault; without options it asks for a passphrase."""
    from dockcred.stores import vault as vaults  # noqa: PLC0415 - an extra

    if bool(key_file) + bool(passphrase_file) + in_kernel > 1:
        raise click.UsageError("give one of the three")
    variables = environment.current()
    others = "DOCKCRED_VAULT_FILE", *system.FOLDERS["data"][0]
    people.require_home(variables, *others)
    path = choice.vault_path(variables)
    if os.path.exists(path):
        raise InvalidInputError(
            f"there is a vault at {path} already", "name another in DOCKCRED_VAULT_FILE"
        )
    key, description = os.urandom(32), {"kind": "random"}
    if key_file:
        key_file = os.path.abspath(key_file)
        if os.path.lexists(key_file):
            # An earlier call may have been killed after the key, before the vault.
            key = vault_key.read_own_key(key_file)
        else:
            vault_key.write_key(key_file, key)
        description["path"] = key_file
    elif not in_kernel:
        description = vault_key.new_passphrase_key()
        passphrase = (
            vault_key.read_passphrase(passphrase_file)
            if passphrase_file
            else _ask(confirm=True)
        )
        key = vault_key.derive(passphrase, description)
    made = vaults.create(path, key, description)
    if in_kernel and not vault_key.write(made.id, key, 0):
        os.unlink(path)
        raise InvalidInputError(
            "the kernel's keyring takes no key here", "create it with --key-file"
        )
    click.echo(f"Made {path}. {_PROTECTS}")


@vault.command(epilog=examples("dockcred vault unlock --hours 8"))
@click.option(
    "--hours",
    type=click.FloatRange(0, min_open=True),
    default=8.0,
    show_default=True,
    help="How many hours the kernel keeps the key.",
)
def unlock(hours: float) -> None:
    """Ask for the passphrase, and let the kernel keep the key for some hours."""
    from dockcred.stores.guarded_file import GuardedFile  # noqa: PLC0415
    from dockcred.stores.vault_file import VaultFile  # noqa: PLC0415 - an extra

    file = GuardedFile(choice.vault_path(environment.current()))
    found = VaultFile.parse(file.read())
    if found.key["kind"] != "scrypt":
        raise InvalidInputError(
            "this vault has a key of its own, no passphrase", "use it: it is open"
        )
    key = vault_key.derive(_ask(confirm=False), found.key)
    found.open(key)
    if not vault_key.write(found.id, key, max(1, int(hours * _HOUR_S))):
        raise InvalidInputError(
            "the kernel's keyring takes no key here",
            "name the passphrase's file in DOCKCRED_VAULT_PASSPHRASE_FILE",
        )


@vault.command(epilog=examples("dockcred vault lock"))
def lock() -> None:
    """Remove the key from the kernel."""
    from dockcred.stores.guarded_file import GuardedFile  # noqa: PLC0415
    from dockcred.stores.vault_file import VaultFile  # noqa: PLC0415 - an extra

    file = GuardedFile(choice.vault_path(environment.current()))
    vault_key.forget(VaultFile.parse(file.read()).id)


def _ask(*, confirm: bool) -> bytes:
    """Read a passphrase from the terminal; if stdin is none, read one line of it."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n").encode()
    typed: str = click.prompt(
        "Passphrase", hide_input=True, confirmation_prompt=confirm
    )
    return typed.encode()
