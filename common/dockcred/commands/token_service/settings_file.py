"""The token service's file, read strictly."""

from __future__ import annotations

import tomllib
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


class Table:
    """One table; each key is taken once, by the type that it must have."""

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, dict):
            raise InvalidInputError(f"{where} is not a table", f"write [{where}]")
        self._left = dict(content)
        self._where = where

    def text(self, key: str, default: str | None = None) -> str:
        """Take a string; without a default it must be there and not be empty."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or not (value or default == ""):
            raise self._wrong(key, "a string")
        return value

    def number(self, key: str, default: int) -> int:
        """Take a whole number."""
        value = self._left.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "a whole number")
        return value

    def switch(self, key: str) -> bool:
        """Take true or false; false where it is not there."""
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Take a list of strings, or the one string that it would hold."""
        value = self._left.pop(key, list(default))
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(
            isinstance(item, str) for item in listed
        ):
            raise self._wrong(key, "a string or a list of strings")
        return tuple(listed)

    def table(self, key: str) -> dict[str, Any]:
        """Take a table, empty where it is not there."""
        value = self._left.pop(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return value

    def tables(self, key: str) -> list[Any]:
        """Take a list of tables, empty where it is not there."""
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, "a list of tables")
        return value

    def end(self) -> None:
        """Raise InvalidInputError for keys that nobody took: a typo opens no door."""
        if self._left:
            raise InvalidInputError(
                f"{self._where} has {min(self._left)!a}, which means nothing",
                "see docs/token-service.md for the keys that there are",
            )

    def _wrong(self, key: str, what: str) -> InvalidInputError:
        return InvalidInputError(
            f"{key} of {self._where} is not {what}", "fix the configuration"
        )


STRANGERS = "strangers-may-push"


def parse(text: str, default_keys: str) -> Settings:
    """Read a TOML file's text; raise InvalidInputError with what to fix in it."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"the configuration is not TOML: {error}", "fix it"
        ) from None
    top = Table(content, "the configuration")
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
    top.end()
    return made


def allow(words: str, issuer: str, which: str) -> Rule:
    """Read a rule of one line: `REPOSITORY:ACTION[,ACTION…] [CLAIM=GLOB …]`.

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
    """Let everybody pull some repositories."""
    return Rule.of_words("anonymous", ANONYMOUS, {}, tuple(repositories), ("pull",))


def _issuer(name: str, content: Any) -> Issuer:
    table = Table(content, f"issuers.{name}")
    made = Issuer(
        name,
        table.text("url"),
        table.text("audience"),
        table.texts("algorithms", ALGORITHMS),
        table.text("kind", ""),
        table.text("keys_file", ""),
    )
    table.end()
    return made


def _rule(content: Any, which: str) -> Rule:
    table = Table(content, which)
    issuer = table.text("issuer", "")
    if table.switch("anonymous") == bool(issuer):
        raise InvalidInputError(
            f"{which} does not say for whom it is",
            "name an issuer, or write anonymous = true",
        )
    claims = table.table("claims")
    values = Table(claims, f"the claims of {which}")
    made = Rule.of_words(
        which,
        issuer or ANONYMOUS,
        {name: values.texts(name) for name in claims},
        table.texts("repositories"),
        table.texts("actions"),
        catalog=table.switch("catalog"),
        strangers_may_push=table.switch("strangers_may_push"),
    )
    table.end()
    return made
