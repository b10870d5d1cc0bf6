"""No test fails because the machine is busy: each wait is BUSY_S longer than needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.constants import constants
from support.program import BUSY_S

TESTS = Path(__file__).parents[1]
CLOCKS = {"time.monotonic", "time.perf_counter"}
TIMES = {"seconds", "elapsed", "took", "waited"}
LIMITS = {"timeout", "seconds", "within_s", "limit_s"}
WAITS = {"wait", "result", "settimeout", "create_connection", "wait_until", "wait_for"}

EXCEPTIONS = {
    "commands/forward/test_commands.py": {
        "asked.terminal.expect([QUESTION, pexpect.TIMEOUT], timeout=2)": "nothing comes",
    },
    "commands/token_service/test_crowds.py": {
        "connection.settimeout(0.01)": "a look, which is repeated",
    },
    "commands/token_service/test_phases.py": {
        "connection.settimeout(0.2)": "a look, which is repeated",
    },
    "providers/acr/test_roads.py": {
        "socket.create_connection(listener.getsockname(), 0.2)": "nothing comes",
    },
    "support/dead_issuer.py": {
        "ended.wait(DRIP_S)": "the pause between two bytes",
        "listening.settimeout(0.1)": "a look, which is repeated",
    },
    "system/test_other_writers.py": {
        "when.wait(1.5)": "ours waits for the client, where it is right",
    },
    "testing/sandbox/test_failures.py": {
        "socket.create_connection((host, int(port)), timeout=0.3)": "nothing comes",
        "socket.create_connection(address, timeout=0.3)": "nothing comes",
    },
    "transport/test_attempts.py": {
        "time.monotonic() + 0.9": "the call's time, which is to be too short",
        "time.monotonic() + 2": "the call's time, which is to be over",
    },
}
"""Shorter limits that are allowed, and why; a row that is no longer true fails too."""


def bounds(tree: ast.Module) -> Iterator[str]:
    """Yield the code of each time limit that is shorter than BUSY_S."""
    named = constants(tree)

    def is_short(bound: ast.expr) -> bool:
        number = value(bound, named)
        return number is not None and 0 < number < BUSY_S

    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            for each in ast.walk(node.test):
                if isinstance(each, ast.Compare) and any(
                    is_a_time(least) and is_short(most) for least, most in ordered(each)
                ):
                    yield ast.unparse(each)
        elif isinstance(node, ast.Call):
            last = node.args[-1:] if called(node) in WAITS else []
            more = [word.value for word in node.keywords if word.arg in LIMITS]
            yield from (ast.unparse(node) for bound in last + more if is_short(bound))
        elif is_a_deadline(node) and is_short(node.right):
            yield ast.unparse(node)


def ordered(compare: ast.Compare) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the smaller and the larger side of each comparison."""
    sides = [compare.left, *compare.comparators]
    for operator, left, right in zip(compare.ops, sides, sides[1:], strict=False):
        if isinstance(operator, ast.Lt | ast.LtE):
            yield left, right
        elif isinstance(operator, ast.Gt | ast.GtE):
            yield right, left


def is_a_time(side: ast.expr) -> bool:
    return any(
        (isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCKS)
        or (isinstance(node, ast.Attribute) and node.attr in TIMES)
        or (isinstance(node, ast.Name) and node.id in TIMES)
        for node in ast.walk(side)
    )


def value(number: ast.expr | None, named: dict[str, ast.expr]) -> float | None:
    """Return an expression's value, None if it cannot be computed from its file."""
    match number:
        case ast.Name(name) if name in named:
            return value(named[name], named)
        case ast.BinOp(one, ast.Add() | ast.Mult() as how, other):
            first, second = value(one, named), value(other, named)
            if first is None or second is None:
                return None
            return first + second if isinstance(how, ast.Add) else first * second
        case ast.Constant(int() | float() as found):
            return found
    return None


def is_a_deadline(node: ast.AST) -> bool:
    """Return whether an expression adds something to the current time."""
    is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
    return is_sum and ast.unparse(node.left).removesuffix("()") in CLOCKS


def called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


@pytest.mark.parametrize(
    "text",
    [
        "assert answer.seconds < 4",
        "assert 1.9 < answer.seconds < 3.5",
        "assert 4 >= time.monotonic() - began",
        "LIMIT = 2\nassert answer.seconds < LIMIT + 1",
        "assert max(seconds for _, seconds in waited) < 9",
        "run(words, timeout=30)",
        "MOST_S = 20\nrun(words, timeout=MOST_S)",
        "process.wait(5)",
        "wait_until(has_ended, 8)",
        "give_up = time.monotonic() + 10",
    ],
)
def test_a_bound_is_seen(text: str) -> None:
    assert list(bounds(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "assert answer.seconds > 1.5",
        "assert answer.seconds < 4 + BUSY_S",
        "assert time.process_time() - began < 1",
        "run(words, timeout=BUSY_S)",
        "wait_until(has_ended)",
        "lock.acquire(timeout=0)",
    ],
)
def test_what_is_right_on_a_busy_machine_is_none(text: str) -> None:
    assert not list(bounds(ast.parse(text)))


def test_whatever_is_waited_for_has_a_busy_machines_time() -> None:
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        file = path.relative_to(TESTS).as_posix()
        if file.startswith("windows/"):
            continue  # its limits allow for the time that Wine takes to start
        if seen := set(bounds(ast.parse(path.read_text(encoding="utf-8")))):
            found[file] = seen
    assert found == {file: set(told) for file, told in EXCEPTIONS.items()}
