"""Start our programs many times, each with the same pid, by a fork.

This runs as the first process of its own pid namespace. It imports what the programs
import, and forks for each request: so a run takes milliseconds, without Python's start.
strace attaches to the fork before the program's first system call. Requests and answers
are lines of JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shlex
import signal
import subprocess
import sys
import traceback

PID = 2
LIMIT_S = 90  # `dockcred setup` has taken 30 s on a busy machine
CROWD_LIMIT_S = 300
CALLS = "%file,%desc"


def main() -> None:
    """Answer requests until stdin ends."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    for line in requests:
        asked = json.loads(line)
        answer = _together(asked) if isinstance(asked, list) else _alone(asked)
        print(json.dumps(answer), file=answers, flush=True)


def _together(requests: list[dict]) -> list[int]:
    """Start all at the same moment; return the exit code of each."""
    reader, writer = os.pipe()
    ready, is_ready = os.pipe()
    children = []
    for request in requests:
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.close(ready)
            _be(request, reader, is_ready)
        children.append(child)
    for descriptor in (reader, is_ready):
        os.close(descriptor)
    os.read(ready, 1)
    _end_after(CROWD_LIMIT_S, children)
    for descriptor in (ready, writer):
        os.close(descriptor)
    return [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]


def _alone(request: dict) -> dict:
    with contextlib.suppress(OSError):
        # Reap what an earlier program left running, such as a watcher.
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    if request.get("same_pid"):
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as last:
            last.write(str(PID - 1))
    reader, writer = os.pipe()
    ready, is_ready = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.close(ready)
        _be(request, reader, is_ready)
    os.close(reader)
    os.close(is_ready)
    os.read(ready, 1)
    os.close(ready)
    tracer = _trace(child, request) if request.get("log") else None
    _end_after(LIMIT_S, [child])
    os.close(writer)
    _, status = os.waitpid(child, 0)
    late = signal.alarm(0) == 0
    if tracer:
        tracer.wait()
        tracer.stderr.close()
    status = os.waitstatus_to_exitcode(status)
    _import(request.get("modules", ""))
    return {"pid": child, "status": status, "late": late}


def _end_after(seconds: int, children: list[int]) -> None:
    """Kill the children that have not ended after so many seconds."""

    def end(*_: object) -> None:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)


def _trace(child: int, request: dict) -> subprocess.Popen:
    """Attach strace to the child, and wait until it is attached."""
    inject = shlex.split(request.get("inject", ""))
    command = [
        "strace", "-p", str(child), "-y", "-s", "0", "-o", request["log"],
        f"--trace={CALLS}", *inject,
    ]  # fmt: skip
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, env={"PATH": os.defpath})
    said = tracer.stderr.readline()
    if b"attached" not in said:
        os.kill(child, signal.SIGKILL)
        raise SystemExit(f"strace: {said!r}")
    return tracer


def _be(request: dict, gate: int, is_ready: int) -> None:
    """Become the program, as soon as the other end of the pipe `gate` is closed."""
    with open(request["stdin"], "rb") as given, open(request["said"], "wb") as said:
        os.dup2(given.fileno(), 0)
        os.dup2(said.fileno(), 1)
    with open(request["complained"], "wb") as said:
        os.dup2(said.fileno(), 2)
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(0o022)
    known = set(sys.modules)
    end = os._exit
    if modules := request.get("modules"):

        def told_end(status: int) -> None:
            with open(modules, "w", encoding="utf-8") as file:
                file.write("\n".join(name for name in sys.modules if name not in known))
            end(status)

        os._exit = told_end
    sys.argv = [request["program"], *request["argv"]]
    os.close(is_ready)
    os.read(gate, 1)
    os.close(gate)
    status = 0
    try:
        _run(request["program"])
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else bool(error.code)
    except BaseException:  # noqa: BLE001 - as Python's own end does
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 120
    os._exit(status)


def _run(program: str) -> None:
    name, _, launched = program.partition(" ")
    module = name.replace("-", "_")
    if module == "dockcred":
        importlib.import_module("dockcred.commands").main()
    elif launched:
        from dockcred.system import process

        process.run(module, name.removeprefix("docker-credential-"))
    else:
        importlib.import_module(module).main()


def _import(path: str) -> None:
    """Import what a program has imported, so that the next program starts fast."""
    if not path or not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        names = file.read().split()
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


if __name__ == "__main__":
    main()
