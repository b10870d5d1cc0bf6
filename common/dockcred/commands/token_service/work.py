"""The work of the subcommands; only this module needs the extra `token-service`."""

from __future__ import annotations

import os
from dataclasses import replace

from dockcred.commands.console import leave, warn
from dockcred.commands.token_service import (
    access_token,
    issuer_documents,
    journal,
    server,
    settings_file,
)
from dockcred.commands.token_service.app import Application
from dockcred.commands.token_service.by_rules import ByRules, Verifier
from dockcred.commands.token_service.key_directory import KeyDirectory
from dockcred.commands.token_service.listen import Listen
from dockcred.commands.token_service.settings import Issuer, Settings
from dockcred.commands.token_service.upstream import OAuthProvider, Upstream
from dockcred.errors import InvalidInputError
from dockcred.system.environment import Environment
from dockcred.system.private_file import check_owner

_ONLY_ISSUER = "issuer"
_LEVELS = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING"}


def serve(
    application: Application, listen: Listen, workers: int, environment: Environment
) -> None:
    """Serve until told to stop, and log each request to stderr as a line of JSON."""
    level = environment.get("DOCKCRED_LOG").lower()
    journal.open_on_stderr(_LEVELS.get(level, "INFO"))
    server.run(application, listen, workers)
    leave()  # a thread may still be checking a password


def with_provider(environment: Environment) -> Application:
    """Return the service that asks the provider named in the variables."""
    return Application(Upstream(OAuthProvider.of(environment), environment), "registry")


def with_rules(settings: Settings) -> Application:
    """Return the service that goes by rules; creates its keys if there are none."""
    keys = KeyDirectory(settings.keys)
    if not os.path.lexists(settings.keys):
        keys.create()
    keys.signing_key()
    verifier = Verifier(settings.issuers, issuer_documents.fetch_keys)
    authority = ByRules(settings, keys, verifier)
    issuers = [issuer.name for issuer in settings.issuers]
    return Application(authority, settings.service, issuers)


def of_file(path: str, keys: str | None, environment: Environment) -> Settings:
    """Read the settings file, and print warnings about it."""
    try:
        with open(path, encoding="utf-8") as file:
            check_owner(path, os.fstat(file.fileno()))
            text = file.read()
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path} is not UTF-8", "fix it") from None
    made = settings_file.parse(text, key_directory(keys, environment))
    if keys:
        made = replace(made, keys=os.path.abspath(keys))
    return _warned(made)


def of_options(
    *,
    issuer: str,
    audience: str,
    service: str,
    keys: str,
    allow: tuple[str, ...],
    allow_anonymous: tuple[str, ...],
) -> Settings:
    """Return the settings that the command's options describe."""
    rules = [
        settings_file.allow(words, _ONLY_ISSUER, f"--allow {words!a}")
        for words in allow
    ]
    if allow_anonymous:
        rules.append(settings_file.allow_anonymous(allow_anonymous))
    made = Settings(
        service=service or audience,
        keys=keys,
        issuers=(Issuer(_ONLY_ISSUER, issuer, audience),),
        rules=tuple(rules),
    )
    return _warned(made)


def key_directory(keys: str | None, environment: Environment) -> str:
    """Return the directory of our keys: as given, else root's or the user's own.

    Raises InvalidInputError for a user without a home.
    """
    if keys:
        return os.path.abspath(keys)
    if os.geteuid() == 0:
        return "/var/lib/dockcred/token-service"
    found = environment.path("XDG_STATE_HOME", ".local/state")
    if not found:
        raise InvalidInputError(
            "there is no home for our keys", "give --keys DIRECTORY"
        )
    return f"{found}/dockcred/token-service"


def write_registry_config(
    settings: Settings, directory: str, seen_as: str | None, realm: str
) -> list[str]:
    """Write the files that the registry reads; return their paths."""
    published = KeyDirectory(settings.keys).published()
    there = seen_as or os.path.abspath(directory)
    return access_token.write(directory, there, realm, settings, published)


def _warned(settings: Settings) -> Settings:
    for warning in settings.warnings():
        warn(warning)
    return settings
