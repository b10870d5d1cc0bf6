"""TerminateProcess of whole programs, by their shims: none leaves half a file."""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from pathlib import Path

import pytest
from support import entries
from support.differential import NIGHT

from dockcred.testing.sandbox import Sandbox

from .conftest import Case, Windows
from .test_commands import TARGETS
from .test_helpers import ECR, ECR_HOST, KEYRING, PATIENT

pytestmark = pytest.mark.slow

KILLS = 40 if NIGHT else 2


class Scene(ABC):
    """A program that writes files, and a check of these files."""

    def __init__(self, windows: Windows, cloud: Sandbox, place: Path) -> None:
        self.windows, self.place, self.writes = windows, place, place
        place.chmod(0o700)
        self.variables = cloud.environment("env-keys") | PATIENT
        self.variables["DOCKER_CONFIG"] = windows.path(place)

    @abstractmethod
    def case(self, number: int) -> Case:
        """Return the program call; it writes other content for each number."""

    @abstractmethod
    def look(self, number: int) -> None:
        """Fail unless the files are complete, and of this number or the one before."""


class Store(Scene):
    """A login is stored in the vault."""

    def __init__(self, windows: Windows, cloud: Sandbox, place: Path) -> None:
        super().__init__(windows, cloud, place)
        key = windows.path(place / "key")
        self.variables |= {
            "DOCKCRED_STORE": "vault",
            "DOCKCRED_VAULT_FILE": windows.path(place / "vault"),
            "DOCKCRED_VAULT_KEY_FILE": key,
        }
        create = ("vault", "create", "--key-file", key)
        (made,) = windows.many([Case("dockcred", create, "", self.variables)])
        assert made.status == 0, made

    def case(self, number: int) -> Case:
        login = {"ServerURL": "r.example", "Username": "u", "Secret": _secret(number)}
        return Case(KEYRING, ("store",), json.dumps(login), self.variables)

    def look(self, number: int) -> None:
        kept = self.windows.get(KEYRING, "r.example", self.variables)
        assert kept.password in {_secret(number), _secret(number - 1)}


def _secret(number: int) -> str:
    return f"{number:04}" + "x" * 2**18


class Get(Scene):
    """A credential is minted and cached: for the first time, or after its expiry."""

    def __init__(self, windows: Windows, cloud: Sandbox, place: Path) -> None:
        super().__init__(windows, cloud, place)
        self.writes = entries.directory(self.variables)

    def case(self, number: int) -> Case:
        for path in entries.paths(self.variables, "ecr"):
            if number % 4 < 2:
                path.unlink()
            else:
                entries.age_to(path, 1.1)
        return Case(ECR, ("get",), ECR_HOST, self.variables)

    def look(self, number: int) -> None:
        for path in entries.paths(self.variables, "ecr"):
            assert entries.read(path).credential.secret


class Refresh(Scene):
    """A file of logins is written again."""

    def case(self, number: int) -> Case:
        file = self.place / "refresh.toml"
        file.write_text(TARGETS % {"out": self.windows.path(self.place)})
        file.chmod(0o600)
        words = ("refresh", "--once", self.windows.path(file))
        return Case("dockcred", words, "", self.variables | {"DOCKCRED_CACHE": "off"})

    def look(self, number: int) -> None:
        login = json.loads((self.place / "refreshed.json").read_text())
        assert login["auths"][ECR_HOST]["auth"]


class Configure(Scene):
    """docker's own file is changed."""

    def case(self, number: int) -> Case:
        file = self.place / "config.json"
        if not file.exists():
            file.write_text(json.dumps({"detachKeys": "x" * 2**18}))
        words = ("configure", "docker", "--registry", f"r{number}.example")
        return Case("dockcred", words, "", self.variables)

    def look(self, number: int) -> None:
        config = json.loads((self.place / "config.json").read_text())
        assert config["detachKeys"] == "x" * 2**18
        assert len(config["credHelpers"]) in {number, number + 1}


@pytest.mark.parametrize("kind", [Store, Get, Refresh, Configure])
def test_what_it_writes_is_the_old_or_the_new_and_nothing_is_left_by_the_next(
    windows, cloud, tmp_path, kind
):
    """Every second time it is killed as soon as there is a temporary file (*.new)."""
    seed = random.randrange(2**32)
    print("seed", seed)
    draw = random.Random(seed)
    scene = kind(windows, cloud, tmp_path)
    (done,) = windows.many([scene.case(0)])
    assert done.status == 0, done
    scene.look(0)
    ended, with_a_file, length_s = 0, 0, done.seconds
    for number in range(1, KILLS + 1):
        case = scene.case(number)
        ends = (length_s * draw.uniform(0.3, 1.0), "")
        if number % 2:
            ends = (length_s * 2, f"{windows.path(scene.writes)}\\*.new")
        (killed,) = windows.many([Case(*case[:4], *ends)])
        ended += killed.status != 0
        with_a_file += bool(list(scene.writes.glob("*.new")))
        scene.look(number)
        (again,) = windows.many([case])
        assert again.status == 0, again
        length_s = min(length_s, again.seconds)
        scene.look(number)
        assert not list(scene.writes.glob("*.new"))
    print(f"of {KILLS} {ended} were ended, {with_a_file} with a file aside")
