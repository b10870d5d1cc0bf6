"""Follow docs/extending.md literally in a copy of the tree: its provider works.

Then each step is left out once: tests/house/test_every_provider_is_whole.py names it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.program import BUSY_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending.md").read_text()
WHOLE = "tests/house/test_every_provider_is_whole.py"
HOST = "acme.registry.stackyard.example"
HELPER = "docker-credential-stackyard"
LIMIT_S = 240
_PLACE = re.compile(r"^(?P<what>New file|In) `(?P<path>[^`]+)`:$")


@dataclass(frozen=True)
class Step:
    """A new file, or lines to add to a file between the lines `before` and `after`."""

    path: str
    new: bool
    before: str
    added: str
    after: str

    def take(self, tree: Path) -> None:
        """Do this step in a tree, as the page says."""
        file = tree / self.path
        if self.new:
            assert not file.exists(), f"{self.path} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.added)
            return
        text = file.read_text()
        where = f"\n{self.before}{self.after}"
        assert text.count(where) == 1, f"not one such place in {self.path}: {where}"
        file.write_text(text.replace(where, f"\n{self.before}{self.added}{self.after}"))

    def undo(self, tree: Path) -> None:
        """Undo this step in a tree in which it was done."""
        file = tree / self.path
        if self.new:
            file.unlink()
        else:
            done = f"\n{self.before}{self.added}{self.after}"
            text = file.read_text()
            assert text.count(done) == 1
            file.write_text(text.replace(done, f"\n{self.before}{self.after}"))


def steps(page: str) -> Iterator[Step]:
    """Yield the page's first steps: `py` is a new file, `diff` adds lines to a file."""
    path, new = "", False
    lines = iter(page.partition("\n## A store")[0].splitlines())
    for line in lines:
        if found := _PLACE.match(line):
            path, new = found["path"], found["what"] == "New file"
        elif line == "```py":
            assert new, f"no line before the block says which file it is: {path}"
            yield Step(path, new, "", "\n".join([*_fence(lines), ""]), "")
        elif line == "```diff":
            assert not new
            yield _edit(path, list(_fence(lines)))


