"""What a module of Python names at its top, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Return what each name at the top of a module is assigned, the last time."""
    return {
        name: value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for name, value in _pairs(target, node.value)
    }


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name with what it is assigned, also of `A, B = 1, 2`."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=names), ast.Tuple(elts=values):
            for each in zip(names, values, strict=True):
                yield from _pairs(*each)
