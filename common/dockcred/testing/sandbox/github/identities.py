"""The GitHub identities: what each leaves in the home and the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.home import path_led_by, write_private

if TYPE_CHECKING:
    from dockcred.testing.sandbox.github import GitHub

Variables = dict[str, str]


class Workplace:
    """Writes the files of an identity into its home, readable only by the owner."""

    def __init__(self, github: GitHub, home: Path) -> None:
        self.github = github
        self.home = home

    def write(self, path: str, text: str, mode: int = 0o600) -> Path:
        """Write a file below the home directory."""
        return write_private(self.home / path, text.encode(), mode)


def gh_token(work: Workplace) -> Variables:
    """Have a token with the scope read:packages in GH_TOKEN."""
    token = work.github.tokens.personal("gh-token", "repo", "read:packages")
    return {"GH_TOKEN": token}


def job_token(work: Workplace) -> Variables:
    """Be a job: its GITHUB_TOKEN is an installation's, and has no scopes."""
    token = work.github.tokens.installation("actions", "write", float("inf"))
    return {"GITHUB_TOKEN": token, "GITHUB_ACTOR": "monalisa"}


def narrow_token(work: Workplace) -> Variables:
    """Have a token in GH_TOKEN that opens repositories only."""
    return {"GH_TOKEN": work.github.tokens.personal("narrow-token", "repo")}


def invalid_token(work: Workplace) -> Variables:  # noqa: ARG001 - GitHub knows nothing
    """Have a token in GH_TOKEN that was revoked."""
    return {"GH_TOKEN": "ghp_" + "0" * 36}


def gh_login(work: Workplace) -> Variables:
    """Be logged in with gh, the token in its file."""
    token = work.github.tokens.oauth("monalisa", "repo", "write:packages")
    work.write(
        ".config/gh/hosts.yml",
        "github.com:\n    users:\n        monalisa:\n"
        f"            oauth_token: {token}\n"
        f"    git_protocol: https\n    user: monalisa\n    oauth_token: {token}\n",
    )
    return {}


def gh_keychain(work: Workplace) -> Variables:
    """Be logged in with gh, the token in a keychain that gh alone reads."""
    token = work.github.tokens.oauth("monalisa", "read:packages")
    work.write(
        ".config/gh/hosts.yml",
        "github.com:\n    git_protocol: https\n    users:\n        monalisa:\n"
        "    user: monalisa\n",
    )
    program = work.write(
        "bin/gh",
        f'#!/bin/sh\necho "$*" >>"$HOME/gh-calls"\necho {token}\n',
        mode=0o700,
    )
    return path_led_by(program.parent)


def app(work: Workplace) -> Variables:
    """Be an App with its private key, installed once."""
    from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

    key = work.write("app.pem", rs256.pem(work.github.app_key))
    return {
        "GITHUB_APP_ID": work.github.app,
        "GITHUB_APP_INSTALLATION_ID": work.github.installation,
        "GITHUB_APP_PRIVATE_KEY_FILE": str(key),
    }


def nobody(work: Workplace) -> Variables:  # noqa: ARG001 - it leaves nothing there
    """Have no GitHub identity at all."""
    return {}


IDENTITIES: dict[str, Callable[[Workplace], Variables]] = {
    f"github-{identity.__name__.replace('_', '-')}": identity
    for identity in (
        gh_token,
        job_token,
        narrow_token,
        invalid_token,
        gh_login,
        gh_keychain,
        app,
        nobody,
    )
}
