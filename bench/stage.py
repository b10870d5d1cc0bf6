"""Set up what one row needs: a cloud or a keychain, caches, and two contestants."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import keychains, world
from bench.contest import Contest, Contestant, Invalid, RowResult
from bench.desk import Desk, crowd
from bench.ours import Ours
from bench.peers import PEERS, SYSTEM_PATH, Peer, secret
from bench.report import Result
from bench.rows import SILENCE, Row
from dockcred.testing.sandbox import Sandbox

# Variables with these prefixes send programs to the sandbox. They are left out here,
# where the real host names lead to it.
_WAY = ("HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
        "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST", "GCE_METADATA_")  # fmt: skip
FEW = 10
_EARLIER = "earlier"


class Stage:
    """Plays rows, one after the other."""

    def __init__(
        self, ours: Ours, cache: Path, share: float, earlier: Ours | None = None
    ) -> None:
        self._ours = ours
        self._earlier = earlier
        self._cache = cache
        self._share = share
        self._identities = Sandbox().identities

    def play(self, row: Row) -> Result:
        """Run a row's contest; if it is not possible, the result says why."""
        program = self._ours.program(row.ours)
        if program is None:
            return Result(row, why=f"not built: {row.ours} is no program of ours yet")
        argv = (str(program), "get")
        if not row.theirs:
            return self._result(row, lambda: self._against_itself(row, argv))
        peer = self._peer(row)
        command = peer.command(self._cache / "bin", self._ours.python)
        if command is None:
            return Result(row, why=f"missing: {peer.argv[0]} is not on this machine")
        kind, _, store = row.identity.partition(":")
        if kind == "keychain":
            return self._result(
                row, lambda: self._from_store(row, store, argv, command)
            )
        if row.identity == SILENCE:
            return self._result(row, lambda: self._in_silence(row, argv, command))
        if row.identity not in self._identities:
            return Result(row, why=f"not built: the sandbox has no {row.identity}")
        return self._result(row, lambda: self._in_the_cloud(row, argv, command))

    def _peer(self, row: Row) -> Peer:
        if self._earlier is None:
            return PEERS[row.theirs]
        program = self._earlier.program(row.ours) or row.ours
        own = {"DOCKCRED_CACHE_DIR": f"{{HOME}}/{_EARLIER}"}
        return Peer("earlier", (str(program), "get"), variables=own)

    def _result(self, row: Row, contest: Callable[[], RowResult]) -> Result:
        try:
            return Result(row, contest())
        except Invalid as error:
            return Result(row, why=f"invalid: {error}")

    def _contest(self, row: Row, ours: Contestant, theirs: Contestant) -> RowResult:
        rounds = max(4, round(row.rounds * self._share))
        contest = Contest(self._cache / "stopwatch", at_once=row.at_once)
        return contest.run(ours, theirs, row.host, rounds, peak=row.peak)

    def _in_the_cloud(
        self, row: Row, argv: tuple[str, ...], command: tuple[str, ...]
    ) -> RowResult:
        with world.sandbox(row.api_ms, row.metadata_ms) as cloud:
            environment = _environment(cloud, row.identity)
            home = Path(environment["HOME"])
            desk = Desk(cloud, row)
            names = (".cache/dockcred", ".ecr", _EARLIER) if row.cold else ()
            caches = [home / name for name in names]
            before = desk.emptier(caches)
            ours = Contestant(
                argv, environment, desk.checker(secret), before, desk.count_ours
            )
            peer = self._peer(row)
            others = peer.environment(environment)
            peer.log_in(command[0], others)
            theirs = Contestant(
                command,
                others,
                desk.checker(peer.read),
                before,
            )
            return self._contest(row, ours, theirs)

    def _in_silence(
        self, row: Row, argv: tuple[str, ...], command: tuple[str, ...]
    ) -> RowResult:
        """Compare gets without any identity, where the metadata service is silent."""

        def check(answer: str) -> None:
            if "Secret" in answer:
                raise Invalid("somebody was found where nobody is")

        with tempfile.TemporaryDirectory() as home, world.silence():
            environment = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": home}

            def forget() -> None:
                shutil.rmtree(Path(home, ".cache"), ignore_errors=True)

            before = forget if row.cold else lambda: None
            ours, theirs = (
                Contestant(each, environment, check, before, finds=False)
                for each in (argv, command)
            )
            return self._contest(row, ours, theirs)

    def _against_itself(self, row: Row, argv: tuple[str, ...]) -> RowResult:
        """Compare a cache with `row.entries` entries with one that has FEW."""
        with world.sandbox(row.api_ms, row.metadata_ms) as cloud:
            environment = _environment(cloud, row.identity)
            desk = Desk(cloud, row)
            check, before = desk.checker(secret), desk.emptier(())
            pair = []
            for entries in (row.entries, FEW):
                cache = cloud.home / f"{entries}-entries"
                mine = environment | {"DOCKCRED_CACHE_DIR": str(cache)}
                filling = Contestant(argv, mine, check, before)
                self._contest(dataclasses.replace(row, rounds=2), filling, filling)
                crowd(cache, row.host, entries)
                pair.append(dataclasses.replace(filling, after=desk.count_ours))
            return self._contest(row, *pair)

    def _from_store(
        self, row: Row, store: str, argv: tuple[str, ...], command: tuple[str, ...]
    ) -> RowResult:
        def check(answer: str) -> None:
            if secret(answer) != keychains.SECRET:
                raise Invalid("an answer is not what was stored")

        opened = keychains.open_store(store, command[0], row.host, SYSTEM_PATH)
        with opened as environment:
            both = (Contestant(each, environment, check) for each in (argv, command))
            return self._contest(row, *both)


def _environment(cloud: Sandbox, identity: str) -> dict[str, str]:
    """Return an identity's variables, for a cloud under its real host names."""
    base = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}
    variables = cloud.environment(identity, inherit=base)
    return {
        name: value for name, value in variables.items()
        if not name.upper().startswith(_WAY)
    }  # fmt: skip
