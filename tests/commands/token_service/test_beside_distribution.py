"""Compare how we and distribution's own token server (2.8.3, its last) read scopes.

That server lets a user do everything below the user's name. So what it grants shows
what it has read.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest
from support import oracles
from support.differential import meant
from support.program import BUSY_S

from dockcred.commands.token_service import request
from dockcred.commands.token_service.request import Refusal
from dockcred.commands.token_service.rule import ACTIONS, Rule, grant

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

USER, PASSWORD = "u", "p"
# bcrypt of PASSWORD, with the lowest cost.
LINE = "u:$2b$04$4KACg220eq0Wd2xwGl/rpOG1uLXMMGVOFXA0M115YQzxyE2hbUnla\n"
RULE = Rule.of_words("all", "", {}, ["u/**"], ACTIONS, catalog=True)
Grants = set[tuple[str, str, str, str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Grants]]:
    program = oracles.program("distribution_scope")
    words: Path = tmp_path_factory.mktemp("server") / "htpasswd"
    words.write_text(LINE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "-addr", f"127.0.0.1:{port}", "-realm", "r", "-passwd", words]
    with subprocess.Popen(
        command, env={}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(port)
            yield lambda *scopes: _ask(port, scopes)
        finally:
            process.kill()


def _wait(port: int) -> None:
    give_up = time.monotonic() + BUSY_S
    while time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), BUSY_S).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("distribution's token server does not listen")


def _ask(port: int, scopes: tuple[str, ...]) -> Grants:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=BUSY_S)
    query = urlencode([("service", "s"), *(("scope", scope) for scope in scopes)])
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    connection.request("GET", f"/token/?{query}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, body
    token = json.loads(body)["access_token"]
    access = jwt.decode(token, options={"verify_signature": False})["access"]
    return {
        (each["type"], each.get("class", ""), each["name"], action)
        for each in access
        for action in each["actions"]
    }


def ours(*scopes: str) -> Grants:
    return {
        (found["type"], found.get("class", ""), found["name"], action)
        for access in grant([RULE], request.parse(scopes))
        for found in [access.claim()]
        for action in found["actions"]
    }


@pytest.mark.parametrize(
    "scope",
    [
        "repository:u/app:pull",
        "repository(plugin):u/app:pull",
        "repository(plugin):u/app:pull,push",
        "repository(image):u/app:push",
        "repository(plugin):other/app:pull",
        "repository:u/a/b/c:delete",
        "repository:u/app:pull,pull",
        "registry:catalog:*",
        "registry:other:*",
        "other:u/app:pull",
    ],
)
def test_a_scope_means_what_it_means_to_distribution(server, scope: str) -> None:
    assert ours(scope) == server(scope)


def test_classes_are_asked_for_side_by_side(server) -> None:
    scopes = ("repository:u/app:pull", "repository(plugin):u/app:push")
    assert ours(*scopes) == server(*scopes)
    assert len(ours(*scopes)) == 2


kinds = st.sampled_from(
    (
        *(("repository", "repository(plugin)", "registry") * 6),
        *("repository", "repository(plugin)", "repository(image)", "repository(a1)"),
        *("registry", "other", "registry(x)", "repository()", "repository(A)"),
        *("Repository", "", "repository(plugin", "repository(a)(b)"),
    )
)
places = st.sampled_from(
    (
        *(("u/app", "u/a-b/c.d", "catalog") * 6),
        "u/app",
        "u/a-b/c.d",
        "other/app",
        "catalog",
        "u/App",
        "u/",
        "u//a",
        "",
        "u/a_b",
    )
)
doings = st.lists(
    st.sampled_from(("pull", "push", "delete") * 5 + ("*", "", "tag", "Pull", "9")),
    max_size=3,
).map(",".join)


@pytest.mark.slow
def test_generated_scopes(server, side_by_side) -> None:
    def one(scopes: list[tuple[str, str, str]]) -> str | None:
        texts = [":".join(parts) for parts in scopes]
        theirs = server(*texts)
        try:
            found = ours(*texts)
        except Refusal:
            return meant("scope-that-is-none")
        if any("*" in actions.split(",") for _, _, actions in scopes):
            assert {each[:3] for each in found} >= {
                each[:3]
                for each in theirs
                if each[3] in ACTIONS | {"*"} and each[0] == "repository"
            }
            return meant("scope-every-action")
        known = {
            each for each in theirs if each[3] in ACTIONS and each[0] == "repository"
        }
        assert found == known, (texts, found, theirs)
        return meant("scope-of-unknown-actions") if theirs != known else None

    side_by_side(
        *(one, st.lists(st.tuples(kinds, places, doings), min_size=1, max_size=3)),
        shows=lambda ends: ends["alike"],
    )
