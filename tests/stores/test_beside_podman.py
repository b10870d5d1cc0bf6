"""`import podman` and `configure podman` are compared with containers/image's own code.

That code, of podman 5 and of podman 6, says which login is sent.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support import oracles
from support.program import BUSY_S

from dockcred.stores import auth_file
from dockcred.stores.problems import KeychainError
from dockcred.system.environment import Environment

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
pytestmark = pytest.mark.slow

ORACLES = ("containers_image_5_39", "containers_image_5_42")
HOST = "r.example"
SYSTEM = f"/run/containers/{os.geteuid()}/auth.json"


def login(user: str, key: str = HOST) -> str:
    auth = base64.b64encode(f"{user}:pw".encode()).decode()
    return json.dumps({"auths": {key: {"auth": auth}}}, indent="\t")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)


PLACES = (
    "named.json",
    "run/containers/auth.json",
    "xdg/containers/auth.json",
    ".config/containers/auth.json",
)
VALUES = {
    "REGISTRY_AUTH_FILE": "named.json",
    "XDG_RUNTIME_DIR": "run",
    "XDG_CONFIG_HOME": "xdg",
}


def imported(variables: dict[str, str]) -> str | None:
    """Return the user of the login that is imported first for the host, or None."""
    try:
        for file in auth_file.podman(Environment(variables)):
            if found := file.read(HOST):
                return found.username
    except KeychainError:
        return None
    return None


@pytest.mark.skipif(os.path.exists(SYSTEM), reason=f"{SYSTEM} is there")
def test_import_reads_what_podman_sends(side_by_side) -> None:
    def compare(texts: dict[str, str], named: set[str]) -> None:
        with tempfile.TemporaryDirectory() as home:
            for place, text in texts.items():
                write(Path(home) / place, text)
            variables = {"HOME": home, "PATH": "/usr/bin:/bin"} | {
                name: f"{home}/{VALUES[name]}" for name in named
            }
            for oracle in ORACLES:
                sent = oracles.ask(oracle, home, variables, HOST)["username"]
                assert imported(variables) == sent, (texts, named)

    users = [login(name) for name in ("a", "b", "c")]
    others = [
        login("o", "other.example"),
        "{}",
        "",
        "null",
        "[]",
        '{"auths": {"x": 5}}',
    ]
    side_by_side(
        compare,
        st.dictionaries(st.sampled_from(PLACES), st.sampled_from(users + others)),
        st.sets(st.sampled_from(sorted(VALUES))),
        share=0.3,
    )


def test_import_of_a_file_without_logins_goes_on_to_the_next(tmp_path: Path) -> None:
    variables = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    write(tmp_path / "run/containers/auth.json", "{}")
    write(tmp_path / ".config/containers/auth.json", login("a"))
    (file,) = auth_file.podman(Environment(variables))
    assert file.users() == {HOST: "a"}
    write(tmp_path / "run/containers/auth.json", login("b", "other.example"))
    users = [file.users() for file in auth_file.podman(Environment(variables))]
    assert users == [{"other.example": "b"}, {HOST: "a"}]


HELPERS = {
    "none": "echo credentials not found in native keychain; exit 1",
    "answer": 'echo \'{"Username":"me","Secret":"s"}\'',
    "fails": "echo locked; exit 1",
}
FILES = {
    "the user's own": (".config/containers/auth.json", HOST),
    "a namespace in it": (".config/containers/auth.json", f"{HOST}/team"),
    "the session's": ("run/containers/auth.json", HOST),
    "a namespace in the session's": ("run/containers/auth.json", f"{HOST}/team"),
    "docker's": (".docker/config.json", HOST),
    "docker's by scheme": (".docker/config.json", f"https://{HOST}/v1/"),
    "docker's oldest": (".dockercfg", HOST),
}


@pytest.mark.parametrize("where", FILES)
@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("how", ["--all", "--registry"])
def test_configure_podman_hides_no_login_without_a_word(
    tmp_path: Path, how: str, helper: str, where: str
) -> None:
    programs = tmp_path / "bin"
    write(programs / f"docker-credential-{helper}", f"#!/bin/sh\n{HELPERS[helper]}\n")
    (programs / f"docker-credential-{helper}").chmod(0o755)
    place, key = FILES[where]
    file = tmp_path / place
    text = login("user", key)
    if place == ".dockercfg":
        text = json.dumps(json.loads(text)["auths"])
    write(file, text)
    ours = os.environ.get("DOCKCRED_BIN", str(Path(sys.executable).parent))
    variables = {
        "HOME": str(tmp_path),
        "PATH": f"{programs}:{ours}:/usr/bin:/bin",
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
    }

    def sent() -> set[str | None]:
        name = f"{HOST}/team/app"
        return {
            oracles.ask(oracle, tmp_path, variables, name)["username"]
            for oracle in ORACLES
        }

    before = sent()
    arguments = [how] if how == "--all" else [how, HOST]
    done = subprocess.run(
        ["dockcred", "configure", "podman", *arguments, "--helper", helper],
        env=variables,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = sent()
    if before != after:
        assert key in done.stderr
        assert str(file) in done.stderr or "logins in auths are not read" in done.stderr
    # The file of the session (XDG_RUNTIME_DIR) is read before auth.json.
    if "session" in where and how == "--registry":
        assert before == after
        assert f"has a login for {key}, which comes first" in done.stderr
