"""One name for one thing, one writer of files, one loop for each kind of waiting, and
words that a stranger understands."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

import dockcred

CODE = Path(dockcred.__file__).parent
TOP = Path(__file__).parents[2]
FILES = {
    path.relative_to(CODE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(CODE.rglob("*.py"))
    if "testing" not in path.parts
}


def test_no_two_classes_share_a_name():
    places = defaultdict(list)
    trees = dict(FILES)
    for path in [*TOP.glob("bench/*.py"), *TOP.glob("helpers/*.py")]:
        trees[path.relative_to(TOP).as_posix()] = ast.parse(path.read_text())
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


CREATES = {"O_CREAT", "O_TRUNC"}
MOVES = {"os.replace", "os.rename", "os.renames", "os.link"}
OPENS = {"open", "io.open", "os.fdopen"}
MODULES = {"tempfile"}
COPIES = {
    "copyfileobj",
    "copyfile",
    "copymode",
    "copystat",
    "copy",
    "copy2",
    "copytree",
    "move",
}
OURS = {"cache", "self._cache", "self"}
"""The objects whose `write_text` is the cache's own method."""

WRITERS = {
    "identity/cache/lock.py": "the lock of an entry is an empty file, which stays",
    "identity/cache/record.py": "looks at the flags of what others open",
    "commands/refresh/file.py": "the record of a file is also its lock, and is read whole or not",
    "commands/manual.py": "pages without a secret, for a packager's directory",
    "commands/sandbox.py": "what a test cloud was asked, where its user says",
}
"""The files outside `system` that write files, and why."""


def writes(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CREATES:
            found.append(node.attr)
        elif isinstance(node, ast.Import):
            found += [each.name for each in node.names if each.name in MODULES]
        elif isinstance(node, ast.ImportFrom):
            if node.module in MODULES:
                found.append(node.module)
            elif node.module == "shutil":
                found += [each.name for each in node.names if each.name in COPIES]
        elif isinstance(node, ast.Call):
            found += _written_by(node)
    return found


def _written_by(call: ast.Call) -> list[str]:
    name = ast.unparse(call.func)
    if name in MOVES or name in {f"shutil.{copy}" for copy in COPIES}:
        return [name]
    if name in OPENS:
        modes = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "mode")]
        mode = "".join(str(getattr(each, "value", "w")) for each in modes)
        return [name] if set(mode) & set("wxa+") else []
    on, _, method = name.rpartition(".")
    is_path = method in {"write_text", "write_bytes", "touch"} and on not in OURS
    return [name] if is_path else []


@pytest.mark.parametrize(
    "text",
    [
        "open(path, 'wb')",
        "open(path, mode='x')",
        "open(path, how)",
        "os.fdopen(number, 'r+b')",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "os.replace(new, old)",
        "Path(name).write_text(text)",
        "import tempfile",
        "from shutil import copyfile",
        "shutil.move(new, old)",
    ],
)
def test_a_write_is_seen(text: str):
    assert writes(ast.parse(text))


@pytest.mark.parametrize("text", ["open(path)", "open(path, 'rb')", "os.fdopen(1)"])
def test_a_read_is_none(text: str):
    assert not writes(ast.parse(text))


def test_one_room_writes_files():
    found = {file for file, tree in FILES.items() if writes(tree)}
    assert {file for file in found if not file.startswith("system/")} == set(WRITERS)


WAITERS = {
    "transport/http.py": "a request that is refused for the moment",
    "system/file_lock.py": "a lock that another holds",
    "system/shared_file.py": "a file that others change, and who may write it back",
    "system/spawn.py": "the end of a child that has closed its streams",
    "system/watcher.py": "the end of a process that is no child",
    "system/windows/__init__.py": "a file that another has open for a moment",
    "identity/cache/__init__.py": "the next tick of a file system's clock",
    "commands/refresh/loop.py": "news that may follow news at once",
    "identity/turn_keeper.py": "a throttled node's turn",
    "api/worker.py": "the watchdog, which says more",
    "commands/token_service/workers.py": "the pause after one that died at once",
    "commands/doctor/locked.py": "a bus and a keyring that are starting",
}
"""The files that call `time.sleep`, and what each of them waits for."""


def test_each_wait_has_one_loop():
    found = {
        file
        for file, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
    }
    assert found == set(WAITERS)


PACKAGES = [file for file in FILES if file.count("/") and file.endswith("/__init__.py")]


@pytest.mark.parametrize("file", PACKAGES)
def test_a_package_says_what_is_in_it_and_names_only_that(file: str):
    lines = (ast.get_docstring(FILES[file]) or "").splitlines()
    assert len([line for line in lines if line]) >= 2
    within = CODE / file.removesuffix("__init__.py")
    there = {path.name.removesuffix(".py") for path in within.iterdir()}
    assert not _listed(lines) - there


def _listed(lines: list[str]) -> set[str]:
    rows = [re.match(r"([a-z_.]+(?:, [a-z_.]+)*)  +\S", line) for line in lines]
    return {name for row in rows if row for name in row[1].split(", ")}


def test_a_list_of_modules_is_read():
    assert _listed(["What it is.", "", "http         a request", "a, b  two"]) == {
        "http",
        "a",
        "b",
    }


RIDDLES = {
    "Answer",
    "Tell",
    "Say",
    "Take",
    "Name",
    "Look",
    "Find",
    "Give",
    "Let",
    "Be",
    "Drop",
}
COMMANDS = {"command", "group"}
"""Decorators of click: the function's docstring is the help text of a command."""


def test_docstrings_begin_with_the_verbs_of_the_field():
    found = [
        f"{file}: {node.name}: {text.splitlines()[0]}"
        for file, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (text := ast.get_docstring(node))
        and text.split()[0].strip(".,:;") in RIDDLES
        and not any(
            word in ast.dump(each) for each in node.decorator_list for word in COMMANDS
        )
    ]
    assert found == []
