"""The settings of the service: issuers, rules, and its own name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from dockcred.commands.token_service import strangers
from dockcred.commands.token_service.rule import (
    ANONYMOUS,
    KINDS,
    OTHER,
    Rule,
    examine,
    kind_of,
)
from dockcred.errors import InvalidInputError
from dockcred.transport.target import is_loopback

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Only asymmetric algorithms: a verifier of a token must not be able to make one."""

MAX_LIFE_S = 300
MIN_LIFE_S = 60  # docker assumes 60 s for a shorter life
DEFAULT_NAME = "dockcred"
CERTIFICATE, JWKS = "certificate", "jwks"


@dataclass(frozen=True)
class Issuer:
    """An OIDC issuer whose ID tokens are accepted, if they are meant for `audience`.

    `keys_file` is a JWKS with its keys, if the issuer publishes none that we can fetch.
    """

    name: str
    url: str
    audience: str
    algorithms: tuple[str, ...] = ALGORITHMS
    kind: str = ""
    keys_file: str = ""

    def __post_init__(self) -> None:
        """Raise InvalidInputError for an issuer that is not safe to trust."""
        if not is_safe_url(self.url, plain=True) or set(self.url) & {"?", "#"}:
            raise InvalidInputError(
                f"the url of issuer {self.name} is not one that can be believed",
                "write https://HOST[/PATH], as the iss of its tokens has it",
            )
        if not self.audience:
            raise InvalidInputError(
                f"issuer {self.name} has no audience",
                "name the one that its tokens are for",
            )
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise InvalidInputError(
                f"issuer {self.name} has an algorithm that is not asymmetric",
                f"choose from {', '.join(ALGORITHMS)}",
            )
        if self.kind not in {"", *KINDS}:
            raise InvalidInputError(
                f"issuer {self.name} is of kind {self.kind!a}",
                f"choose from {', '.join(KINDS)}",
            )

    @property
    def is_local(self) -> bool:
        """Return whether the issuer is on this machine, where plain http is safe."""
        return is_loopback(urlsplit(self.url).hostname or "")


@dataclass(frozen=True)
class Settings:
    """All settings that the answers depend on.

    `name` is our name, the `issuer` in the registry's settings. `service` is the
    registry's name for itself. `keys` is a directory. Tokens live `life_s` seconds.
    """

    service: str
    keys: str
    issuers: tuple[Issuer, ...]
    rules: tuple[Rule, ...]
    name: str = DEFAULT_NAME
    sign_for: str = CERTIFICATE
    life_s: int = MAX_LIFE_S

    def __post_init__(self) -> None:
        """Raise InvalidInputError for unsafe or meaningless settings."""
        for what in (self.service, self.name):
            if not what.isascii() or not what.isprintable() or set(what) & {'"', "\\"}:
                raise InvalidInputError(
                    f"{what!a} is not a name that HTTP can carry",
                    "write service and name in ASCII, without quotes",
                )
        if self.sign_for not in {CERTIFICATE, JWKS}:
            raise InvalidInputError(
                f"sign_for is {self.sign_for!a}", f"write {CERTIFICATE} or {JWKS}"
            )
        if not MIN_LIFE_S <= self.life_s <= MAX_LIFE_S:
            raise InvalidInputError(
                f"life is {self.life_s} seconds",
                f"write {MIN_LIFE_S} to {MAX_LIFE_S}",
            )
        if len({issuer.url for issuer in self.issuers}) < len(self.issuers):
            raise InvalidInputError("two issuers have the same url", "name each once")
        tuple(self.warnings())

    def warnings(self) -> Iterator[str]:
        """Yield what an operator should fix, though the service can run.

        Raises InvalidInputError for a rule that is not safe.
        """
        issuers = {issuer.name: issuer for issuer in self.issuers}
        for number, rule in enumerate(self.rules, start=1):
            which = f"rule {number}"
            if rule.issuer == ANONYMOUS:
                _examine_anonymous(rule, which)
            elif rule.issuer not in issuers:
                raise InvalidInputError(
                    f"{which} names the issuer {rule.issuer!a}, which is not listed",
                    "add it to [issuers], or fix its name",
                )
            else:
                issuer = issuers[rule.issuer]
                kind = issuer.kind or kind_of(issuer.url)
                yield from examine(rule, KINDS[kind], which)
                if not issuer.kind and kind == OTHER:
                    kind = strangers.kind_by_claims(rule)
                strangers.examine(rule, kind, which)


def is_safe_url(url: str, *, plain: bool) -> bool:
    """Return whether a URL is https; with `plain`, also http on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return (
        bool(host)
        and url.isascii()
        and url.isprintable()
        and not set(url) & {"@", " ", "\\"}
        and (
            parts.scheme == "https"
            or (plain and parts.scheme == "http" and is_loopback(host))
        )
    )


def _examine_anonymous(rule: Rule, which: str) -> None:
    if rule.claims or rule.actions - {"pull"}:
        raise InvalidInputError(
            f"{which} lets strangers do more than pull, or names their claims",
            'an anonymous rule has actions = ["pull"] and no claims',
        )
