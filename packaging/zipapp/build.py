"""Build the suite as one file, for machines where nothing can be installed.

    python build.py TARGET           the one file
    python build.py TARGET PYTHON    an archive for Windows, with Windows' PYTHON in it

Needs Python 3.11 or newer where it runs. It carries the helpers, the direct road and
`dockcred` with its three libraries; no SDK, and no sandbox. The same sources, libraries
and Python give the same bytes.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import marshal
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
# Modules that need a library that is not in the file, or are only used at the build.
LEFT_OUT = (
    *("dockcred/testing/sandbox", "dockcred/testing/demo"),
    *("dockcred/testing/provider_contract", "dockcred/commands/sandbox"),
    *("dockcred/commands/token_service", "dockcred/commands/manual"),
)
# Parts of the libraries that nothing here uses: a quarter of a megabyte. The test of
# the one file imports all the rest.
UNUSED = {
    "click": ("_winconsole", "testing"),
    "rich": (
        *("__main__", "_inspect", "_spinners", "_timer", "_win32_console"),
        *("_windows_renderer", "bar", "columns", "diagnose", "file_proxy", "filesize"),
        *("json", "layout", "live", "live_render", "logging", "markdown", "progress"),
        *("progress_bar", "prompt", "spinner", "status", "syntax", "traceback", "tree"),
    ),
    "tomlkit": ("toml_file",),
}
# Modules of commands for people: compressed, which saves two thirds of a megabyte.
# Their extra time does not matter beside the import of click.
COMPRESSED = (
    *("dockcred/commands/", "dockcred/clients/", "dockcred/api/", "dockcred/testing/"),
    *("dockcred/identity/listing", "dockcred/identity/misspelt"),
    *("dockcred/stores/auth_file", "dockcred/stores/macos_security"),
    *("dockcred/system/shared_file", "dockcred/system/file_lock"),
)
# The exceptions: the keychain's helper needs these to know Docker Hub's names.
HOT = ("dockcred/clients/__init__.py", "dockcred/clients/reference.py")
OF_ONE_FILE = {"__main__.py", "one_file.py", "programs.py"}
MAIN = b"from one_file import main\n\nmain()\n"
START = "from {module} import main\n\nmain()\n"


def build(target: Path) -> None:
    """Write the file: head.sh, our bytecode for this Python, and a zip archive.

    The archive has the bytecode of libraries and of COMPRESSED modules. It also has all
    sources, for other versions of Python.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = dict(sorted(_ours(project["scripts"]).items()))
    slow = {n: s for n, s in ours.items() if n.startswith(COMPRESSED) and n not in HOT}
    codes, finder = _bytecode({n: s for n, s in ours.items() if n not in slow})
    compiled = {f"{name}c": _pyc(name, source) for name, source in slow.items()}
    with target.open("wb") as file:
        file.write(_head(target.name, len(codes), len(finder)))
        file.write(codes)
        file.write(finder)
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in [
                *(ours | compiled).items(),
                *sorted(_libraries(UNUSED)),
            ]:
                entry = zipfile.ZipInfo(name)
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    target.chmod(0o755)


def build_for_windows(target: Path, python: Path) -> None:
    """Write an archive for Windows: a .exe for each program, our sources, and Python.

    `python` is python.org's embeddable package, unpacked. A .exe is pip's launcher with
    a zip archive. It starts the Python beside it: a search could find one in the
    current directory. Sources are plain files, so that Python caches their bytecode.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = {n: s for n, s in _ours({}).items() if n not in OF_ONE_FILE}
    # All modules of the libraries: Windows' console needs some of UNUSED.
    kept = {n: c for n, c in _libraries(dict.fromkeys(UNUSED, ())) if n[-4:] != ".pyc"}
    launcher, licence = _launcher()
    files = {f"lib/{name}": content for name, content in (ours | kept).items()}
    files |= {
        f"python/{p.name}": p.read_bytes() for p in python.iterdir() if p.is_file()
    }
    (paths,) = (name for name in files if name.endswith("._pth"))
    files[paths] = f"{Path(paths).stem}.zip\n.\n..\\lib\n".encode()
    files |= {"python/launcher-LICENSE.txt": licence}
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    for name, script in project["scripts"].items():
        end = io.BytesIO()
        with zipfile.ZipFile(end, "w") as archive:
            source = START.format(module=script.partition(":")[0])
            archive.writestr(zipfile.ZipInfo("__main__.py"), source)
        line = b"#!<launcher_dir>\\python\\python.exe\n"
        files[f"{name}.exe"] = launcher + line + end.getvalue()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _launcher() -> tuple[bytes, bytes]:
    """Return pip's launcher for console programs (from distlib), and its licence."""
    spec = importlib.util.find_spec("pip")
    if spec is None or spec.origin is None:
        sys.exit(f"pip is not installed for {sys.executable}")
    place = Path(spec.origin).parent / "_vendor/distlib"
    return (place / "t64.exe").read_bytes(), (place / "LICENSE.txt").read_bytes()