def _fence(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == "```":
            return
        yield line


def _edit(path: str, lines: Sequence[str]) -> Step:
    added = [n for n, line in enumerate(lines) if line.startswith("+")]
    first, last = added[0], added[-1]
    assert added == list(range(first, last + 1)), f"{path}: one place in a block"
    return Step(
        path,
        False,
        *(
            "".join(f"{line[1:]}\n" for line in part)
            for part in (lines[:first], lines[first : last + 1], lines[last + 1 :])
        ),
    )


STEPS = list(steps(PAGE))


def copy(target: Path) -> Path:
    """Copy the tree without files that were generated in it."""
    made = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")

    def left_out(directory: str, names: list[str]) -> set[str]:
        return made(directory, names) - {".github"}

    shutil.copytree(ROOT, target, ignore=left_out, symlinks=True)
    return target


def install(tree: Path, place: Path) -> Path:
    """Install a tree into a venv that uses this Python's libraries; return its bin."""
    libraries = sysconfig.get_path("purelib")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", place],
        check=True,
        timeout=BUSY_S,
    )
    (theirs,) = place.glob("lib/python*/site-packages")
    (theirs / "lent.pth").write_text(f"{libraries}\n")
    pip = [sys.executable, "-m", "pip", "-q", "--python", place / "bin/python"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    run([*pip, "install", *offline, "--editable", tree])
    # This Python's libraries include the original project: the copy must come first.
    first = f"{tree}/common\n{tree}/helpers\n"
    (theirs / "0.pth").write_text(first)
    return place / "bin"


def run(
    command: Iterable[object], *, status: int = 0, **options
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        **options,
    )
    assert done.returncode == status, f"{command}: {done.stdout}{done.stderr}"
    return done


@dataclass(frozen=True)
class World:
    """A copy of the tree, and the directory in which it is installed."""

    tree: Path
    bin: Path

    def variables(self) -> dict[str, str]:
        return {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PYTEST", "DOCKCRED", "COV"))
        } | {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "DOCKCRED_BIN": str(self.bin),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *command: object, status: int = 0):
        return run(command, status=status, cwd=self.tree, env=self.variables())

    def tests(self, *words: object, status: int = 0) -> str:
        options = ("-q", "-p", "no:cacheprovider")
        command = (self.bin / "python", "-m", "pytest", *options, *words)
        return self.run(*command, status=status).stdout

    def sandbox(self, identity: str, script: str) -> str:
        """Return the stdout of a shell script in the sandbox."""
        command = ("sandbox", "--identity", identity, "--counts", "counts.json")
        shell = ("--", "sh", "-euc", script)
        return self.run(self.bin / "dockcred", *command, *shell).stdout

    def counts(self) -> dict[str, int]:
        return json.loads((self.tree / "counts.json").read_text())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is missing, by which the copy is installed")
    place = tmp_path_factory.mktemp("extending")
    tree = copy(place / "tree")
    for step in STEPS:
        step.take(tree)
    return World(tree, install(tree, place / "venv"))


def test_the_page_is_short() -> None:
    new = [step.path for step in STEPS if step.new]
    edited = {step.path for step in STEPS if not step.new}
    assert 0 < len(new) <= 5
    assert 0 < len(edited) <= 4
    assert len(set(new)) == len(new)


def test_the_programs_are_the_copys(world: World) -> None:
    """Otherwise the tests below would not test the copy."""
    code = "import dockcred, docker_credential_stackyard as d; print(dockcred.__file__, d.__file__)"
    printed = world.run(world.bin / "python", "-c", code).stdout.split()
    assert all(path.startswith(f"{world.tree}/") for path in printed), printed
    assert "stackyard" not in (ROOT / "pyproject.toml").read_text()


def test_it_keeps_the_contract_and_its_own_tests_pass(world: World) -> None:
    told = world.tests(
        "tests/providers/test_contract.py",
        "tests/providers/stackyard",
        "-k",
        "stackyard or other_end",
    )
    assert re.search(r"\b1[4-9] passed", told), told


def test_the_house_stands(world: World) -> None:
    """MOST_FILES is raised by the page's own new files, and by no more."""
    ours = sum(step.new and step.path.startswith("common/") for step in STEPS)
    rooms = world.tree / "tests/house/test_rooms.py"
    text, changed = re.subn(
        r"(?m)^MOST_FILES = (\d+)$",
        lambda found: f"MOST_FILES = {int(found[1]) + ours}",
        rooms.read_text(),
    )
    assert changed == 1
    rooms.write_text(text)
    world.tests("tests/house", "--deselect", "tests/house/test_extending.py")
    world.run(world.bin / "python", "docs/generate")
    world.tests("tests/docs/test_nothing_is_undocumented.py")
    for page in ("docs/variables.md", "docs/errors.md"):
        assert "\n## Stackyard\n" in (world.tree / page).read_text(), page


@pytest.mark.parametrize(
    "check",
    [
        ("ruff", "check", "--no-cache"),
        ("ruff", "format", "--check", "--no-cache"),
        ("lint-imports", "--no-cache"),
        ("mypy", "--cache-dir", os.devnull),
    ],
    ids=lambda check: " ".join(check[:2]),
)
def test_it_passes_make_check(world: World, check: tuple[str, ...]) -> None:
    program = Path(sysconfig.get_path("scripts")) / check[0]
    if not program.exists():
        pytest.skip(f"{check[0]} is missing")
    # Tools in Python must run by the copy's Python, to find its modules.
    by = () if check[0] == "ruff" else (world.bin / "python",)
    world.run(*by, program, *check[1:])


def test_a_password_is_minted_once_and_listed(world: World) -> None:
    get = f"echo {HOST} | {HELPER} get"
    printed = world.sandbox("stackyard-token-file", f"{get}; {get}; {HELPER} list")
    cold, cached, listed = map(json.loads, printed.splitlines())
    assert cold == cached
    assert cold["Username"] == "acme"
    assert listed == {HOST: "acme"}
    assert world.counts()["stackyard:registry-password"] == 1


def test_a_token_in_a_variable_is_asked_for_anew(world: World) -> None:
    get = f"echo {HOST} | {HELPER} get"
    cold, again = world.sandbox("stackyard-variable", f"{get}; {get}").splitlines()
    assert cold != again
    assert world.counts()["stackyard:registry-password"] == 2


def test_the_one_name_for_all_serves_it(world: World) -> None:
    get = f"echo {HOST} | docker-credential-auto get"
    assert json.loads(world.sandbox("stackyard-token-file", get))["Username"] == "acme"


def test_the_front_answers_its_hits(world: World) -> None:
    """Installed as `dockcred install` does, with a launcher in sh."""
    script = (
        f"dockcred install --dir $HOME/bin --programs {HELPER} >&2; "
        f"echo {HOST} | $HOME/bin/{HELPER} get; echo {HOST} | $HOME/bin/{HELPER} get"
    )
    cold, cached = world.sandbox("stackyard-token-file", script).splitlines()
    assert cold == cached


def test_doctor_follows_a_request_for_it(world: World) -> None:
    script = (
        f"dockcred configure docker --registry {HOST} --helper stackyard >&2; "
        f"dockcred doctor {HOST} --client docker"
    )
    told = world.sandbox("stackyard-token-file", script)
    assert "stackyard:token-file" in told
    assert "works: docker shows" in told.splitlines()[0]


def test_it_has_a_manual_page(world: World, tmp_path: Path) -> None:
    world.run(world.bin / "dockcred", "manual", tmp_path)
    page = (tmp_path / f"{HELPER}.1").read_text().replace("\\-", "-")
    assert "passwords for Stackyard's registries" in page.replace("\\(aq", "'")
    assert "DOCKCRED_STACKYARD_TOKEN_FILE" in page
    assert "STACKYARD_TOKEN" in page


@pytest.mark.parametrize(
    "left_out", STEPS, ids=[f"{n} {step.path}" for n, step in enumerate(STEPS)]
)
def test_a_step_that_is_left_out_is_named(world: World, left_out: Step) -> None:
    text = (world.tree / left_out.path).read_text()
    left_out.undo(world.tree)
    try:
        told = world.tests("--noconftest", WHOLE, status=1)
    finally:
        left_out.take(world.tree)
    assert (world.tree / left_out.path).read_text() == text
    sentences = [line for line in told.splitlines() if line.startswith("E  ")]
    named = [line for line in sentences if left_out.path in line]
    assert any("write " in line or "add " in line for line in named), told
