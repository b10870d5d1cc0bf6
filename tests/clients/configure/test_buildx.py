"""`dockcred configure buildx`: buildx's library finds what is written, and no more."""

from __future__ import annotations

import json

import pytest
from support import oracles

from .conftest import Person

HUB_KEY = "https://index.docker.io/v1/"
SCOPES = {
    "ghcr.io": ("ghcr.io", "", set()),
    "https://GHCR.io/v2/": ("ghcr.io", "", set()),
    "ghcr.io@push": ("ghcr.io", "", {"push"}),
    "ghcr.io/me/app": ("ghcr.io", "me/app", set()),
    "ghcr.io/me/app@push": ("ghcr.io", "me/app", {"push"}),
    "ghcr.io/me/app@push,pull": ("ghcr.io", "me/app", {"pull", "push"}),
    "ghcr.io/me": ("ghcr.io", "me", set()),
    "r.example:5000/a/b.c@pull": ("r.example:5000", "a/b.c", {"pull"}),
    "docker.io/me/app": ("docker.io", "me/app", set()),
    "me/app@push": ("docker.io", "me/app", {"push"}),
    "alpine": ("docker.io", "library/alpine", set()),
}
"""What people write, and the host, repository and actions that they mean."""
ASKED = [
    *(("ghcr.io", "me/app"), ("ghcr.io", "me/other"), ("ghcr.io", "me")),
    *(("r.example:5000", "a/b.c"), ("docker.io", "me/app")),
    ("docker.io", "library/alpine"),
]


def sent(person: Person, registry: str) -> str | None:
    """Return the key by which buildx asked the helper; None if it asked nothing."""
    variables = {n: v for n, v in person.environment.items() if n != "HOME"}
    answer = oracles.ask("buildx", person.home, variables, registry)
    assert answer["error"] is None
    return answer["secret"]


@pytest.mark.parametrize("scope", SCOPES)
def test_buildx_asks_for_what_is_meant_and_for_nothing_else(
    somebody: Person, scope: str
) -> None:
    somebody.configure("buildx", "--registry", scope, "--helper", "answer")
    host, repository, actions = SCOPES[scope]
    found = False
    for asked_host, asked in ASKED:
        for wanted in ("pull", "pull,push"):
            meant = (
                host == asked_host
                and repository in {"", asked}
                and actions <= set(wanted.split(","))
            )
            key = HUB_KEY if host == "docker.io" else host
            registry = f"{asked_host}/{asked}@{wanted}"
            assert sent(somebody, registry) == (key if meant else None), registry
            found |= meant
    assert found


def test_the_narrower_one_wins_and_docker_s_file_answers_for_the_rest(
    somebody: Person,
) -> None:
    somebody.write(".docker/config.json", '{"credsStore": "answer"}')
    somebody.configure(
        "buildx", "--registry", "ghcr.io/me/app@push", "--helper", "recorder"
    )
    assert sent(somebody, "ghcr.io/me/app") == "ghcr.io"
    assert sent(somebody, "ghcr.io/me/app@pull,push") is None
    assert somebody.asked() == ["get ghcr.io"]


def test_undo_takes_back_all_and_leaves_what_others_have_there(person: Person) -> None:
    theirs = '{"auths": {"quay.io": {"auth": "bWU6cw=="}}}\n'
    person.write(".docker/buildx/config/quay.io/config.json", theirs)
    person.write(".docker/buildx/config/ghcr.io/me/app/config.json", '{"x": 1}')
    person.write(".docker/buildx/instances/b", "{}")
    before = person.everything()
    scopes = ("ghcr.io/me/app", "ghcr.io/me/app@push", "docker.io/me/app")
    named = [word for scope in scopes for word in ("--registry", scope)]
    person.configure("buildx", *named, "--helper", "recorder")
    assert person.everything() != before
    done = person.configure("buildx", "--undo")
    assert done.stdout.count("removed ") == 2
    assert person.everything() == before
    assert person.configure("buildx", "--undo").stdout == "nothing to undo\n"


def test_undo_of_one_leaves_the_others(person: Person) -> None:
    for scope in ("ghcr.io/a/b", "ghcr.io/c"):
        person.configure("buildx", "--registry", scope, "--helper", "recorder")
    person.configure("buildx", "--undo", "--registry", "ghcr.io/c")
    left = [path for path in person.everything() if path.endswith("config.json")]
    kept = person.home / ".docker/buildx/config/ghcr.io/a/b/config.json"
    assert left == [str(kept)]


@pytest.mark.parametrize("variable", ["BUILDX_CONFIG", "DOCKER_CONFIG"])
def test_its_directory_is_where_buildx_looks(somebody: Person, variable: str) -> None:
    place = somebody.home / "elsewhere"
    somebody.configure(
        "buildx",
        "--registry",
        "ghcr.io",
        "--helper",
        "answer",
        **{variable: str(place)},
    )
    variables = {n: v for n, v in somebody.environment.items() if n != "HOME"}
    variables[variable] = str(place)
    asked = oracles.ask("buildx", somebody.home, variables, "ghcr.io/me/app")
    assert asked["secret"] == "ghcr.io"


def test_a_login_that_is_hidden_is_told(person: Person) -> None:
    text = json.dumps({"auths": {"ghcr.io": {"auth": "bWU6czNjcjN0"}}})
    person.write(".docker/buildx/config/ghcr.io/config.json", text)
    done = person.configure("buildx", "--registry", "ghcr.io", "--helper", "recorder")
    assert "logins in auths are not read: ghcr.io" in done.stderr
    assert "s3cr3t" not in done.stderr


@pytest.mark.parametrize(
    "scope",
    [
        "ghcr.io/me/app:1",
        "ghcr.io/me/*",
        "ghcr.io/../../../evil",
        "ghcr.io/me/app@delete",
        "ghcr.io/Me/app",
        "ghcr.io/me@push@pull",
    ],
)
def test_what_buildx_never_asks_is_refused_and_leaves_nothing(
    person: Person, scope: str
) -> None:
    before = person.everything()
    assert "; write " in person.refused("buildx", "--registry", scope)
    assert person.everything() == before