def _ours(scripts: dict[str, str]) -> dict[str, bytes]:
    programs = {name: script.partition(":")[0] for name, script in scripts.items()}
    found = {
        "__main__.py": MAIN,
        "one_file.py": (HERE / "one_file.py").read_bytes(),
        "programs.py": f"PROGRAMS = {programs}\n".encode(),
    }
    for root in (ROOT / "common", ROOT / "helpers"):
        for path in root.rglob("*.py"):
            name = path.relative_to(root).as_posix()
            if not name.startswith(LEFT_OUT):
                found[name] = path.read_bytes()
    return found


def _libraries(
    without: dict[str, tuple[str, ...]],
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the installed libraries' modules and licences.

    `without` names the libraries, and the modules of each to leave out.
    """
    for library, parts in without.items():
        spec = importlib.util.find_spec(library)
        if spec is None or spec.submodule_search_locations is None:
            sys.exit(f"{library} is not installed for {sys.executable}")
        root = Path(spec.submodule_search_locations[0])
        unused = {root / f"{name}.py" for name in parts}
        for path in sorted(set(root.rglob("*.py")) - unused):
            name, content = path.relative_to(root.parent).as_posix(), path.read_bytes()
            yield name, content
            yield f"{name}c", _pyc(name, content)
        for file in importlib.metadata.files(library) or ():
            if "LICENSE" in file.name:
                yield file.as_posix(), Path(file.locate()).read_bytes()


def _pyc(name: str, source: bytes) -> bytes:
    """Compile with PEP 552's unchecked hash: Python does not check the source then."""
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
    return header + importlib.util.source_hash(source) + _compiled(name, source)


def _bytecode(files: dict[str, bytes]) -> tuple[bytes, bytes]:
    """Return the bytecode of all modules, and of the finder with their index."""
    index, codes, end = {}, [], 0
    for name, source in files.items():
        if name.endswith(".py"):
            code = _compiled(name, source)
            module = name.removesuffix(".py").replace("/", ".")
            package = module.removesuffix(".__init__")
            index[package] = (package != module, end, end := end + len(code))
            codes.append(code)
    finder = (HERE / "bytecode.py").read_text()
    finder += f"\nsys.meta_path.insert(0, Bytecode(held, {index}))\n"
    return b"".join(codes), _compiled("bytecode.py", finder.encode())


def _compiled(name: str, source: bytes) -> bytes:
    """Compile without docstrings, unless click shows them: a third fewer bytes."""
    is_shown = name.startswith("dockcred/commands/") and b"@click." in source
    bare = 0 if is_shown else 2
    return marshal.dumps(
        compile(source, name, "exec", dont_inherit=True, optimize=bare)
    )


def _head(name: str, codes: int, finder: int) -> bytes:
    version = (ROOT / "common/dockcred/system/version.py").read_text()
    fields = {
        "CACHE_TAG": sys.implementation.cache_tag,
        "FINDER": str(codes),
        "SIZE": str(codes + finder),
        "VERSION": version.split('"')[-2],
        "NAME": name,
        "PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
    }
    text = (HERE / "head.sh").read_text()
    for field, value in fields.items():
        text = text.replace(f"@{field}@", value)
    # The text has its own length, in as many characters as the placeholder.
    return text.replace("@OFFSET@", f"{len(text):>8}").encode("ascii")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [target]:
            build(Path(target))
        case [target, windows]:
            build_for_windows(Path(target), Path(windows))
        case _:
            sys.exit(__doc__)
