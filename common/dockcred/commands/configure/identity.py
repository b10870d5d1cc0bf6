"""`dockcred configure identity`: which identity serves a registry, in config.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dockcred import system, wiring
from dockcred.clients import edit as clients_edit
from dockcred.clients.edit import ABSENT, WantedValue
from dockcred.clients.edit.client_file import EditableFile
from dockcred.commands.configure import carry_out
from dockcred.commands.configure.carry_out import REGISTRY, options
from dockcred.commands.console import examples, reporting_errors, warn
from dockcred.commands.help import complete
from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, InvalidInputError, WireError
from dockcred.identity import config
from dockcred.identity.cache.files import Cache
from dockcred.identity.config import load, settings
from dockcred.system import environment, machine, people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tomlkit import TOMLDocument
    from tomlkit.items import AoT, Table

    from dockcred.clients.edit import Path
    from dockcred.system.environment import Environment

_LIST = "registry"
_KNOWN = tuple(sorted((settings.OF_ROUTING | settings.VARIABLES.keys()) - {"match"}))
_STAYS = frozenset({"registry", "endpoint", "login", "anonymous", "on_miss"})
"""The settings of an entry that do not choose an identity.

A new entry, which replaces it for one registry, keeps them.
"""


class RegistryText:
    """The syntax of config.toml: a path is `registry`, a pattern and a setting."""

    def get(self, text: str, path: Path, /) -> Any:
        """Return a setting of the entry with this pattern, or ABSENT."""
        _, pattern, name = path
        entry = _entry(clients_edit.parse(text), pattern)
        return ABSENT if entry is None else entry.unwrap().get(name, ABSENT)

    def put(self, text: str, path: Path, value: Any, /) -> str:
        """Return the text with a setting; a pattern without an entry gets a new one."""
        _, pattern, name = path
        document = clients_edit.parse(text)
        entry = _entry(document, pattern)
        if entry is None:
            return _appended(text, {"match": pattern, name: value})
        entry[name] = value
        return document.as_string()

    def drop(self, text: str, path: Path, /) -> str:
        """Return the text without a setting; an entry that is empty then is removed."""
        _, pattern, name = path
        document = clients_edit.parse(text)
        entry = _entry(document, pattern)
        if entry is not None:
            del entry[name]
            if set(entry) == {"match"}:
                _remove(document, entry)
        return document.as_string()

    def is_blank(self, text: str, /) -> bool:
        """Return whether the text says nothing."""
        return not text.strip()


def _entries(document: TOMLDocument) -> AoT | None:
    from tomlkit.items import AoT  # noqa: PLC0415 - an edit only

    found = document.get(_LIST)
    if found is not None and not isinstance(found, AoT):
        raise InvalidInputError("registry is not a list", "write [[registry]]")
    return found


def _entry(document: TOMLDocument, pattern: str) -> Table | None:
    entries: Iterable[Table] = _entries(document) or ()
    for entry in entries:
        if str(entry.get("match", "")).lower() == pattern.lower():
            return entry
    return None


def _remove(document: TOMLDocument, entry: Table) -> None:
    entries = _entries(document)
    if entries is None or len(entries) == 1:
        document.remove(_LIST)
        return
    number = next(n for n, each in enumerate(entries) if each is entry)
    del entries[number]


def _appended(text: str, fields: Mapping[str, str]) -> str:
    """Return the text with an entry added at its end, with the line ends it has."""
    import tomlkit  # noqa: PLC0415 - an edit only

    newline = "\r\n" if "\r\n" in text else "\n"
    before = f"{text.rstrip()}{newline * 2}" if text.strip() else ""
    written = f"[[{_LIST}]]\n{tomlkit.dumps(dict(fields))}"
    return before + written.replace("\n", newline)


def config_file(variables: Environment) -> EditableFile:
    """Return the user's config.toml, which is the last of the files that are read."""
    return EditableFile(config_path(variables), RegistryText())


def config_path(variables: Environment) -> str:
    """Return the path of the user's config.toml; InvalidInputError without a home."""
    people.require_home(variables, "DOCKCRED_CONFIG", *system.FOLDERS["settings"][0])
    return config.files(variables)[-1]


