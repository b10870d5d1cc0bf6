"""Mint a credential, or ask a keychain, in a child process.

An SDK reads the process's variables, and the watchdog ends the process when the time
is over. Both are right for a program of ours, and wrong for one that embeds dockcred.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from dockcred import errors, wiring
from dockcred.credential import Credential, ServerURL
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    IssueError,
    MissingIdentityError,
    TimedOutError,
    WireError,
)
from dockcred.system import log, process, spawn
from dockcred.system.environment import current
from dockcred.system.process import harden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.protocol import Store
    from dockcred.system.environment import Environment

_CODE = (
    "import sys; sys.path[:] = sys.argv[1:]; import dockcred.api.worker as m; m.main()"
)
_SPARE_S = 0.5


def mint(
    server: ServerURL, names: tuple[str, ...], environment: Environment, deadline: float
) -> Credential:
    """Return what a child mints from one of these providers, or any without names."""
    return _ask({"server": server.raw, "names": names}, environment, deadline)


def fetch(
    server: ServerURL, store: str, environment: Environment, deadline: float
) -> Credential:
    """Return what a child finds in a keychain: the named one, else the configured."""
    return _ask({"server": server.raw, "store": store}, environment, deadline)


def _ask(
    request: dict[str, Any], environment: Environment, deadline: float
) -> Credential:
    """Start the child; end it, and its children, when the time is over.

    `deadline` is on time.monotonic(). The child has the same limit, and says during
    which step it was reached; _SPARE_S seconds later the child is killed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOutError(
            "the time ran out before anybody was asked", "raise timeout_s"
        )
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _CODE, *filter(os.path.isabs, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if log.is_on() else subprocess.DEVNULL,
        env=environment.set_values(),
        cwd="/",
        # Its own group, so that an `az` or credential_process ends with it.
        start_new_session=True,
    ) as child:
        try:
            answer, _ = child.communicate(
                json.dumps(
                    request
                    | {"seconds": left, "is_heard": log.is_on()}
                    | {"counts_as": process.meter.program if process.meter else ""}
                ).encode(),
                left + _SPARE_S,
            )
        except subprocess.TimeoutExpired:
            raise TimedOutError(
                f"gave up after {left:.3g} s", "raise timeout_s"
            ) from None
        finally:
            # A refresh in the background has its own session, and goes on.
            if child.poll() is None:
                spawn.end_session(child.pid)
    return _read(answer)


def _read(answer: bytes) -> Credential:
    try:
        found = json.loads(answer)
    except ValueError:
        raise IssueError(
            "the process that mints ended without an answer",
            "see whether sys.executable is this Python and can import dockcred",
        ) from None
    if (counted := found.pop("counted", None)) and process.meter:
        process.meter.add(((name, labels), by) for (name, labels), by in counted)
    if kind := found.get("error"):
        known = getattr(errors, kind)
        if not issubclass(known, WireError):
            raise known(*found["said"])
        why = found["because"]
        raise known() from (MissingIdentityError(*why) if why else None)
    credential = Credential(**found)
    if not credential.username and not credential.secret:
        # An empty answer (on_miss = "empty") is for Nomad; an exception is clearer.
        raise CredentialsNotFoundError
    return credential


def main() -> None:
    """Run as the child: read the request from stdin, print the answer as JSON."""
    harden()
    request = json.load(sys.stdin)
    variables = current()
    if request["is_heard"]:
        log.listen(variables.get("DOCKCRED_LOG"))
    if request["counts_as"]:
        from dockcred.system.metrics import Meter  # noqa: PLC0415 - for those who ask

        process.meter = Meter(request["counts_as"])
    process.start(
        request["seconds"],
        lambda cause: _say({"error": "TimedOutError", "said": [cause]}),
    )
    try:
        store = _open(request, variables)
        found = store.get(ServerURL.parse(request["server"]))
    except DockcredError as error:
        why = error.__cause__
        is_told = isinstance(why, (MissingIdentityError, IssueError))
        because = list(why.args) if why and is_told else []
        said = [error.cause, error.remedy]
        _fail({"error": _public(error), "said": said, "because": because})
    except Exception as error:  # noqa: BLE001 - its text may hold a secret
        _fail({"error": "IssueError", "said": [errors.unforeseen(error)]})
    else:
        _say({name: getattr(found, name) for name in Credential.__slots__})
        store.after_answer()


def _open(request: dict[str, Any], variables: Environment) -> Store:
    if "names" in request:
        return wiring.identities(variables, request["names"])
    if name := request["store"]:
        return wiring.keychain_store(name, variables)
    return wiring.fallback_store(variables)


def _fail(answer: dict[str, Any]) -> None:
    """Write the failure; after the deadline, let the watchdog write its own first."""
    if process.remaining_s() <= 0:
        time.sleep(_SPARE_S)
    _say(answer)


def _say(answer: dict[str, Any]) -> None:
    if process.meter:
        answer = answer | {"counted": list(process.meter.take().items())}
    os.write(1, json.dumps(answer).encode())


def _public(error: DockcredError) -> str:
    """Return the name of the nearest class in errors: a provider may have its own."""
    return next(
        kind.__name__
        for kind in type(error).__mro__
        if kind.__module__ == errors.__name__
    )
