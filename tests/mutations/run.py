"""Remove each rule of table.toml from the code, and check that its test then fails.

    python tests/mutations/run.py            all rules: twenty minutes python
    tests/mutations/run.py --third    rules of a third of the tests, without Wine's
    python tests/mutations/run.py WORD       the rules with this word in them python
    tests/mutations/run.py --drawn    no rules: print a third of the names on stdin

It works on copies of the tree. Each has a venv that imports from the copy first and
then from this Python's libraries. A rule is printed if its test does not notice the
removal, and the exit status is 1. The commit's hash selects the third, so it varies by
commit.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

ROOT = Path(__file__).parents[2]
COPIED = (
    "common",
    "helpers",
    "tests",
    "docs",
    "packaging",
    "LICENSE",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    ".ci",
    ".gitignore",
)
PROGRAMS = {
    "dockcred": "dockcred.commands",
    "dockcred-credential-provider": "dockcred_credential_provider",
    "docker-credential-acr-helper": "docker_credential_acr_helper",
    "docker-credential-acr-login": "docker_credential_acr_login",
    "docker-credential-auto": "docker_credential_auto",
    "docker-credential-ecr-login": "docker_credential_ecr_login",
    "docker-credential-gcr": "docker_credential_gcr",
    "docker-credential-ghcr-login": "docker_credential_ghcr_login",
    "docker-credential-gitlab": "docker_credential_gitlab",
    "docker-credential-keyring": "docker_credential_keyring",
    "docker-credential-ocir": "docker_credential_ocir",
    "docker-credential-oidc": "docker_credential_oidc",
}
SCRIPT = "#!{python}\nfrom {module} import main\nmain()\n"
LIMIT_S, LIMIT_OF_ALL_S = 240, 1200
BUSY_S = 15  # short: a mutated program may never answer
SEED = "20261129"
FAILED = 1  # pytest's status where a test failed; others mean that none ran
# Three for two processors: some tests only wait, by design.
WORKERS = min(8, (os.cpu_count() or 1) * 3 // 2)
SHARES = 3


@dataclass(frozen=True)
class Mutation:
    """A rule, the change of code that removes it, and the test that must fail then."""

    rule: str
    file: str
    find: str
    replace: str
    test: str

    def apply(self, root: Path, stamp: float) -> None:
        """Change the file; the new mtime `stamp` makes Python ignore older bytecode."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.find) != 1:
            raise ValueError(
                f"{self.file} has {self.find!r} {text.count(self.find)} times"
            )
        path.write_text(text.replace(self.find, self.replace), encoding="utf-8")
        os.utime(path, (stamp, stamp))


