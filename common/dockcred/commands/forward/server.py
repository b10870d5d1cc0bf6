"""The near side of `dockcred forward`: who may ask, for what, and what is logged of it.

A request holds no secret, except for `store`. So whoever repeats a request of others
gets only what he could ask for himself. An answer is sent to him, and never logged.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dockcred.api import resolve
from dockcred.clients.reference import HUB_NAMES, Reference
from dockcred.commands.console import moment
from dockcred.commands.forward import wire
from dockcred.credential import MAX_BYTES, MAX_STORE_BYTES, Credential, ServerURL
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    InvalidInputError,
    unforeseen,
)
from dockcred.system import child_program
from dockcred.transport import json_reader

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from dockcred.identity.config.load import Pattern
    from dockcred.system.environment import Environment

AT_ONCE = 256
"""How many connections are served at the same time; others wait in the kernel."""
WORKERS = 16
READ_S = 5.0
WRITE_S = 5.0
WRITING = frozenset({"store", "erase"})


@dataclass(frozen=True)
class ForwardOptions:
    """What may be asked, by which users, and whether a person must agree first.

    `confirm` asks a person whether a request may be answered; None asks nobody.
    `timeout_s` is how long an answer may take, in seconds.
    """

    allowed: tuple[Pattern, ...]
    users: frozenset[int]
    store: bool
    confirm: Callable[[str], bool] | None
    helper: str
    timeout_s: float


class NotForwardedError(DockcredError):
    """A request that is not allowed; the far side must not take it for a miss."""


class Forward:
    """Answers the requests on one socket, until its task is cancelled."""

    def __init__(
        self,
        options: ForwardOptions,
        variables: Environment,
        tell: Callable[[str], None],
    ) -> None:
        """Keep what is allowed; `tell` is called with one log line for each request."""
        self._options = options
        self._variables = variables
        self._tell = tell
        self._workers = ThreadPoolExecutor(WORKERS)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._person = asyncio.Lock()
        # In bytes: many endless requests must not fill the memory.
        self._limit = MAX_STORE_BYTES if options.store else 2 * MAX_BYTES

    async def serve(self, listening: socket.socket) -> None:
        """Serve every connection; this ends only by being cancelled."""
        loop = asyncio.get_running_loop()
        listening.setblocking(False)
        async with asyncio.TaskGroup() as attended:
            while True:
                await self._room.acquire()
                try:
                    connection, _ = await loop.sock_accept(listening)
                except OSError:  # out of file descriptors: open connections end soon
                    self._room.release()
                    await asyncio.sleep(0.05)
                    continue
                attended.create_task(self._attend(connection))

    async def _attend(self, connection: socket.socket) -> None:
        """Serve one connection and close it; its errors do not end the others."""
        try:
            connection.setblocking(False)
            with suppress(OSError, TimeoutError):
                await self._converse(connection)
        finally:
            connection.close()
            self._room.release()

    async def _converse(self, connection: socket.socket) -> None:
        who, user = wire.peer(connection)
        asked, said = "a request", ""
        try:
            async with asyncio.timeout(READ_S):
                line = await wire.line(connection, self._limit)
            self._require_user(user)
            request = wire.read(line)
            asked = f"{request['Verb']} {request.get('ServerURL', '')}".rstrip()
            answer, said = await self._answer(connection, request, f"{asked} for {who}")
        except ConnectionError:
            answer, said = {}, "gone before it was answered"
        except TimeoutError:
            answer, said = {}, f"refused: no request within {READ_S:g} s"
        except NotForwardedError as error:
            answer, said = wire.failure("refused", error), f"refused: {error.cause}"
        except CredentialsNotFoundError:
            answer, said = {"Answer": "miss"}, "nothing is kept or configured for it"
        except DockcredError as error:
            answer, said = wire.failure("failed", error), f"failed: {error}"
        except Exception as error:  # noqa: BLE001 - no traceback reaches a user
            told = InvalidInputError(unforeseen(error))
            answer, said = wire.failure("failed", told), f"failed: {told}"
        self._tell(f"{asked} for {who}: {said}")
        if answer:
            async with asyncio.timeout(WRITE_S):
                await wire.send(connection, answer)

    async def _answer(
        self, connection: socket.socket, request: Mapping[str, str], asked: str
    ) -> tuple[dict[str, Any], str]:
        """Return the answer to send, and the text to log; raise DockcredError else."""
        verb = request["Verb"]
        if verb in WRITING and not self._options.store:
            raise NotForwardedError(
                f"{verb} is not forwarded",
                "log in on the machine where dockcred forward runs, or start it there"
                " with --allow-store",
            )
        if verb != "list":
            self._require(ServerURL.parse(request["ServerURL"]))
        if self._options.confirm:
            await wire.send(connection, {"Answer": "wait"})
            async with self._person:
                yes = await self._run(self._options.confirm, asked)
            if not yes:
                raise NotForwardedError(
                    "the person at dockcred forward said no", "ask again"
                )
        done: tuple[dict[str, Any], str] = await self._run(self._work, request)
        return done

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, function, *arguments)

    def _require_user(self, user: int) -> None:
        if user not in self._options.users:
            raise NotForwardedError(
                f"this dockcred forward does not answer user {user}",
                "have it started by that user, or with --for-user",
            )

    def _require(self, server: ServerURL) -> None:
        if not self._is_allowed(server):
            name = f"{server.host}:{server.port}" if server.port else server.host
            raise NotForwardedError(
                f"{server.place} is not forwarded to here",
                "on the machine where dockcred forward runs, start it with: --allow"
                f" {name}",
            )

    def _is_allowed(self, server: ServerURL) -> bool:
        named = [server]
        if server.host in HUB_NAMES:
            named = [ServerURL.parse(host) for host in sorted(HUB_NAMES)]
        return any(
            pattern.matches(each) for pattern in self._options.allowed for each in named
        )

    def _work(self, request: Mapping[str, str]) -> tuple[dict[str, Any], str]:
        """Carry out an allowed request; this runs in a thread of its own."""
        verb = request["Verb"]
        if verb == "get":
            return self._get(request["ServerURL"])
        if verb == "list":
            listed = self._object(self._helper("list", ""))
            servers = {key: user for key, user in listed.items() if self._may_list(key)}
            word = "registry" if len(servers) == 1 else "registries"
            return {"Answer": "list", "Servers": servers}, f"{len(servers)} {word}"
        text = request["ServerURL"]
        if verb == "store":
            fields = {name: request[name] for name in wire.FIELDS["store"] - {"Verb"}}
            text = wire.written(fields).decode()
        self._helper(verb, text)
        return {"Answer": "done"}, "done"

    def _get(self, asked: str) -> tuple[dict[str, Any], str]:
        server = ServerURL.parse(asked)
        if server.scheme == "http" or Reference(asked).server.host != server.host:
            # `resolve` reads an image's name, and would take it for another registry.
            fields = self._object(self._helper("get", asked))
            found = Credential(fields["Username"], fields["Secret"])
        else:
            found = resolve.resolve(
                asked,
                timeout_s=self._options.timeout_s,
                environment=self._variables.set_values(),
            )
        if not found.username and not found.secret:
            raise CredentialsNotFoundError  # the miss, with on_miss = "empty" here
        answer = {
            "Answer": "credential",
            "Username": found.username,
            "Secret": found.secret,
        }
        said = f"answered as {found.username}"
        if found.expires_at is not None:
            answer["ExpiresIn"] = str(max(0, int(found.expires_at - time.time())))
            said += f", until {moment(found.expires_at)}"
        return answer, said

    @staticmethod
    def _object(text: str) -> dict[str, str]:
        """Return the JSON object that our own helper has written."""
        found: dict[str, str] = json_reader.loads(text.encode())
        return found

    def _may_list(self, key: str) -> bool:
        try:
            return self._is_allowed(ServerURL.parse(key))
        except DockcredError:
            return False

    def _helper(self, verb: str, text: str) -> str:
        """Run our own helper, as docker on this machine would; return its answer."""
        done = child_program.ask(
            [self._options.helper, verb],
            self._variables.set_values(),
            timeout_s=self._options.timeout_s,
            text=text.encode(),
        )
        if done.status:
            said = done.output.strip()
            if said == CredentialsNotFoundError.sentence:
                raise CredentialsNotFoundError
            raise InvalidInputError(
                f"{verb} failed there: {said[:500]}",
                "see that machine: dockcred doctor",
            )
        return done.output
