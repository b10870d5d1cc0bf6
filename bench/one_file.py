"""How quickly one file starts, beside what is installed and what zipapp would make.

    python -m bench.one_file [--rounds N]

Measures the CPU time of whole processes in turn, for a cached `get` that Python
answers. The front (the sh part) of the launchers is left out, since the one file has
none.
"""

from __future__ import annotations

import argparse
import compileall
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipapp
from collections.abc import Mapping
from pathlib import Path

from bench.ours import python
from bench.peers import REPOSITORY
from bench.rows import ECR, ECR_HOST
from dockcred.protocol.launcher import render as launcher_render
from dockcred.testing.sandbox import Sandbox

BUILD = REPOSITORY / "packaging/zipapp/build.py"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "testing", "token_service", "manual")


def candidates(interpreter: str, place: Path) -> dict[str, tuple[str, ...]]:
    """Build each form of the helper in `place`; return the command of each by name."""
    modules = place / "modules"
    for root in ("common", "helpers"):
        copy = {"ignore": LEFT_OUT, "dirs_exist_ok": True}
        shutil.copytree(REPOSITORY / root, modules, **copy)  # type: ignore[arg-type]
    module = ECR.replace("-", "_")
    (modules / "__main__.py").write_text(f"from {module} import main\n\nmain()\n")
    zipapp.create_archive(modules, place / "sources.pyz", compressed=True)
    compileall.compile_dir(modules, quiet=1, legacy=True)
    installed = shutil.copytree(modules, place / "installed")
    for source in modules.rglob("*.py"):
        if source.name != "__main__.py":  # zipapp looks for it by name
            source.unlink()
    zipapp.create_archive(modules, place / "bytecode.pyz", compressed=True)
    one_file = place / "dockcred.pyz"
    subprocess.run([interpreter, BUILD, one_file], check=True)
    launcher = place / ECR
    launcher.write_text(
        launcher_render.launcher(ECR, interpreter, (str(installed),), None)
    )
    launcher.chmod(0o755)
    isolated = (interpreter, "-I", "-S")
    return {
        "installed, without the front": (str(launcher), "get"),
        "one file": (str(one_file), ECR, "get"),
        "zipapp of bytecode": (*isolated, str(place / "bytecode.pyz"), "get"),
        "zipapp of sources": (*isolated, str(place / "sources.pyz"), "get"),
    }


def measure(argv: tuple[str, ...], environment: Mapping[str, str]) -> float:
    """Return the milliseconds of CPU time of one run, which must print a password."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        argv, input=ECR_HOST.encode(), env=environment, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert b'"Secret"' in done.stdout
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, Sandbox() as cloud:
        commands = candidates(_with_libraries(), Path(name))
        environment = cloud.environment("env-keys")
        taken: dict[str, list[float]] = {form: [] for form in commands}
        for _ in range(rounds):
            for form, argv in commands.items():
                taken[form].append(measure(argv, environment))
    first = next(iter(taken))
    print("| a cached get by Python | CPU ms, median | minimum | ratio of minimums |")
    print("|---|---:|---:|---:|")
    for form, ms in taken.items():
        ratio = min(ms) / min(taken[first])
        print(f"| {form} | {statistics.median(ms):.1f} | {min(ms):.1f} | {ratio:.2f} |")


def _with_libraries() -> str:
    """Return the interpreter to measure; it has the libraries for the one file."""
    test = [python(), "-c", "import click, rich, tomlkit"]
    has = subprocess.run(test, check=False, capture_output=True).returncode == 0
    return python() if has else sys.executable


if __name__ == "__main__":
    main()
