"""Configure, then undo: the file has its old bytes and mode, and nothing is left."""

from __future__ import annotations

import inspect
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from dockcred import system
from dockcred.clients.containers import edit as containers_edit
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import WantedValue, client_file, json_text, past, toml_text
from dockcred.clients.edit.client_file import EditableFile
from dockcred.errors import InvalidInputError
from dockcred.system import private_file, shared_file

from .test_text import configs, hosts, styles, toml_tables

calls = st.lists(st.lists(hosts, min_size=1, max_size=3), min_size=1, max_size=3)


def ask_for(file: EditableFile, names: list[str], helper: str = "auto") -> None:
    file.commit(lambda text: docker_edit.use_helper_for(text, names, helper))


def give_back(file: EditableFile) -> None:
    given = file.give_back()
    assert given is not None
    past.remove_directories(given.made)


@settings(deadline=None)  # a busy disk may flush slowly
@given(
    config=configs,
    style=styles,
    tail=st.sampled_from(["", "\n", " \r\n"]),
    mode=st.sampled_from([0o600, 0o644, 0o640]),
    calls=calls,
)
def test_json_is_the_same_to_the_byte(
    config: dict, style: dict, tail: str, mode: int, calls: list[list[str]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.json"
        before = (json.dumps(config, **style) + tail).encode()
        path.write_bytes(before)
        path.chmod(mode)
        file = EditableFile(str(path), json_text)
        for names in calls:
            ask_for(file, names)
            assert path.stat().st_mode & 0o777 == mode
        assert json.loads(path.read_text())["credHelpers"].keys() == {
            name for names in calls for name in names
        }
        give_back(file)
        assert path.read_bytes() == before
        assert path.stat().st_mode & 0o777 == mode
        assert os.listdir(directory) == ["config.json"]


@settings(deadline=None)  # a busy disk may flush slowly
@given(
    top=toml_tables,
    table=toml_tables,
    comment=st.text(st.characters(codec="ascii", categories=["L", "N", "P"])),
)
def test_toml_is_the_same_to_the_byte(top: dict, table: dict, comment: str) -> None:

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "registries.conf"
        text = f"# {comment}\n{tomlkit.dumps({**top, 'registry': [table]})}# {comment}"
        path.write_bytes(text.encode())
        file = EditableFile(str(path), toml_text)
        file.commit(lambda t: containers_edit.use_as_default(t, "auto"))
        assert path.read_bytes() != text.encode()
        give_back(file)
        assert path.read_bytes() == text.encode()
        assert os.listdir(directory) == ["registries.conf"]


@settings(deadline=None)  # a busy disk may flush slowly
@given(config=configs, style=styles, calls=calls, theirs=hosts)
def test_what_others_have_added_since_stays(
    config: dict, style: dict, calls: list[list[str]], theirs: str
) -> None:
    """Another program rewrites the whole file in its own style, as docker does."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.json"
        path.write_text(json.dumps(config, **style))
        file = EditableFile(str(path), json_text)
        for names in calls:
            ask_for(file, names)
            now = json.loads(path.read_text())
            now.setdefault("auths", {})
            if isinstance(now["auths"], dict):
                now["auths"][theirs] = {}
            path.write_text(json.dumps(now, indent="\t"))
        give_back(file)
        now.pop("credHelpers")
        assert json.loads(path.read_text()) == now
        assert os.listdir(directory) == ["config.json"]


@pytest.fixture
def file(tmp_path: Path) -> EditableFile:
    return EditableFile(str(tmp_path / "deep/er/config.json"), json_text)


def test_a_file_that_was_not_there_goes_with_its_directories(
    file: EditableFile, tmp_path: Path
) -> None:
    ask_for(file, ["a.example"])
    assert Path(file.path).stat().st_mode & 0o777 == 0o600
    assert Path(file.path).parent.stat().st_mode & 0o777 == 0o700
    give_back(file)
    assert os.listdir(tmp_path) == []


def test_a_directory_that_others_use_stays(file: EditableFile, tmp_path: Path) -> None:
    ask_for(file, ["a.example"])
    (tmp_path / "deep/theirs").write_text("")
    give_back(file)
    assert os.listdir(tmp_path / "deep") == ["theirs"]


def test_a_key_that_others_have_changed_since_stays_and_is_named(
    file: EditableFile,
) -> None:
    ask_for(file, ["a.example", "b.example"])
    path = Path(file.path)
    path.write_text(path.read_text().replace('"a.example": "auto"', '"a.example": "x"'))
    planned = file.undo()
    assert planned is not None
    assert [change.path for change in planned.lost] == [("credHelpers", "a.example")]
    file.give_back()
    assert json.loads(path.read_text()) == {"credHelpers": {"a.example": "x"}}


def test_a_key_that_had_a_value_gets_it_back_from_between_the_changes_of_others(
    file: EditableFile,
) -> None:
    path = Path(file.path)
    path.parent.mkdir(parents=True)
    path.write_text('{"credHelpers": {"a.example": "old"}}')
    ask_for(file, ["a.example"], "first")
    ask_for(file, ["a.example"], "second")
    path.write_text(path.read_text().replace("}}", '}, "theirs": 1}'))
    give_back(file)
    assert path.read_text() == '{"credHelpers": {"a.example": "old"}, "theirs": 1}'


def test_the_backup_is_the_file_as_it_was_for_its_owner_alone(
    file: EditableFile,
) -> None:
    path = Path(file.path)
    path.parent.mkdir(parents=True)
    path.write_text('{"auths": {"a.example": {"auth": "c2VjcmV0"}}}')
    path.chmod(0o644)
    before = path.read_bytes()
    ask_for(file, ["a.example"])
    backup = path.with_name("config.json.before-dockcred")
    assert backup.read_bytes() == before
    assert backup.stat().st_mode & 0o777 == 0o600
    record = path.with_name("config.json.dockcred-undo")
    assert record.stat().st_mode & 0o777 == 0o600
    assert "c2VjcmV0" not in record.read_text()


def test_what_others_write_under_our_hands_is_taken_in(file: EditableFile) -> None:
    """Another program writes twice between our read and our write, as docker does."""
    ask_for(file, ["a.example"])
    path, theirs = Path(file.path), ["1.example", "2.example"]

    def wanted(text: str) -> list[WantedValue]:
        found = docker_edit.use_helper_for(text, ["b.example"], "auto")
        if "b.example" not in text and theirs and "credHelpers" in text:
            there = json.loads(path.read_text())
            there.setdefault("auths", {})[theirs.pop()] = {}
            path.with_suffix(".docker").write_text(json.dumps(there))
            path.with_suffix(".docker").rename(path)
        return found

    file.commit(wanted)
    now = json.loads(path.read_text())
    assert set(now["auths"]) == {"1.example", "2.example"}
    assert set(now["credHelpers"]) == {"a.example", "b.example"}
    give_back(file)
    assert json.loads(path.read_text()) == {"auths": now["auths"]}
    assert os.listdir(path.parent) == ["config.json"]


def test_a_damaged_record_names_itself_and_the_backup(file: EditableFile) -> None:
    ask_for(file, ["a.example"])
    Path(file.path + ".dockcred-undo").write_text("{")
    with pytest.raises(InvalidInputError, match=r"dockcred-undo is damaged.*backup"):
        file.undo()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    file: EditableFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(file.path)
    path.parent.mkdir(parents=True)
    path.write_text("{}")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        private_file.replace(file.path, b"new")
    assert path.read_text() == "{}"
    assert os.listdir(path.parent) == ["config.json"]


WRITERS = tuple(module.__name__ for module in (client_file, past, shared_file, system))


def interrupted(number: int, call: Callable[[], object]) -> bool:
    """Run `call` with Ctrl-C at the n-th start or end of a function in WRITERS.

    Returns False if there are fewer. It runs in a child process, whose end drops locks.
    """

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal number
        name = frame.f_globals.get("__name__", "")
        # An exception that a generator raises when it is collected is lost.
        is_generator = frame.f_code.co_flags & inspect.CO_GENERATOR
        if is_generator or name not in WRITERS:
            return None
        frame.f_trace_lines = False
        number -= event in {"call", "return"}
        if not number:
            raise KeyboardInterrupt
        return trace

    child = os.fork()
    if not child:
        status = 2
        try:
            sys.settrace(trace)
            call()
            status = 0
        except KeyboardInterrupt:
            status = 1
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, 1}, number
    return bool(status)


@pytest.mark.slow  # it starts a process for each interruption
@pytest.mark.parametrize(
    ("text", "earlier"),
    [(None, []), ('{"credHelpers": {"x.example": "x"}}', ["a.example"])],
    ids=["first", "second"],
)
def test_wherever_ctrl_c_comes_the_record_is_of_the_file_that_is_there(
    text: str | None, earlier: list[str], tmp_path: Path, monkeypatch
) -> None:
    """The record has the change if the file has it: once it did not, right after it."""
    monkeypatch.setattr(shared_file, "wait", lambda _: "")
    monkeypatch.setattr(os, "fsync", lambda _: None)
    path = tmp_path / "config.json"
    file = EditableFile(str(path), json_text)
    ends, number, more = set(), 0, True
    while more:
        number += 1
        if text is not None:
            path.write_text(text)
        if earlier:
            ask_for(file, earlier)
        more = interrupted(number, lambda: ask_for(file, ["b.example"]))
        is_made = path.exists() and "b.example" in path.read_text()
        known = past.load(str(path))
        names = {change.path[-1] for change in known.changes} if known else set()
        assert ("b.example" in names) == is_made, number
        ends.add((more, is_made))
        file.give_back()
        assert (path.read_text() if path.exists() else None) == text, number
        assert os.listdir(tmp_path) == (["config.json"] if text else []), number
    assert ends == {(True, False), (True, True), (False, True)}
