"""Start a program, or forks of us, and read what they write, without subprocess.

os.posix_spawn, pipes and select.poll do for a `get` what subprocess does, and save
33 of the 70 M instructions that a `get` from `pass` took. `by_subprocess` does the
same where there is no posix_spawn (Windows) or it starts no session (old C libraries).
"""

from __future__ import annotations

import os
import time

from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Ended = tuple[int, bytes, bytes]

MAX_OUTPUT_BYTES = 8 * 1024 * 1024
_CHUNK = 65536
_KILL = 9
# SIGPIPE and SIGXFSZ, which Python ignores and a program must not: importing signal
# for their names costs 15 M instructions.
_NOT_IGNORED = (13, 25)


def run(
    command: list[str],
    variables: dict[str, str],
    timeout_s: float,
    text: bytes,
    asks_person: bytes = b"",
) -> Ended:
    """Run a program with a text on stdin; return status, stdout and stderr.

    If the time is over and `asks_person` is in stderr, a person is typing, and gets
    process.person_s more. Raises OSError if the program does not start, TimeoutError if
    it takes too long. The rest of its session is killed in any case.
    """
    if not hasattr(os, "posix_spawn") or not os.path.isdir("/dev/fd"):
        return by_subprocess(command, variables, timeout_s, text)
    deadline = time.monotonic() + timeout_s
    (stdin, ours), (output, stdout), (errors, stderr) = os.pipe(), os.pipe(), os.pipe()
    try:
        child = _start(command, variables, (stdin, stdout, stderr))
    except NotImplementedError:
        _close(ours, output, errors)
        return by_subprocess(command, variables, timeout_s, text)
    except OSError:
        _close(ours, output, errors)
        raise
    finally:
        _close(stdin, stdout, stderr)
    try:
        _feed(ours, text)
        kept, reading, deadline = _read((output, errors), deadline, asks_person)
        if reading:
            raise TimeoutError
        return _status(child, deadline), kept[output], kept[errors]
    finally:
        _end(child)
        _close(output, errors)


def _start(
    command: list[str], variables: dict[str, str], streams: tuple[int, int, int]
) -> int:
    """Start a program in / with three descriptors and no other; return its pid."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2:  # noqa: PLR2004 - the standard ones
            _keep(int(name))
    # O_PATH needs no right to read; later, relative paths must start here again.
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir("/")
        return os.posix_spawn(
            command[0],
            command,
            variables,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stream, number)
                for number, stream in enumerate(streams)
            ],
            setsid=True,
            setsigdef=_NOT_IGNORED,
        )
    finally:
        os.fchdir(here)
        os.close(here)


def _keep(descriptor: int) -> None:
    """Hide an inherited descriptor from child programs; it may be closed by now."""
    try:
        os.set_inheritable(descriptor, False)
    except OSError:
        return


def _feed(descriptor: int, text: bytes) -> None:
    """Write the text in a thread, since the program may not read it all; then close."""
    if not text:
        os.close(descriptor)
        return

    def write() -> None:
        left = text
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError:
            return  # the program has closed its stdin
        finally:
            os.close(descriptor)

    import _thread  # noqa: PLC0415 - as the watchdog's

    _thread.start_new_thread(write, ())


def _read(
    descriptors: tuple[int, ...], deadline: float, asks_person: bytes = b""
) -> tuple[dict[int, bytes], set[int], float]:
    """Read streams to their ends or until the deadline; keep the start of each.

    Return the texts, the streams that have not ended, and the deadline. That is later
    if the last stream, stderr, has asked a person, who then got time to type.
    """
    import select  # noqa: PLC0415 - while the program starts

    kept = {descriptor: bytearray() for descriptor in descriptors}
    streams = select.poll()
    for descriptor in kept:
        streams.register(descriptor, select.POLLIN)
    reading = set(kept)
    while reading:
        ready = streams.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            is_typing = asks_person and asks_person in kept[descriptors[-1]]
            asks_person = b""  # a person gets more time only once
            if not is_typing or not (more_s := process.person_s()):
                break
            deadline = time.monotonic() + more_s
            continue
        for descriptor, _ in ready:
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                streams.unregister(descriptor)
                reading.remove(descriptor)
            elif len(kept[descriptor]) < MAX_OUTPUT_BYTES:
                kept[descriptor] += chunk
    return {each: bytes(data) for each, data in kept.items()}, reading, deadline


def _status(child: int, deadline: float) -> int:
    """Return the exit status of a child that has closed its streams; wait for it."""
    pause = 0.0001
    while True:
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            raise TimeoutError
        time.sleep(pause)
        pause = min(2 * pause, 0.02)


def _end(child: int) -> None:
    """Kill what is left of a child's session, and reap the child if not yet done."""
    end_session(child)
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return


