"""Generate docs/python.md, the stable Python API, from docstrings and signatures."""

from __future__ import annotations

import inspect
import re

import dockcred
from dockcred import errors
from dockcred.errors import DockcredError

HEAD = """\
# The Python API

Made from the code by `make docs`. What stands here is [stable](policy.md#what-is-stable),
with its names, its types and what it raises. Everything else below `dockcred` may change
in any version.

It may be called from many threads. It writes nothing to stdout and stderr, it never ends
the process, and it leaves the caller's variables, signals and umask as they are. Types are
checked by `mypy --strict`.

<!-- run: as github-gh-token -->
```python
from dockcred import resolve
from dockcred.errors import CredentialsNotFoundError, DockcredError

try:
    credential = resolve("ghcr.io/team/app", timeout_s=5)
except CredentialsNotFoundError:
    ...  # nobody has one: go on anonymously
except DockcredError as error:
    print(error.cause, error.remedy)
else:
    print(credential.username, credential.expires_at)
```
"""
_ITEM = re.compile(r'(?P<name>[\w":…, ]+?) {2,}(?P<text>\S.*)')
_NAMED = re.compile(r"^(\w+Error)  ", re.MULTILINE)


def page() -> str:
    """Return the page."""
    text = [HEAD]
    for name in sorted(dockcred.__all__, key=lambda name: (name.istitle(), name)):
        found = getattr(dockcred, name)
        text += [f"\n## `{name}`\n\n```py\n{_signature(name, found)}\n```\n"]
        text += [f"\n{_prose(_doc(found))}\n"]
    text += ["\n## `dockcred.errors`\n\nEach is a `DockcredError` and has `cause` and "]
    text += ["`remedy`, two texts that hold no secret.\n\n| error | is a | means |\n"]
    text += ["|---|---|---|\n"]
    for error in (DockcredError, *_raised()):
        means = " ".join(_doc(error).split())
        text += [f"| `{error.__name__}` | `{_base(error)}` | {means} |\n"]
    return "".join(text)


def _raised() -> list[type[DockcredError]]:
    """Return the errors in the docstring of `resolve`, each with its subclasses."""
    named = [getattr(errors, name) for name in _NAMED.findall(_doc(dockcred.resolve))]
    found: list[type[DockcredError]] = []
    for error in named:
        kinds = [each for each in vars(errors).values() if inspect.isclass(each)]
        below = [each for each in kinds if issubclass(each, error)]
        found += [each for each in below if each is error or each not in named]
    return list(dict.fromkeys(found))


def _base(error: type[DockcredError]) -> str:
    """Return the name of the nearest base class that is on the page."""
    shown = (DockcredError, *_raised(), Exception)
    return next(each.__name__ for each in error.__mro__[1:] if each in shown)


def _doc(found: object) -> str:
    return inspect.getdoc(found) or ""


def _signature(name: str, found: object) -> str:
    """Return a signature as code, with one parameter per line."""
    signature = inspect.signature(found)  # type: ignore[arg-type]
    lines, named_only = "", False
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not named_only:
            lines, named_only = f"{lines}    *,\n", True
        default = "" if each.default is each.empty else f" = {each.default!r}"
        lines += f"    {each.name}: {each.annotation}{default},\n"
    returns = signature.return_annotation
    answer = f" -> {returns}" if inspect.isfunction(found) else ""
    return f"{name}(\n{lines}){answer}"


def _prose(text: str) -> str:
    """Return a docstring as Markdown; lines with two columns become a list."""
    lines: list[str] = []
    for line in text.splitlines():
        inner = len(line) - len(line.lstrip())
        if item := _ITEM.fullmatch(line.strip()):
            if lines and lines[-1] and not lines[-1].lstrip().startswith("-"):
                lines += [""]
            name = item["name"].strip().replace('"', "")
            lines += [f"{'    ' if inner else ''}- `{name}`: {item['text']}"]
        elif inner and lines:
            lines[-1] += f" {line.strip()}"
        else:
            lines += [line]
    return "\n".join(lines)