class Tree:
    """A copy of the sources, with a venv whose programs import from the copy."""

    def __init__(self, place: Path) -> None:
        """Copy the sources, make the venv, and start forks.py."""
        self._place = place
        self._stamp = 1_000_000_000.0
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, place / name)
        venv.create(place / "venv", symlinks=True)
        self._bin = place / "venv/bin"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        roots = (place / "common", place / "helpers", sysconfig.get_path("purelib"))
        paths = place / "venv/lib" / version / "site-packages/copy.pth"
        paths.write_text("".join(f"{root}\n" for root in roots), encoding="utf-8")
        for name, module in PROGRAMS.items():
            program = self._bin / name
            program.write_text(
                SCRIPT.format(python=self._bin / "python", module=module)
            )
            program.chmod(0o755)

        kept = {k: os.environ[k] for k in ("PATH", "HOME", "TMPDIR") if k in os.environ}
        self._forks = subprocess.Popen(
            [self._bin / "python", Path(__file__).parent / "forks.py"],
            cwd=place,
            # With a fixed seed: a new one could find a fault that no mutation caused.
            env=kept | {"DOCKCRED_BIN": str(self._bin), "DOCKCRED_SEED": SEED},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def end(self) -> None:
        """End the process that runs the tests."""
        assert self._forks.stdin
        self._forks.stdin.close()
        self._forks.wait(LIMIT_S)

    def run(
        self, *tests: str, limit_s: int = LIMIT_S, **variables: str
    ) -> tuple[int | None, str]:
        """Run the copy's tests on the copy; return the exit status and the output.

        The status is None if they ran longer than `limit_s`.
        """
        assert self._forks.stdin
        assert self._forks.stdout
        arguments = ["-q", "-x", "-p", "no:cacheprovider", *tests]
        print(
            json.dumps([limit_s, variables, arguments]),
            file=self._forks.stdin,
            flush=True,
        )
        status, output = json.loads(self._forks.stdout.readline())
        return status, output

    def complaint(self, *tests: str) -> str:
        """Run tests on the unchanged code; return pytest's output if one fails."""
        status, output = self.run(*tests, limit_s=LIMIT_OF_ALL_S)
        return output or str(status) if status != 0 else ""

    def survives(self, mutation: Mutation) -> str:
        """Return why a mutation was not noticed; "" if its test fails as it must."""
        original = self._place / mutation.file
        try:
            mutation.apply(self._place, self._later())
            status, output = self.run(mutation.test, DOCKCRED_BUSY_S=str(BUSY_S))
        except ValueError as error:
            return str(error)
        finally:
            shutil.copyfile(ROOT / mutation.file, original)
            os.utime(original, (self._later(),) * 2)
        if status == FAILED:
            return ""
        if status is None:
            return f"ran longer than {LIMIT_S} s"
        return output[-2000:] if status else "survived"

    def _later(self) -> float:
        self._stamp += 10
        return self._stamp


def read(word: str) -> list[Mutation]:
    """Read the table: the commit's third (--third), or the rows with a word."""
    with (Path(__file__).parent / "table.toml").open("rb") as file:
        rows = tomllib.load(file)["mutation"]
    found = [Mutation(**row) for row in rows]
    if word == "--third":
        names = set(
            third(filter(is_of_the_day, (row.test for row in found)), _commit())
        )
        return [row for row in found if row.test in names]
    return [row for row in found if word in f"{row.rule} {row.file}"]


def is_of_the_day(test: str) -> bool:
    """Return whether `make check` tries this test's rules; under Wine each takes a
    minute."""
    return not test.startswith("tests/windows/")


def third(names: Iterable[str], commit: str) -> list[str]:
    """Return a third of the names, selected by the commit's hash."""
    drawn = int(commit[:8], 16) % SHARES
    return [name for name in names if crc32(name.encode()) % SHARES == drawn]


def _commit() -> str:
    asked = ("git", "-C", str(ROOT), "rev-parse", "HEAD")
    return subprocess.check_output(asked, text=True)


def main() -> int:
    """Try every mutation; return 1 if one is not noticed, or if a test fails twice on
    the unchanged code."""
    if sys.argv[1:] == ["--drawn"]:
        print(*third(sys.stdin.read().splitlines(), _commit()))
        return 0
    mutations = read(sys.argv[1] if len(sys.argv) > 1 else "")
    with tempfile.TemporaryDirectory() as directory:
        trees: queue.Queue[Tree] = queue.Queue()
        for number in range(WORKERS):
            place = Path(directory, str(number))
            place.mkdir()
            trees.put(Tree(place))

        def with_a_tree(work: Callable[[Tree], str]) -> str:
            tree = trees.get()
            try:
                return work(tree)
            finally:
                trees.put(tree)

        def attempt(mutation: Mutation) -> str:
            wrong = with_a_tree(lambda tree: tree.survives(mutation))
            print("NOT NOTICED" if wrong else "noticed    ", mutation.rule, flush=True)
            return wrong

        def passes(tests: list[str]) -> str:
            return with_a_tree(lambda tree: tree.complaint(*tests))

        tests = sorted({mutation.test for mutation in mutations})
        shares = [tests[number::WORKERS] for number in range(WORKERS)]
        with ThreadPoolExecutor(WORKERS) as crowd:
            complaints = list(crowd.map(passes, filter(None, shares)))
            # Failed tests run again: `make test` has passed before, and one failure of
            # a busy machine must not prevent all rows.
            for number, complaint in enumerate(complaints):
                if complaint:
                    print(complaint, "Without a mutation a test fails.", sep="\n")
                    complaints[number] = passes(shares[number])
            results = [] if any(complaints) else list(crowd.map(attempt, mutations))
        while not trees.empty():
            trees.get().end()
    if any(complaints):
        return 1
    survivors = [(m, r) for m, r in zip(mutations, results, strict=True) if r]
    for mutation, result in survivors:
        print(f"{mutation.rule} ({mutation.file}; {mutation.test}):\n  {result}")
    print(f"{len(mutations)} mutations, {len(survivors)} not noticed")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
