"""Build the directory that runs on any Linux: Python with its own loader and libc.

    build.py DIRECTORY [--root ROOT] [--prefix PREFIX]

The files are those of the Debian at ROOT (this machine's, or what debian.sh unpacked of
any architecture), which must have the Python that runs this. It needs gcc and binutils
for that architecture, and no network. PREFIX is where the directory will lie: it runs
anywhere, but there Python does not rename what it compiled (0.2 ms).

The same files give the same bytes: no name, time, umask or number of this machine is in
them. SOURCE_DATE_EPOCH is the time that all of them get (1970 else).
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import py_compile
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
MACHINES = {
    62: ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    183: ("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}
"""By e_machine of an ELF file: Debian's triplet, and the loader's file name."""
PROGRAMS = {
    "dockcred-credential-provider": "dockcred_credential_provider",
    "docker-credential-auto": "docker_credential_auto",
}
"""Programs of the directory, each with its module."""
NEVER_IMPORTED = (
    *("test", "unittest", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip"),
    *("distutils", "pydoc_data", "venv", "dist-packages", "sqlite3", "curses"),
    *("config-*", "__pycache__", "sitecustomize.py", "_test*", "_xx*", "xx*"),
    *("_curses*", "_dbm*", "_sqlite3*", "_tkinter*", "_codecs_*", "_crypt*"),
    *("readline*", "nis*", "ossaudiodev*"),
)
"""Parts of the standard library that we never import: tests, tools, GUIs, terminals,
databases."""
NOT_OURS = ("testing", "commands", "__pycache__")
"""Our packages that no program of the directory imports."""
ENDS_THREADS = "libgcc_s.so.1"
"""libc loads this to end a thread, and aborts the process if it is missing."""
LICENCES = (
    *(f"{VERSION}-minimal", "libc6", "libssl3*", "zlib1g", "libexpat1", "libbz2-1.0"),
    *("liblzma5", "libffi8", "libuuid1", "libgcc-s1"),
)
_NEEDED = re.compile(r"\(NEEDED\)\s+Shared library: \[(.+)\]")


class Root:
    """The Debian system whose files are copied."""

    def __init__(self, path: Path) -> None:
        """Find the Python and its architecture; exit if there is no Python VERSION."""
        self.path = path
        self.python = path / "usr/bin" / VERSION
        if not self.python.is_file():
            sys.exit(f"{self.python} is not there: run this by the Python of {path}")
        with self.python.open("rb") as file:
            self.triplet, self.loader = MACHINES[file.read(20)[18]]

    def library(self, name: str) -> Path:
        """Return the path of a library; exit if it is missing."""
        for place in ("lib", "usr/lib"):
            found = self.path / place / self.triplet / name
            if found.is_file():
                return found
        sys.exit(f"{name} is not in the libraries of {self.path}")

    def needed_by(self, files: list[Path]) -> dict[str, Path]:
        """Return all libraries that the files need, directly or not, by name."""
        found = {n: self.library(n) for n in (self.loader, ENDS_THREADS)}
        waiting = [*files, *found.values()]
        while waiting:
            said = _run("readelf", "--dynamic", *waiting)
            names = sorted({*_NEEDED.findall(said)} - found.keys())
            found |= (more := {name: self.library(name) for name in names})
            waiting = [*more.values()]
        return found


def build(target: Path, root: Root, prefix: str) -> None:
    """Write the directory, which must not exist."""
    library = target / "lib"
    modules = library / VERSION
    shutil.copytree(root.path / "usr/lib" / VERSION, modules, ignore=_left_out)
    shutil.copytree(
        SOURCE / "common/dockcred",
        modules / "dockcred",
        ignore=shutil.ignore_patterns(*NOT_OURS),
    )
    shutil.copyfile(root.python, library / "python3")
    extensions = sorted((modules / "lib-dynload").glob("*.so"))
    for name, path in root.needed_by([root.python, *extensions]).items():
        shutil.copyfile(path, library / name)
    _write_programs(target, modules, root)
    _copy_licences(root, target / "licences")
    for path in sorted(modules.rglob("*.py")):
        _compile(path, f"{prefix}/{path.relative_to(target)}")
    _settle(target, {library / "python3", library / root.loader})


def _left_out(directory: str, names: list[str]) -> set[str]:
    """Return the names in a directory of the standard library that are not copied."""
    dropped = {n for p in NEVER_IMPORTED for n in fnmatch.filter(names, p)}
    return dropped | {n for n in names if os.path.islink(os.path.join(directory, n))}


def _write_programs(target: Path, modules: Path, root: Root) -> None:
    programs = target / "lib/programs"
    for place in (programs, target / "bin", target / "plugins"):
        place.mkdir()
    for program, module in PROGRAMS.items():
        shutil.copyfile(SOURCE / f"helpers/{module}.py", modules / f"{module}.py")
        (programs / program).write_text(
            f"from dockcred.system.process import run\n\nrun({module!r}, '')\n"
        )
    shutil.copyfile(HERE / "node.py", programs / "dockcred-node")
    launcher = target / "bin/python3"
    _compile_launcher(launcher, root)
    for copy in ("bin/dockcred-node", *(f"plugins/{name}" for name in PROGRAMS)):
        shutil.copyfile(launcher, target / copy)
        (target / copy).chmod(0o755)


def _compile_launcher(launcher: Path, root: Root) -> None:
    compiler = os.environ.get("CC", f"{root.triplet}-gcc")
    _run(
        *(compiler, "-Os", "-Wall", "-Wextra", "-Werror", "-static", "-nostdlib"),
        *("-ffreestanding", "-fno-builtin", "-fno-pie", "-no-pie", "-s"),
        *("-fno-stack-protector", "-fno-asynchronous-unwind-tables"),
        "-Wl,--build-id=none,-z,noseparate-code,-z,noexecstack",
        *(f'-DLOADER="{root.loader}"', "-o", launcher, HERE / "launcher.c"),
    )


def _copy_licences(root: Root, target: Path) -> None:
    documents = root.path / "usr/share/doc"
    target.mkdir()
    for name in LICENCES:
        for path in sorted(documents.glob(f"{name}/copyright")):
            shutil.copyfile(path, target / path.parent.name)
    shutil.copyfile(SOURCE / "LICENSE", target / "dockcred")


def _compile(path: Path, runs_as: str) -> None:
    """Compile with PEP 552's unchecked hash: Python does not check the source then."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(
        str(path), dfile=runs_as, doraise=True, optimize=0, invalidation_mode=mode
    )


def _settle(target: Path, run: set[Path]) -> None:
    """Set the mode of each file, and the same mtime for all: SOURCE_DATE_EPOCH or 0.

    The files in `run` are executable, and those in bin and plugins.
    """
    time_s = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    for path in _bottom_up(target):
        is_run = path.is_dir() or path in run or path.parent.name in {"bin", "plugins"}
        path.chmod(0o755 if is_run else 0o644)
        os.utime(path, (time_s, time_s))


def _bottom_up(target: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(target, topdown=False):
        yield from (Path(directory, name) for name in names)
        yield Path(directory)


def _run(*command: object) -> str:
    try:
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            env=os.environ | {"LC_ALL": "C"},
            check=False,
        )
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not installed")
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr}")
    return done.stdout


def main() -> None:
    """Build the directory of the command line."""
    usage = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usage.add_argument("directory", type=Path)
    usage.add_argument("--root", type=Path, default=Path("/"))
    usage.add_argument("--prefix", default="/opt/dockcred")
    asked = usage.parse_args()
    os.umask(0o022)
    build(asked.directory.absolute(), Root(asked.root.absolute()), asked.prefix)


if __name__ == "__main__":
    main()
