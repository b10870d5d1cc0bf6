"""Docker's credential-helper protocol: store, get, erase, list and version.

    serve    runs a whole process: argv, streams and exit status
    answer   runs one verb on one store: bytes in, bytes out

Only this module touches argv, stdin, stdout and stderr on the path of a `get`.
"""

from __future__ import annotations

import os
import sys

from dockcred.credential import MAX_BYTES, MAX_STORE_BYTES, ServerURL, json_line
from dockcred.errors import DockcredError, TimedOutError, WireError, unforeseen
from dockcred.system import environment, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn, Protocol

    from dockcred.credential import Credential
    from dockcred.stores.forwarded import Forwarded

    Answer = tuple[str, int] | Callable[[list[str]], tuple[str, int]]

    class Store(Protocol):
        """The source of a helper's answers."""

        def get(self, server: ServerURL) -> Credential:
            """Return the credential; raise CredentialsNotFoundError if none."""

        def store(self, server: ServerURL, credential: Credential) -> str | None:
            """Write the credential; return a notice for stderr, or None."""

        def erase(self, server: ServerURL) -> None:
            """Remove the credential; it is no error if there is none."""

        def list(self) -> dict[str, str]:
            """Return user names by server; without secrets, and without the network."""

        def after_answer(self) -> None:
            """Do the work that the client need not wait for."""

    class Plugin(Protocol):
        """The answers to kubelet, which has its own protocol."""

        def answer(self, arguments: list[str], text: bytes) -> bytes:
            """Return the response to a request; raise DockcredError if that fails."""


USAGE = "Usage: {} <store|get|erase|list|version>"
VERBS = frozenset({"store", "get", "erase", "list"})
PLUGIN = "dockcred-credential-provider"
# Kubelet waits a minute. A node that is throttled at boot needs this time.
PLUGIN_TIMEOUT_S = 45.0


def serve(
    program: str,
    open_store: Callable[[], Store],
    more: Mapping[str, Answer] | None = None,
    open_plugin: Callable[[], Plugin] | None = None,
) -> NoReturn:
    """Run the verb in argv and end the process with 0 or 1.

    `more` has further verbs, those of the helper that this program replaces. Each has
    the line and the status of its answer, or a function that returns them for the
    arguments that follow. A program with a plugin also answers kubelet, and clients
    that pass no verb.
    Ends by os._exit: finalising the interpreter is 5 M of 21 M instructions
    (performance.md B1), and every stream here is unbuffered.
    """
    status = 1
    process.program = program
    try:
        process.harden()
        status = _run(program, sys.argv[1:], open_store, more or {}, open_plugin)
    except KeyboardInterrupt:
        process.end_children()
        _fail(program, "interrupted")
    except OSError:
        # The client has gone, or stdout is a full disk: nobody can be told.
        status = 1
    finally:
        os._exit(status)


def _run(
    program: str,
    arguments: list[str],
    open_store: Callable[[], Store],
    more: Mapping[str, Answer],
    open_plugin: Callable[[], Plugin] | None,
) -> int:
    if arguments and arguments[0] in more:
        found = more[arguments[0]]
        text, status = found(arguments[1:]) if callable(found) else found
        return _fail(program, text) if status else _say(text, 0)
    verb = arguments[0] if len(arguments) == 1 else ""
    if verb in {"-h", "--help"}:
        return _say(USAGE.format(program), 0)
    if verb in {"-v", "--version", "version"}:
        from dockcred.system.version import __version__  # noqa: PLC0415 - not for a get

        return _say(f"{program} (dockcred) v{__version__}", 0)
    if verb not in VERBS and not _reads_unasked(program, arguments, open_plugin):
        if len(arguments) != 1:
            return _say(USAGE.format(program), 1)
        return _say(f"{program}: unknown action: {verb}", 1)
    fail = _fail if verb in VERBS else _tell_kubelet
    variables = environment.current()
    opened: list[Store] = []

    def store() -> Store:
        """Open the store on first use, after the request was read."""
        if not opened:
            opened.append(forwarded(variables) or open_store())
        return opened[0]

    try:
        if level := variables.get("DOCKCRED_LOG"):
            from dockcred.system import log  # noqa: PLC0415 - for those who ask

            log.listen(level)
        process.count_for(variables.get("DOCKCRED_METRICS"))
        seconds, problem = _time_limit(program, variables)
        process.start(
            seconds,
            lambda cause: _counted("", fail(program, cause), TimedOutError(cause)),
            is_extensible=not variables.get("DOCKCRED_TIMEOUT"),
        )
        request = _stdin(verb)
        if verb not in VERBS:
            if not request.strip():
                return _say(USAGE.format(program), 1)
            if not arguments and not _is_object(request):
                verb, fail = "get", _fail
                if level:
                    from dockcred.system import log  # noqa: PLC0415 - as above

                    # nomad-driver-podman reads stdout and stderr as one answer.
                    log.listen("")
        if problem is not None:
            return fail(program, str(problem))
        if verb in VERBS or open_plugin is None:
            output, notice = answer(verb, store, request)
        else:
            output, notice = open_plugin().answer(arguments, request), None
    except WireError as error:
        if verb == "get":
            from dockcred.protocol import wire  # noqa: PLC0415 - a miss only

            if hint := wire.hint_at_miss(error):
                _complain(program, hint)
        return _counted(verb, _say(error.sentence, 1), error)
    except DockcredError as error:
        return _counted(verb, fail(program, str(error)), error)
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user
        return _counted(verb, fail(program, unforeseen(error)), error)
    if notice:
        _write(2, _message_line(f"{program}: {notice}"))
    if output:
        _write(1, output)
    _counted(verb, 0, output)
    for answered in opened:
        answered.after_answer()
    return 0