def end_session(leader: int) -> None:
    """Kill all processes of a session, by the pid of its leader.

    Windows has no sessions: there the leader must still run, or another process may
    have its pid.
    """
    if not hasattr(os, "killpg"):
        process.end_children(of=leader)
        return
    try:
        os.killpg(leader, _KILL)
    except OSError:
        return


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def by_subprocess(
    command: list[str], variables: dict[str, str], timeout_s: float, text: bytes
) -> Ended:
    """Do what `run` does with the subprocess module."""
    import subprocess  # noqa: PLC0415 - see above

    if os.altsep:  # cmd.exe, which runs a .cmd, takes a slash for an option
        command = [command[0].replace(os.altsep, os.sep), *command[1:]]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables,
        cwd="/",
        start_new_session=True,
    ) as child:
        try:
            output, errors = child.communicate(text, timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            if hasattr(os, "killpg") or child.poll() is None:
                end_session(child.pid)
    return child.returncode, output[:MAX_OUTPUT_BYTES], errors[:MAX_OUTPUT_BYTES]


_REAPED_S = 0.2
_WHOLE = b"\n"
"""Ends each answer of a fork: one without it was cut off."""


def ask_forks(
    questions: list[Callable[[], bytes]], limit_s: float
) -> Callable[[], list[bytes]]:
    """Call each question in a fork; return a function that waits for the answers.

    Answers are in order. The forks run while the caller does other things. The answer
    is b"" if a question raises, ends or takes longer than `limit_s` seconds. The forks
    end with the waiting, and with this process, however it ends.
    """
    if not hasattr(os, "fork"):
        return lambda: [question() for question in questions]
    deadline = time.monotonic() + limit_s
    watched, life = os.pipe()
    running = [_fork(question, watched, life, limit_s) for question in questions]
    os.close(watched)

    def wait() -> list[bytes]:
        kept, reading, _ = _read(tuple(each for each, _ in running), deadline)
        os.close(life)
        for descriptor, child in running:
            os.close(descriptor)
            try:
                if child:
                    _status(child, time.monotonic() + _REAPED_S)
            except (TimeoutError, ChildProcessError):
                continue  # it ends soon, or is not ours to wait for
        texts = (b"" if each in reading else kept[each] for each, _ in running)
        return [text[:-1] if text.endswith(_WHOLE) else b"" for text in texts]

    return wait


def _fork(
    question: Callable[[], bytes], watched: int, life: int, limit_s: float
) -> tuple[int, int]:
    """Return the descriptor of the answer, and the fork's pid, 0 if none could start.

    `watched` is one end of a pipe; only this process has the other end, `life`.
    """
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:
        child = -1
    if child != 0:
        os.close(writing)
        return reading, max(child, 0)
    try:
        _close(reading, life)
        process.start(limit_s, lambda _: None)
        _end_with(watched)
        text = question() + _WHOLE
        while text:
            text = text[os.write(writing, text) :]
    finally:
        # The fork must not repeat the parent's work, nor write a traceback.
        os._exit(0)


def _end_with(watched: int) -> None:
    """End this process, and what it started, once the pipe's other end is closed."""

    def wait() -> None:
        os.read(watched, 1)
        process.end_children()
        os._exit(1)

    import _thread  # noqa: PLC0415 - as the watchdog's

    _thread.start_new_thread(wait, ())