def serving(
    variables: Environment, registry: str, chosen: Mapping[str, str]
) -> Callable[[str], list[WantedValue]]:
    """Return a function that gives the values to set in config.toml for a registry.

    With them the settings in `chosen` hold for it. If an entry for more hosts has held
    so far, its settings in _STAYS are kept. Raises InvalidInputError for an invalid
    registry or setting, and for a config.toml that is wrong already.
    """
    for name in chosen:
        if name not in _KNOWN:
            raise InvalidInputError(
                f"there is no setting {name!a}",
                f"choose of {', '.join(_KNOWN)}",
            )
    pattern = registry.partition("://")[2] or registry
    load.Pattern(pattern)
    wanted = {**_said_so_far(variables, pattern), **chosen}
    fields = (("match", pattern), *wanted.items())
    load.parse(_appended("", dict(fields)), "config.toml")
    return lambda _: [
        WantedValue((_LIST, pattern, name), value) for name, value in wanted.items()
    ]


def _said_so_far(variables: Environment, pattern: str) -> dict[str, str]:
    if set(pattern) & {"*", "?"}:
        return {}
    found = config.open_config(variables, lambda: Cache(machine.locate(variables)))
    said = found.settings_for(ServerURL.parse(pattern))
    return {
        name: value
        for name, value in said.items()
        if name in _STAYS and found.defaults.get(name) != value
    }


def complete_profile(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the profiles of ~/.aws for the shell; none where a file is wrong."""
    from dockcred.providers.ecr import accounts  # noqa: PLC0415 - for a shell only

    found = accounts.profiles(environment.current())
    return [name for name in found if name.startswith(incomplete)]


@click.command(
    "identity",
    epilog=examples(
        "dockcred configure identity \\\n"
        "      --registry 123456789012.dkr.ecr.eu-west-1.amazonaws.com --profile dev",
        "dockcred configure identity --registry ghcr.io --set store=pass",
        "dockcred configure identity --undo",
    ),
)
@options(
    REGISTRY,
    click.option(
        "--profile",
        metavar="NAME",
        shell_complete=complete_profile,
        help="The AWS profile; the same as --set profile=NAME.",
    ),
    click.option(
        "--set",
        "pairs",
        metavar="SETTING=VALUE",
        shell_complete=complete(*(f"{name}=" for name in _KNOWN)),
        multiple=True,
        help="A setting of config.toml, for each of the registries.",
    ),
)
def for_identity(
    *,
    registries: tuple[str, ...],
    profile: str | None,
    pairs: tuple[str, ...],
    dry_run: bool,
    undo: bool,
) -> None:
    """Set in config.toml which identity serves a HOST, for all helpers and clients.

    $DOCKCRED_CONFIG, else ~/.config/dockcred/config.toml. If HOST has an entry already,
    its other settings stay.
    """
    with reporting_errors():
        variables = environment.current()
        file = config_file(variables)
        if undo:
            carry_out.undo([file], dry_run=dry_run)
            return
        carry_out.check_chosen(registries, everything=False)
        chosen = dict(map(_pair, pairs)) | ({"profile": profile} if profile else {})
        if not chosen:
            raise InvalidInputError(
                "no identity is named", "use --profile NAME or --set SETTING=VALUE"
            )
        plans = [serving(variables, registry, chosen) for registry in registries]
        carry_out.change(
            file,
            lambda text: [each for plan in plans for each in plan(text)],
            dry_run=dry_run,
        )
        if not dry_run:
            for registry in registries:
                _warn_of_nobody(variables, registry)


def _warn_of_nobody(variables: Environment, registry: str) -> None:
    """Warn of what is wrong with the identity that is asked from now on."""
    if set(registry) & {"*", "?"}:
        return
    try:
        router = wiring.identities(variables)
        target, store = router.identity_for(ServerURL.parse(registry))
        if store is not None:
            store.provider.identity(target, store.environment)
    except WireError:
        return
    except DockcredError as problem:
        warn(str(problem))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise InvalidInputError(f"{text!a} is no setting", "write it as NAME=VALUE")
    return name.strip(), value
