"""DOCKER_<HOST>_USR and _PSW: we are compared with docker-credential-env."""

from __future__ import annotations

import random
import secrets
from collections import Counter

import pytest
from support.differential import EXAMPLES, meant

from dockcred.credential import ServerURL
from dockcred.errors import InvalidInputError
from dockcred.providers.secret import SecretProvider
from dockcred.system.environment import Environment

from . import beside_env


def ours(url: str, variables: dict[str, str]) -> list[str]:
    """Return our user and secret; an empty list if there is no answer."""
    try:
        server = ServerURL.parse(url)
    except InvalidInputError:
        return []
    environment = Environment(variables)
    found = SecretProvider().by_variables(server, environment, tuple)
    if found is None:
        return []
    provider, hidden = found
    credential = provider.identity(server, environment.with_values(hidden)).issue()
    return [credential.username, credential.secret]


def compare(url: str, variables: dict[str, str], theirs: list[str]) -> str:
    """Return `alike`, or the name of the meant difference; fail on any other."""
    mine = ours(url, variables)
    if mine == theirs:
        return "alike"
    host = url.removeprefix("https://").partition("/")[0].partition(":")[0]
    stems = beside(host)
    pairs = [s for s in stems if f"{s}_USR" in variables and f"{s}_PSW" in variables]
    if mine:
        # The program did not find the host's variables: it looks for capitals as given.
        assert host != host.lower(), (url, variables, mine, theirs)
        return meant("env-capitals")
    if not pairs:
        assert theirs[1:] in ([""], []), (url, variables, theirs)
        if theirs[:1] in ([""], []):
            return meant("env-nobody")
        return meant("env-half-a-pair")
    if url.startswith("http://"):
        return meant("env-plain-http")
    if pairs[0] != stems[0]:
        return meant("env-whole-host")
    if "" in theirs:
        return meant("env-empty")
    if host != host.lower():
        return meant("env-capitals")
    assert set(host) & {"-", "_"}, (url, variables, theirs)
    return meant("env-one-reading")


def beside(host: str) -> list[str]:
    """Return the prefixes of the names that the program looks for, in its order."""
    labels = host.replace("-", "_").split(".")
    return [
        "_".join(["DOCKER", *[".".join(labels[n:])]]).replace(".", "_")
        for n in range(len(labels) + 1)
    ]


def test_as_it_answered_when_it_was_asked() -> None:
    ends = Counter(compare(*row) for row in beside_env.recorded())
    assert ends["alike"] > 25, ends
    assert len(ends) > 6, ends


@pytest.mark.skipif(
    not beside_env.PROGRAM,
    reason="DOCKER_CREDENTIAL_ENV does not name it: its recorded answers are compared",
)
@pytest.mark.parametrize("kind", ["fixed", "fresh"])
def test_as_it_answers_now(kind: str) -> None:
    seed = 1 if kind == "fixed" else secrets.randbelow(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(EXAMPLES):
        url, variables = beside_env.question(chance)
        compare(url, variables, beside_env.ask(url, variables))
