"""What our own paths cost in instructions, by callgrind: figures that do not wobble.

    python -m bench.instructions [--python PROGRAM] [--save] [--json] [--profile PATH]

Three paths of `docker-credential-ecr-login get` with env keys: the front's hit in
sh, Python's hit, and a cold get over TLS on the direct road.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.peers import REPOSITORY
from bench.rows import ECR, ECR_HOST
from dockcred.launcher import render
from dockcred.registry_table import PROGRAMS, provider
from dockcred.testing.sandbox import Sandbox

STORED = REPOSITORY / "bench/instructions.json"
PATHS = ("front hit", "cached hit", "cold get")
SHELL = "dash"
RUNS = 3
TOO_OLD = 3
ROOTS = (str(REPOSITORY / "common"), str(REPOSITORY / "helpers"))
# glibc picks its string functions by the processor: the plain ones are everywhere.
PLAIN = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-ERMS,-FSRM"}


def build_of(python: str) -> dict[str, str]:
    """Name the builds on which the figures depend: of Python, and of sh's system."""
    say = "import sys; print(' '.join(sys.version.split()))"
    done = subprocess.run(
        [python, "-c", say], check=True, capture_output=True, text=True
    )
    return {
        "front hit": f"{SHELL} of {_system()}",
        "cached hit": done.stdout.strip(),
        "cold get": f"{done.stdout.strip()} on {_system()}",
    }


def measure(python: str, profile: Path | None = None) -> dict[str, float]:
    """Answer millions of instructions by path."""
    with tempfile.TemporaryDirectory() as name, Sandbox() as cloud:
        directory = Path(name)
        launcher = directory / ECR
        served = provider(PROGRAMS[ECR])
        launcher.write_text(render.launcher(ECR, python, ROOTS, served))
        launcher.chmod(0o755)
        environment = _environment(cloud)
        cache = Path(environment["HOME"]) / ".cache/dockcred"
        by_python = _python_command(launcher)
        commands = {
            "front hit": [shutil.which(SHELL) or SHELL, str(launcher), "get"],
            "cached hit": by_python,
            "cold get": by_python,
        }
        figures = {}
        for path, command in commands.items():
            counts = []
            for _ in range(RUNS):
                if path == "cold get":
                    shutil.rmtree(cache, ignore_errors=True)
                # Fills the cache, and writes bytecode; a ticket is the launcher's.
                warm = commands["front hit"] if path == "front hit" else by_python
                answer = _run(warm, environment)
                if path == "cold get":
                    shutil.rmtree(cache)
                cloud.reset()
                out = profile or directory / "callgrind.out"
                tool = [
                    "valgrind",
                    "--tool=callgrind",
                    f"--callgrind-out-file={out}",
                ]
                counted = _run([*tool, *command], environment | PLAIN)
                _check(path, answer, counted, dict(cloud.calls))
                counts.append(_total(out))
            figures[path] = round(statistics.median(counts) / 1e6, 2)
        return figures


def stored() -> dict[str, dict[str, float]]:
    """Answer the figures that the guard compares with: by path, then by build."""
    held: dict[str, dict[str, float]] = json.loads(STORED.read_text())
    return held


def _environment(cloud: Sandbox) -> dict[str, str]:
    """Be env keys in the sandbox, whose ECR is asked over TLS."""
    port = cloud.listen("127.0.0.1", tls=True)
    base = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return cloud.environment("env-keys", inherit=base) | {
        "AWS_ENDPOINT_URL_ECR": f"https://localhost:{port}",
        "SSL_CERT_FILE": str(cloud.ca_file),
    }


def _python_command(launcher: Path) -> list[str]:
    """Take the command with which a launcher starts Python out of its text."""
    (line,) = re.findall(r"^ +exec ('.*) \"\$@\"$", launcher.read_text(), re.MULTILINE)
    return [*shlex.split(line), "get"]


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        env=environment,
        input=f"{ECR_HOST}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)[:200]}: {done.stdout}{done.stderr}")
    return done.stdout


def _check(path: str, warm: str, counted: str, calls: dict[str, int]) -> None:
    """Hold what was counted to be the path that it is called after."""
    if path == "cold get":
        assert calls == {"ecr:GetAuthorizationToken": 1}, calls
    else:
        assert not calls, calls
        assert counted == warm, "a hit answers what was cached"


def _total(out: Path) -> int:
    total, *_ = re.findall(r"^totals: (\d+)", out.read_text(), re.MULTILINE)
    return int(total)


def _system() -> str:
    fields = platform.freedesktop_os_release()
    return f"{fields['ID']} {fields.get('VERSION_ID', '')} {os.uname().machine}"


def _is_new_enough(python: str) -> bool:
    test = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", test], check=False).returncode == 0


def main() -> None:
    """Print the figures; --save stores them for the guard."""
    parser = argparse.ArgumentParser(prog="bench.instructions", description=__doc__)
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--profile", type=Path, help="keep the last callgrind file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if not _is_new_enough(options.python):
        print(f"{options.python} is older than 3.11", file=sys.stderr)
        sys.exit(TOO_OLD)
    builds = build_of(options.python)
    figures = measure(options.python, options.profile)
    if options.json:
        print(json.dumps({
            path: {"million": million, "build": builds[path]}
            for path, million in figures.items()
        }))  # fmt: skip
    else:
        for path, million in figures.items():
            print(f"{path:12} {million:8.2f} M  {builds[path]}")
    if options.save:
        held = stored() if STORED.exists() else {}
        for path, million in figures.items():
            held.setdefault(path, {})[builds[path]] = million
        STORED.write_text(json.dumps(held, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
