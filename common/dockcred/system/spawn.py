"""Start a program and read what it writes, without importing subprocess.

os.posix_spawn, pipes and select.poll do for a `get` what subprocess does, and spare
33 of the 70 M instructions that a `get` from `pass` took. `by_subprocess` does the
same where there is no posix_spawn (Windows) or it starts no session (old C libraries).
"""

from __future__ import annotations

import os
import time

from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    """Run to the end with a text on stdin: answer status, output and errors.

    Where the time is over and `asks_person` stands in the errors, a person is typing,
    and has process.person_s more. Raises OSError where it does not start, TimeoutError
    where it takes too long. What is left of its session is killed in any case.
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
        said, complained, deadline = _read(output, errors, deadline, asks_person)
        return _status(child, deadline), said, complained
    finally:
        _end(child)
        _close(output, errors)


def _start(
    command: list[str], variables: dict[str, str], streams: tuple[int, int, int]
) -> int:
    """Start it in / with three descriptors and no other; answer its number."""
    for name in os.listdir("/dev/fd"):
        if int(name) > 2:  # noqa: PLR2004 - the standard ones
            _keep(int(name))
    # By O_PATH also where we may not read; what is relative must lead there again.
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
    """Close for child programs what we inherited; the listing's own is closed."""
    try:
        os.set_inheritable(descriptor, False)
    except OSError:
        return


def _feed(descriptor: int, text: bytes) -> None:
    """Write the text and close; in a thread, since the program may not read it all."""
    if not text:
        os.close(descriptor)
        return

    def write() -> None:
        left = text
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError:
            return  # it did not want to know
        finally:
            os.close(descriptor)

    import _thread  # noqa: PLC0415 - as the watchdog's

    _thread.start_new_thread(write, ())


def _read(
    output: int, errors: int, deadline: float, asks_person: bytes
) -> tuple[bytes, bytes, float]:
    """Read both streams to their ends, keeping the start of each; return the deadline.

    That is another one where a person was waited for.
    """
    import select  # noqa: PLC0415 - while the program starts

    kept = {output: bytearray(), errors: bytearray()}
    streams = select.poll()
    for descriptor in kept:
        streams.register(descriptor, select.POLLIN)
    reading = set(kept)
    while reading:
        ready = streams.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            is_typing = asks_person and asks_person in kept[errors]
            asks_person = b""  # one person, one time
            if not is_typing or not (more_s := process.person_s()):
                raise TimeoutError
            deadline = time.monotonic() + more_s
            continue
        for descriptor, _ in ready:
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                streams.unregister(descriptor)
                reading.remove(descriptor)
            elif len(kept[descriptor]) < MAX_OUTPUT_BYTES:
                kept[descriptor] += chunk
    return bytes(kept[output]), bytes(kept[errors]), deadline


def _status(child: int, deadline: float) -> int:
    """Wait for what has closed its streams, as a rule by ending."""
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
    """Kill and reap it, unless that is done, with all that is left of its session."""
    _kill_session(child)
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return


def _kill_session(leader: int) -> None:
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
    """Run the same by the library."""
    import subprocess  # noqa: PLC0415 - see above

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
            child.kill()
            if os.name == "posix":
                _kill_session(child.pid)
    return child.returncode, output[:MAX_OUTPUT_BYTES], errors[:MAX_OUTPUT_BYTES]
