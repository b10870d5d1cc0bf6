"""Find the texts that an expression in the code can give, with names for its values.

`f"AWS denies {action}"` gives "AWS denies *action*".
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from support.constants import constants

MOST_TEXTS, MOST_STEPS = 6, 20
"""An expression with more texts, or nested deeper than this, is a placeholder."""
NAMES = {
    "asked": "value",
    "asked for": "value",
    "best": "entry",
    "besides": "names",
    "busy": "another program",
    "chosen": "name",
    "config": "path",
    "form": "format",
    "found": "value found",
    "given": "one variable",
    "github": "host",
    "ids": "claims",
    "invoked subcommand": "command",
    "known": "names",
    "left": "number",
    "lineno": "line",
    "lost": "names",
    "max bytes": "number",
    "meant": "the nearest name",
    "mfa serial": "MFA device",
    "missing": "another",
    "moments": "claims",
    "named": "name",
    "needed": "action",
    "netloc": "host",
    "origin": "source",
    "prefix": "program",
    "qualname": "error",
    "returncode": "status",
    "row": "entry",
    "rows": "types",
    "said": "reason",
    "see": "command",
    "self": "profile",
    "shown": "value",
    "slip": "the nearest name",
    "sign": "value",
    "st uid": "uid",
    "start": "line",
    "state in words": "state",
    "strerror": "reason",
    "text": "value",
    "told": "reason",
    "tried": "steps",
    "usernames": "user names",
    "verify message": "reason",
    "wanted": "value wanted",
    "what": "value",
    "where": "place",
    "which": "rule",
    "who": "user",
    "whom": "endpoint",
    "whose": "identity",
    "why": "reason",
    "words": "command",
}
"""The placeholder for a variable's name that would not be clear to a reader."""


class Wording:
    """The texts of expressions in one file of the code."""

    def __init__(self, file: Path, root: Path) -> None:
        """Parse the file; `root` is the package's folder."""
        self.tree = ast.parse(file.read_text(encoding="utf-8"))
        self._root = root
        self._constants = constants(self.tree)
        nodes = list(ast.walk(self.tree))
        self.classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        self._imports = dict(_imports(nodes))
        self._functions = {
            node.name: node for node in nodes if isinstance(node, ast.FunctionDef)
        }

    def texts(self, node: ast.expr, function: ast.AST) -> list[str]:
        """Return the texts that an expression in a function may give.

        Placeholders are in stars: *host*.
        """
        found = self._texts(node, function, 0)
        return found if found and len(found) <= MOST_TEXTS else [_placeholder(node)]

    def constant(self, name: str) -> str | None:
        """Return the text of a constant in this file, or of an imported one."""
        value = self._constants.get(name)
        if value and (self._is_text(value) or isinstance(value, ast.Constant)):
            return self._texts(value, self.tree, 1)[0]
        if value is None and name in self._imports:
            return self._imported(*self._imports[name])
        return None

    def _imported(self, module: str, name: str) -> str | None:
        place = self._root.parent.joinpath(*module.split("."))
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if module.startswith(self._root.name) and file.exists():
                return reading(file, self._root).constant(name)
        return None

    def _texts(self, node: ast.expr, function: ast.AST, steps: int) -> list[str]:
        """Return all texts; the empty text only if there is no other."""
        followed: list[ast.expr] = []
        match node:
            case _ if steps > MOST_STEPS:
                pass
            case ast.Constant(value=str() | int() | float() as value):
                return [escaped(str(value))]
            case ast.JoinedStr(values=parts):
                return self._joined(parts, function, steps)
            case ast.BinOp(left=left, right=right) if self._is_text(node):
                return self._joined([left, right], function, steps)
            case ast.FormattedValue(value=ast.BoolOp(values=[first, *_])):
                followed = [first]  # the other is a fallback, which says less
            case ast.FormattedValue(value=value):
                followed = [value]
            case ast.IfExp(body=one, orelse=other):
                followed = [one, other]
            case ast.BoolOp(op=ast.Or(), values=values):
                followed = values
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"),
                args=[of],
            ):
                if isinstance(of, ast.GeneratorExp):
                    followed = self._if_texts([of.elt])
                elif isinstance(of, ast.Name) and (names := self._listed(of.id)):
                    return [escaped(between.join(names))]
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                function = self._functions[name]
                followed = self._if_texts(_returned(function))
            case ast.Name(id=name):
                assigned = _assigned(function, name)
                if not assigned and (text := self.constant(name)) is not None:
                    return [text]
                followed = self._if_texts(assigned)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                followed = self._if_texts(_assigned(self.tree, f"self.{name}"))
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                where = ".".join(self._imports.get(module, ()))
                if (text := self._imported(where, name)) is not None:
                    return [text]
        each = (self._texts(part, function, steps + 1) for part in followed)
        return _some(itertools.chain.from_iterable(each)) or [_placeholder(node)]

    def _joined(
        self, parts: Iterable[ast.expr], function: ast.AST, steps: int
    ) -> list[str]:
        each = [self._texts(part, function, steps + 1) for part in parts]
        whole = itertools.islice(itertools.product(*each), MOST_TEXTS + 1)
        return _some(map("".join, whole))

    def _if_texts(self, values: list[ast.expr]) -> list[ast.expr]:
        return values if all(map(self._is_text, values)) else []

    def _is_text(self, node: ast.expr) -> bool:
        """Return whether an expression is built from texts in this file."""
        match node:
            case ast.Constant(value=str()) | ast.JoinedStr():
                return True
            case ast.IfExp(body=one, orelse=other):
                return self._is_text(one) and self._is_text(other)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._is_text(left) or self._is_text(right)
            case ast.BoolOp(values=values):
                return self._is_text(values[-1])
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value="")),
                args=[ast.GeneratorExp(elt=one)],
            ):
                return self._is_text(one)
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                returned = _returned(self._functions[name])
                calls_itself = any(f"{name}(" in ast.unparse(each) for each in returned)
                return not calls_itself and all(map(self._is_text, returned))
        return False

    def _listed(self, name: str) -> list[str]:
        """Return the items of a constant that is a list, tuple or dict of texts."""
        match self._constants.get(name):
            case ast.Tuple(elts=each) | ast.List(elts=each) | ast.Dict(keys=each):
                texts = [p.value for p in each if isinstance(p, ast.Constant)]
                return texts if len(texts) == len(each) else []
        return []


