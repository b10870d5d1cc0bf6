"""Parse the token service's settings file, and refuse what is unknown in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dockcred.commands.token_service.rule import ANONYMOUS, Rule
from dockcred.commands.token_service.settings import (
    ALGORITHMS,
    CERTIFICATE,
    DEFAULT_NAME,
    MAX_LIFE_S,
    Issuer,
    Settings,
)
from dockcred.errors import InvalidInputError
from dockcred.system.toml_table import BrokenTOMLError, Table, ValueKind, loads

_KINDS = {
    ValueKind.TEXT: "a string",
    ValueKind.TEXTS: "a string or a list of strings",
    ValueKind.NUMBER: "a whole number",
    ValueKind.SWITCH: "true or false",
    ValueKind.TABLE: "a table",
    ValueKind.TABLES: "a list of tables",
}


class SettingsTable(Table):
    """One table of the settings; messages call it `where`."""

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, dict):
            raise InvalidInputError(f"{where} is not a table", f"write [{where}]")
        super().__init__(content)
        self._where = where

    def wrong(self, name: str, kind: ValueKind) -> InvalidInputError:
        """Return the error for a value that is not of its kind."""
        return InvalidInputError(
            f"{name} of {self._where} is not {_KINDS[kind]}", "fix the configuration"
        )

    def unknown(self, name: str, known: list[str]) -> InvalidInputError:
        """Return the error for an unknown key, so that a typo does not widen access."""
        del known
        return InvalidInputError(
            f"{self._where} has {name!a}, which means nothing",
            "see docs/token-service.md for the keys that there are",
        )


STRANGERS = "strangers-may-push"


def parse(text: str, default_keys: str) -> Settings:
    """Parse the text of a TOML file; raise InvalidInputError with what to fix."""
    try:
        content = loads(text)
    except BrokenTOMLError as error:
        raise InvalidInputError(
            f"the configuration is not TOML: {error}", "fix it"
        ) from None
    top = SettingsTable(content, "the configuration")
    issuers = top.table("issuers")
    made = Settings(
        service=top.text("service"),
        keys=top.text("keys", default_keys),
        issuers=tuple(_issuer(name, table) for name, table in issuers.items()),
        rules=tuple(
            _rule(table, f"rule {number}")
            for number, table in enumerate(top.tables("rules"), start=1)
        ),
        name=top.text("name", DEFAULT_NAME),
        sign_for=top.text("sign_for", CERTIFICATE),
        life_s=top.number("life", MAX_LIFE_S),
    )
    top.refuse_others()
    return made


def allow(words: str, issuer: str, which: str) -> Rule:
    """Parse a rule of one line: `REPOSITORY:ACTION[,ACTION…] [CLAIM=GLOB …]`.

    The word STRANGERS stands for `strangers_may_push = true`.
    """
    scope, *conditions = words.split() or [""]
    strangers_may_push = STRANGERS in conditions
    conditions = [word for word in conditions if word != STRANGERS]
    repository, colon, actions = scope.rpartition(":")
    claims: dict[str, list[str]] = {}
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not (name and equals):
            colon = ""
        claims.setdefault(name, []).append(value)
    if not colon:
        raise InvalidInputError(
            f"{which} is not a rule", "write 'team/app:pull,push CLAIM=VALUE'"
        )
    return Rule.of_words(
        which,
        issuer,
        claims,
        [repository],
        actions.split(","),
        strangers_may_push=strangers_may_push,
    )


def allow_anonymous(repositories: Iterable[str]) -> Rule:
    """Return a rule by which everybody may pull from some repositories."""
    return Rule.of_words("anonymous", ANONYMOUS, {}, tuple(repositories), ("pull",))


def _issuer(name: str, content: Any) -> Issuer:
    table = SettingsTable(content, f"issuers.{name}")
    made = Issuer(
        name,
        table.text("url"),
        table.text("audience"),
        table.texts("algorithms", ALGORITHMS, or_one=True),
        table.text("kind", ""),
        table.text("keys_file", ""),
    )
    table.refuse_others()
    return made


def _rule(content: Any, which: str) -> Rule:
    table = SettingsTable(content, which)
    issuer = table.text("issuer", "")
    if table.switch("anonymous") == bool(issuer):
        raise InvalidInputError(
            f"{which} does not say for whom it is",
            "name an issuer, or write anonymous = true",
        )
    claims = table.table("claims")
    values = SettingsTable(claims, f"the claims of {which}")
    made = Rule.of_words(
        which,
        issuer or ANONYMOUS,
        {name: values.texts(name, or_one=True) for name in claims},
        table.texts("repositories", or_one=True),
        table.texts("actions", or_one=True),
        catalog=table.switch("catalog"),
        strangers_may_push=table.switch("strangers_may_push"),
    )
    table.refuse_others()
    return made