def _counted(verb: str, status: int, outcome: Exception | bytes) -> int:
    """Return the status; count how the request ended, if metrics are on."""
    if process.meter and verb not in {"store", "erase", "list"}:
        process.meter.got(outcome)
        process.end_soon(status)
        process.meter.write()
    return status


def forwarded(variables: environment.Environment) -> Forwarded | None:
    """Return the store that asks another machine; None without DOCKCRED_FORWARD."""
    if not variables.get("DOCKCRED_FORWARD"):
        return None
    from dockcred.stores.forwarded import Forwarded  # noqa: PLC0415 - not for a hit here

    return Forwarded(variables)


def _reads_unasked(
    program: str, arguments: list[str], open_plugin: Callable[[], Plugin] | None
) -> bool:
    """Return whether stdin has the request, without a verb, and is no terminal."""
    taken = not arguments or program == PLUGIN
    return open_plugin is not None and taken and not os.isatty(0)


def _is_object(request: bytes) -> bool:
    """Return whether the request is kubelet's JSON, not a bare host.

    nomad-driver-podman sends a bare host: it passes "get" as the program's name
    (argv[0]), and no argument at all (registry/credshelper.go).
    """
    return request.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def _time_limit(
    program: str, variables: environment.Environment
) -> tuple[float, DockcredError | None]:
    """Return the call's limit in seconds, and an error to show after reading stdin."""
    default_s = PLUGIN_TIMEOUT_S if program == PLUGIN else environment.DEFAULT_TIMEOUT_S
    try:
        return environment.timeout_s(variables, default_s), None
    except DockcredError as error:
        return default_s, error


def answer(
    verb: str, store: Callable[[], Store], text: bytes
) -> tuple[bytes, str | None]:
    """Run one verb; return what goes to stdout and what, if anything, to stderr."""
    if verb == "list":
        listed = store().list()
        return json_line(dict(sorted(listed.items()))), None
    if verb == "store":
        from dockcred.protocol import wire  # noqa: PLC0415 - for `store` only

        server, credential = wire.parse_store(text)
        return b"", store().store(server, credential)
    server = ServerURL.parse(text)
    if verb == "erase":
        store().erase(server)
        return b"", None
    return credential_line(server, store().get(server)), None


def _stdin(verb: str) -> bytes:
    """Read the request; `list` has none and must not wait for one."""
    if verb == "list":
        return b""
    process.set_activity("reading the request from stdin, which was not closed")
    return read_all(0, MAX_BYTES if verb in {"get", "erase"} else MAX_STORE_BYTES)


def read_all(descriptor: int, limit: int) -> bytes:
    """Read to the end, whatever the length; return at most `limit` + 1 bytes.

    Clients take a closed pipe for a failure (Rust's docker_credential, Jib). So a
    request that is too long is read too, before it is refused.
    """
    kept = b""
    while chunk := os.read(descriptor, 65536):
        if len(kept) <= limit:
            kept += chunk
    return kept[: limit + 1]


def credential_line(server: ServerURL, credential: Credential) -> bytes:
    """Return the answer of `get`: a JSON object with the server URL as it came."""
    return json_line(
        {
            "ServerURL": server.raw,
            "Username": credential.username,
            "Secret": credential.secret,
        }
    )


def _say(text: str, status: int) -> int:
    _write(1, _message_line(text))
    return status


def _fail(program: str, text: str) -> int:
    """Write a failure for clients that show stdout and for those that show stderr."""
    _complain(program, text)
    return _say(text, 1)


def _complain(program: str, text: str) -> None:
    _write(2, _message_line(f"{program}: {text}"))


def _tell_kubelet(program: str, text: str) -> int:
    """Write to stderr, which kubelet quotes in one line; stdout is for answers."""
    line = _message_line(f"{program}: {text}")
    _write(2, line if os.isatty(2) else line[:-1])
    return 1


def _message_line(text: str) -> bytes:
    from dockcred.protocol import wire  # noqa: PLC0415 - not for a get

    return wire.message_line(text)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