@cache
def reading(file: Path, root: Path) -> Wording:
    """Return the Wording of a file; each file is parsed once."""
    return Wording(file, root)


def escaped(text: str) -> str:
    """Return a text with Markdown's special characters escaped: stars, _ and `."""
    return re.sub(r"\*|(?<!\w)_|`", r"\\\g<0>", text)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                yield each.asname or each.name, (node.module, each.name)


@cache
def _assignments(below: ast.AST) -> dict[str, list[ast.expr]]:
    """Return the values that are assigned below a node, by name or attribute."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(below):
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=one, value=ast.expr() as value):
                targets = [one]
            case ast.NamedExpr(target=one, value=value):
                targets = [one]
            case _:
                continue
        for target in targets:
            found.setdefault(ast.unparse(target), []).append(value)
    return found


def _assigned(below: ast.AST, target: str) -> list[ast.expr]:
    return _assignments(below).get(target, [])


def _returned(function: ast.FunctionDef) -> list[ast.expr]:
    nodes = ast.walk(function)
    return [node.value for node in nodes if isinstance(node, ast.Return) and node.value]


def _some(texts: Iterable[str]) -> list[str]:
    """Return texts, each once; the empty text only if there is no other."""
    found = list(dict.fromkeys(texts))
    return [text for text in found if text] or found[:1]


def _placeholder(node: ast.expr) -> str:
    return f"*{_called(node)}*"


def _called(node: ast.AST) -> str:
    """Return a noun for an expression's value: its name, or that of its first part."""
    match node:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="type"))):
            return "error"
        case ast.Call(func=ast.Name(id="len")):
            return "number"
        case ast.Subscript(slice=ast.Constant(value=str(name)) | ast.Name(id=name)):
            return _noun(name)
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=name)]):
            return _noun(str(name))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _noun(name)
        case ast.Subscript(value=value):
            return _called(value).removesuffix("s")
        case ast.Call(func=ast.Attribute(attr="join"), args=[of]):
            return _called(of)
        case ast.Call(func=ast.Name(id="sorted" | "map" | "str"), args=[*_, of]):
            return _called(of)
        case ast.Call(func=value) | ast.FormattedValue(value=value):
            return _called(value)
        case ast.BoolOp(values=[first, *_]) | ast.BinOp(left=first):
            return _called(first)
    return "value"


def _noun(name: str) -> str:
    plain = name.strip("_").lower().replace("_", " ")
    plain = re.sub(" (of|in|for)$", "", plain)
    return "seconds" if plain.endswith(" s") else NAMES.get(plain, plain)
