"""docs/errors.md: every failure that the code can tell, with its remedy.

Found by reading the code: an error is made by a call of a class whose name ends in
Error, with the cause and the remedy as its first two texts.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

import dockcred

CODE = Path(dockcred.__file__).parent
LEFT_OUT = ("testing",)
HEAD = """\
# What an error means

Made from the code by `make docs`. `…` stands for what differs: a host, a file, what the
other side said. A failure is one line, on stdout and stderr, with its cause and, behind
a semicolon, what to do; the exit status is 1.

Three sentences are the protocol's own, and clients act upon them:

| it says | it means |
|---|---|
| credentials not found in native keychain | nothing is kept or configured for this registry: the client goes on anonymously |
| no credentials server URL | the request names no registry |
| no credentials username | the credential to be stored names no user |
"""
ELSE = "Any program"
AREAS = {
    "providers/ecr/": "Amazon ECR",
    "providers/acr/": "Azure Container Registry",
    "providers/google/": "Google",
    "providers/github/": "GitHub",
    "providers/alibaba/": "Alibaba Cloud",
    "providers/gitlab/": "GitLab",
    "providers/oracle/": "Oracle",
    "providers/oidc/": "CI identities",
    "stores/": "Keychains",
    "identity/config/": "config.toml",
    "system/private_file.py:check_owner": "config.toml",
    "protocol/kubelet/": "Kubelet's plugin",
    "clients/containers/edit.py": "Clients' files",
    "clients/docker/edit.py": "Clients' files",
    "clients/edit/": "Clients' files",
    "clients/kubelet.py": "Clients' files",
    "clients/nomad.py:plugin_block": "Clients' files",
    "clients/contrast/": "Rendering",
    "clients/entries.py": "Rendering",
    "clients/formats.py:check_options": "Rendering",
    "clients/formats.py:load": "Rendering",
    "clients/formats.py:read_pem": "Rendering",
    "clients/kubernetes/render.py": "Rendering",
    "clients/nomad.py:render": "Rendering",
    "api/many.py": "Rendering",
    "protocol/launcher/": "Launchers",
    "commands/token_service/__init__.py": "`dockcred`",
    "commands/token_service/work.py": "`dockcred`",
    "commands/token_service/": "The token service",
    "commands/doctor/": ELSE,
    "commands/manual.py": ELSE,
    "commands/refresh/__init__.py": "`dockcred`",
    "commands/refresh/": ELSE,
    "commands/": "`dockcred`",
    "transport/": "Connections",
}
"""Where an error belongs, by the start of its file's name and of the function's."""
ORDER = (
    "Amazon ECR",
    "Azure Container Registry",
    "Google",
    "GitHub",
    "Alibaba Cloud",
    "GitLab",
    "Oracle",
    "CI identities",
    "Keychains",
    "config.toml",
    "Kubelet's plugin",
    "Clients' files",
    "Rendering",
    "Launchers",
    "The token service",
    "`dockcred`",
    "Connections",
    ELSE,
)
Row = tuple[str, str]


def page() -> str:
    """Write the page."""
    found: dict[str, set[Row]] = {}
    for file in sorted(CODE.rglob("*.py")):
        name = file.relative_to(CODE).as_posix()
        if not name.startswith(LEFT_OUT):
            for where, row in _errors(file):
                found.setdefault(_area(f"{name}:{where}"), set()).add(row)
    tables = [
        f"\n## {area}\n\n| it says | what to do |\n|---|---|\n"
        + "".join(f"| {_cell(says)} | {_cell(do)} |\n" for says, do in sorted(rows))
        for area, rows in sorted(found.items(), key=lambda item: _place(item[0]))
        if rows
    ]
    return HEAD + "".join(tables)


def _area(name: str) -> str:
    area = next((a for place, a in AREAS.items() if name.startswith(place)), ELSE)
    if area == ELSE and name.startswith("providers/"):
        return name.split("/")[1].capitalize()
    return area


def _place(area: str) -> int:
    """Return where an area stands; a further provider's behind the other providers'."""
    return ORDER.index(area if area in ORDER else "CI identities")


def _errors(file: Path) -> Iterator[tuple[str, Row]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    texts = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    whole = (
        (getattr(top, "name", ""), node) for top in tree.body for node in ast.walk(top)
    )
    for where, node in whole:
        if not isinstance(node, ast.Call) or not _is_ours(_name(node.func)):
            continue
        said = [_text(argument, texts) for argument in node.args[:2]]
        if said and said[0].strip("… "):
            yield where, (said[0], said[1] if len(said) > 1 else "")


def _is_ours(name: str) -> bool:
    return name.endswith("Error") and not hasattr(builtins, name)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _text(node: ast.expr, texts: dict[str, ast.expr]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, texts) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, texts) + _text(right, texts)
        case ast.Name(id=name) if name in texts:
            return _text(texts[name], {})
        case ast.FormattedValue(value=ast.Name(id=name)) if name in texts:
            return _text(texts[name], {})
    return "…"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
