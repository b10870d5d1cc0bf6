"""The table of mutations, and the third of it that `make check` tries at a commit."""

from __future__ import annotations

import ast
import io
from functools import cache

from mutations import run


def test_three_thirds_are_the_whole_and_no_test_is_in_two():
    tests = sorted({row.test for row in run.read("")})
    thirds = [run.third(tests, f"{number:08x}") for number in range(run.SHARES)]
    assert sorted(test for part in thirds for test in part) == tests
    assert all(len(tests) / 5 < len(part) < len(tests) / 2 for part in thirds)


def test_the_commit_that_is_checked_out_draws(monkeypatch, capsys):
    """It draws all rows of a test or none, and names that .ci/bare.sh passes."""
    monkeypatch.setattr(run, "_commit", lambda: "00000001" + "f" * 32 + "\n")
    tests = [row.test for row in run.read("") if run.is_of_the_day(row.test)]
    drawn = run.third(tests, "00000001")
    assert [row.test for row in run.read("--third")] == drawn
    monkeypatch.setattr(run.sys, "argv", ["run.py", "--drawn"])
    monkeypatch.setattr(run.sys, "stdin", io.StringIO("\n".join(tests)))
    assert run.main() == 0
    assert capsys.readouterr().out == f"{' '.join(drawn)}\n"


def test_each_rule_has_a_name_of_its_own():
    names = [row.rule for row in run.read("")]
    assert not {name for name in names if names.count(name) > 1}


def test_what_draws_its_inputs_has_one_that_is_always_tried():
    """A test with random inputs needs an @example that always notices the mutation."""
    drawn = [row for row in run.read("") if "given" in _decorators(row.test)]
    assert drawn
    assert [row.rule for row in drawn if "example" not in _decorators(row.test)] == []


def _decorators(test: str) -> set[str]:
    """Return the names of the decorators of a test, or of all tests in a file."""
    file, *names = test.partition("[")[0].split("::")
    return {
        ast.unparse(decorator).partition("(")[0].rpartition(".")[2]
        for function in _functions(file)
        if not names or function.name == names[-1]
        for decorator in function.decorator_list
    }


@cache
def _functions(file: str) -> list[ast.FunctionDef]:
    """Return the functions of a file; cached, as many mutations share a file."""
    tree = ast.parse((run.ROOT / file).read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
