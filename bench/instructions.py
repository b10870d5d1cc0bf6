"""What our own paths cost in instructions, by callgrind: figures that do not wobble.

    python -m bench.instructions [--python PROGRAM] [--save] [--json] [--profile PATH]

Paths of a `get`: the front's hit in sh, with env keys and with a token file, Python's
hit, cold gets over TLS on the direct road, of ECR and of ACR, a hit and a cold get of
`auto`, which has every provider beside, and the second without an identity where the
metadata service is silent, if we may have a network of our own.
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
from bench.rows import ACR, ACR_HOST, AUTO, ECR, ECR_HOST, ONE_CALL
from dockcred.protocol.launcher import render as launcher_render
from dockcred.testing.sandbox import Sandbox
from dockcred.wiring import PROGRAMS, provider

STORED = REPOSITORY / "bench/instructions.json"
PATHS = {
    "front hit": (ECR, ECR_HOST, "env-keys"),
    "front hit, token": (ECR, ECR_HOST, "web-identity"),
    "cached hit": (ECR, ECR_HOST, "env-keys"),
    # With DOCKCRED_METRICS set: docs/metrics.md.
    "cached hit, counted": (ECR, ECR_HOST, "env-keys"),
    "cached hit, auto": (AUTO, ECR_HOST, "env-keys"),
    "cold get": (ECR, ECR_HOST, "env-keys"),
    "cold get, auto": (AUTO, ECR_HOST, "env-keys"),
    "cold get, ACR": (ACR, ACR_HOST, "azure-imds"),
}
"""The counted code paths by name: program, registry and the sandbox's identity."""
SILENT_GET = "silent get"
SILENT = (ECR, ECR_HOST)
CALLS = {
    "cold get": ONE_CALL,
    "cold get, auto": ONE_CALL,
    "cold get, ACR": {
        "azure-imds:probe": 1,
        "azure-imds:refused": 1,
        "azure-imds:token": 1,
        "proxy:CONNECT": 1,
        "acr:exchange": 1,
    },
}
"""The exact calls of each path to the cloud; a hit makes none."""
SHELL = "dash"
RUNS = 2
# Valgrind makes programs fifty times slower. On a busy machine a request may time out
# and be retried, and then the count is not that of one plain `get`.
TRIES = 3
TOO_OLD = 3
ROOTS = (str(REPOSITORY / "common"), str(REPOSITORY / "helpers"))
# glibc picks its string functions by the processor. The plain ones run everywhere, so
# they make counts comparable.
PLAIN = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-ERMS,-FSRM"}


def build_of(python: str) -> dict[str, str]:
    """Return by path the build that its count depends on: Python's, or sh's system."""
    say = "import sys; print(' '.join(sys.version.split()))"
    done = subprocess.run(
        [python, "-c", say], check=True, capture_output=True, text=True
    )
    by_path = {"front": f"{SHELL} of {_system()}", "cached": done.stdout.strip()}
    cold = f"{done.stdout.strip()} on {_system()}"
    paths = (*PATHS, SILENT_GET)
    return {path: by_path.get(path.partition(" ")[0], cold) for path in paths}


def measure(python: str, profile: Path | None = None) -> dict[str, float]:
    """Return millions of instructions by path; the median of RUNS runs."""
    figures = {}
    for path in PATHS:
        with tempfile.TemporaryDirectory() as name, Sandbox(tls=True) as cloud:
            environment = _environment(cloud, PATHS[path][2])
            if path.endswith(", counted"):
                environment["DOCKCRED_METRICS"] = f"{name}/figures"
            counts = [
                _count(path, python, Path(name), cloud, environment, profile)
                for _ in range(RUNS)
            ]
            figures[path] = round(statistics.median(counts) / 1e6, 2)
    if counts := [found for _ in range(RUNS) if (found := _silent(python))]:
        figures[SILENT_GET] = round(statistics.median(counts) / 1e6, 2)
    return figures


def _silent(python: str) -> int:
    """Count a `get` whose packets vanish; 0 if we may not make such a network."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    alone = ("unshare", "--net", *as_root, "--")
    if not all(map(shutil.which, ("unshare", "ip"))) or _status(*alone, "true"):
        return 0
    command = (*alone, sys.executable, "-m", "bench.silent_instructions", python)
    return int(subprocess.check_output(command, timeout=120))


def _status(*command: str) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode


def _count(
    path: str,
    python: str,
    directory: Path,
    cloud: Sandbox,
    environment: dict[str, str],
    profile: Path | None,
) -> int:
    program, host, _ = PATHS[path]
    launcher = directory / program
    served = provider(PROGRAMS[program]) if PROGRAMS[program] else None
    text = launcher_render.launcher(program, python, ROOTS, served)
    # callgrind does not follow an exec, so its count would end there.
    launcher.write_text(text.replace("|| exec /bin/cat", "|| /bin/cat"))
    launcher.chmod(0o755)
    cache = Path(environment["HOME"]) / ".cache/dockcred"
    command = _python_command(launcher)
    if path.startswith("front"):
        command = [shutil.which(SHELL) or SHELL, str(launcher), "get"]
    cold = path in CALLS
    if cold:
        shutil.rmtree(cache, ignore_errors=True)
    # The first run fills the cache, and writes bytecode.
    answer = _run(command, environment, host)
    out = profile or directory / "callgrind.out"
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    calls, counted = {}, ""
    for _ in range(TRIES):
        if cold:
            shutil.rmtree(cache)
        cloud.reset()
        counted = _run([*tool, *command], environment | PLAIN, host)
        calls = dict(cloud.calls)
        if calls == CALLS.get(path, {}):
            break
    assert calls == CALLS.get(path, {}), calls
    assert cold or counted == answer, "a hit answers what was cached"
    return total(out)


def stored() -> dict[str, dict[str, float]]:
    """Return the stored counts in millions, by path, then by build of Python."""
    held: dict[str, dict[str, float]] = json.loads(STORED.read_text())
    return held


def _environment(cloud: Sandbox, identity: str) -> dict[str, str]:
    """Return an identity's variables for the sandbox over TLS.

    The timeout is long, as valgrind is slow.
    """
    base = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    port = cloud.listen("127.0.0.1", tls=True)
    return cloud.environment(identity, inherit=base) | {
        "AWS_ENDPOINT_URL_ECR": f"https://localhost:{port}",
        "DOCKCRED_TIMEOUT": "60",
    }


def _python_command(launcher: Path) -> list[str]:
    """Return the command with which a launcher starts Python."""
    text = launcher.read_text()
    if not text.startswith("#!/bin/sh"):  # it has no front: the #! line starts Python
        return [*text.partition("\n")[0][2:].split(), str(launcher), "get"]
    (line,) = re.findall(r"^ +exec ('.*) \"\$@\"$", text, re.MULTILINE)
    return [*shlex.split(line), "get"]


def _run(command: list[str], environment: dict[str, str], host: str) -> str:
    done = subprocess.run(
        command,
        env=environment,
        input=f"{host}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)[:200]}: {done.stdout}{done.stderr}")
    return done.stdout


def total(out: Path) -> int:
    """Return the total count of instructions in callgrind's output file."""
    total, *_ = re.findall(r"^totals: (\d+)", out.read_text(), re.MULTILINE)
    return int(total)


def _system() -> str:
    fields = platform.freedesktop_os_release()
    return f"{fields['ID']} {fields.get('VERSION_ID', '')} {os.uname().machine}"


def _is_new_enough(python: str) -> bool:
    test = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", test], check=False).returncode == 0


def main() -> None:
    """Print the counts; --save stores them for the test that compares with them."""
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
