"""The registries that are asked for, and what a configuration may say about them.

Texts of one kind have one length. So only times or content can show that one of them
has overwritten another.
"""

from __future__ import annotations

from dataclasses import dataclass

_TEXT = 600
Entry = tuple[str, str]


@dataclass(frozen=True, repr=False)
class Cloud:
    """One helper's registries: two hosts, an alias, and possible settings for them."""

    provider: str
    program: str
    hosts: tuple[str, str]
    alias: str
    settings: tuple[str, ...]

    def __repr__(self) -> str:
        return self.provider

    @property
    def matches(self) -> tuple[str, ...]:
        """Return the patterns that a configuration's entries may have."""
        plain = (self.alias, *self.hosts)
        ports = tuple(f"{name}:5000" for name in plain)
        return (
            *plain,
            *ports,
            f"*.{self.alias.partition('.')[2]}",
            f"{self.alias}/one",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that clients ask for."""
        plain = (self.alias, *self.hosts, f"other.{self.alias.partition('.')[2]}")
        return (
            *(form.format(name) for form in FORMS for name in plain),
            f"{self.alias}/one",
            f"{self.alias}/two",
        )


FORMS = ("{}", "{}:5000", "https://{}", "{}:443")


def clouds(users: tuple[str, str]) -> tuple[Cloud, ...]:
    """Return the three clouds; `users` are Azure's user-assigned client ids."""
    ecr = (
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    )
    acr = ("sandbox.azurecr.io", "another.azurecr.io")
    google = ("europe-docker.pkg.dev", "northa-docker.pkg.dev")
    return (
        Cloud(
            "ecr",
            "docker-credential-ecr-login",
            ecr,
            "aws.corp.example",
            (*_to(ecr), *_to(ecr), *_with(_to(ecr)[0], 'session_name = "other"')),
        ),
        Cloud(
            "acr",
            "docker-credential-acr-login",
            acr,
            "azure.corp.example",
            (
                *_to(acr),
                *_with(_to(acr)[0], *(f'client_id = "{user}"' for user in users)),
                *(f'client_id = "{user}"' for user in users),
                'anonymous = "false"',
            ),
        ),
        Cloud(
            "google",
            "docker-credential-gcr",
            google,
            "google.corp.example",
            (
                *_to(google),
                *_with(_to(google)[0], 'username = "_token"'),
                'username = "_token"',
                'on_miss = "empty"',
            ),
        ),
    )


BY_SDK = {
    "ecr": ('profile = "one"', 'profile = "two"'),
    "acr": (),
    "google": ('credentials_file = "keyed.json"',),
}
"""Settings that need an SDK, which makes a step fifty times as slow."""


def text_of(entries: tuple[Entry, ...]) -> str:
    """Return the text of a configuration file, padded to _TEXT characters."""
    text = "".join(
        f'[[registry]]\nmatch = "{match}"\n{settings}\n' for match, settings in entries
    )
    return text.ljust(_TEXT, "#")


def _to(hosts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'registry = "{host}"' for host in hosts)


def _with(first: str, *more: str) -> tuple[str, ...]:
    return tuple(f"{first}\n{text}" for text in more)
