"""Read the constants of a Python module without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the last value that each name is assigned at the top of a module."""
    return {
        name: value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for name, value in _pairs(target, node.value)
    }


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name with its value, also for `A, B = 1, 2`."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=names), ast.Tuple(elts=values):
            for each in zip(names, values, strict=True):
                yield from _pairs(*each)
