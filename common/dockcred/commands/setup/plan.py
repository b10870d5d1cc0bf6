"""Make one plan of what was found: steps, sources of registries, questions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from dockcred import system
from dockcred.clients import files
from dockcred.clients.containers import edit as containers_edit
from dockcred.clients.edit import WantedValue
from dockcred.commands import install, shape, shims
from dockcred.commands.configure.identity import config_path, serving
from dockcred.commands.setup import clouds
from dockcred.commands.setup.docker_files import DockerForm
from dockcred.commands.setup.served import HELPER, KEEPS_NOTHING, After
from dockcred.commands.setup.steps import FileEdit, Launchers, Move
from dockcred.errors import InvalidInputError

_MOST_ACCOUNTS = 6  # accounts that nobody named, but that are planned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockcred.commands.setup.logins import Clear
    from dockcred.commands.setup.steps import Step
    from dockcred.commands.setup.survey import Surroundings


_IDENTITIES = {shape.CACHED, shape.OVER, shape.CONFIGURED}
"""States in which an identity answers before the keychain."""


class Question(NamedTuple):
    """A question that only the user can answer; `default` is one of `choices`."""

    name: str
    text: str
    choices: tuple[str, ...]
    default: str


class Plan:
    """What setup will do on this machine; `answers` are by the question's name."""

    def __init__(
        self,
        machine: Surroundings,
        asked: tuple[str, ...],
        answers: Mapping[str, str] | None = None,
    ) -> None:
        """Make the plan; raise DockcredError if a file is in the way."""
        self._machine = machine
        self._answers = answers or {}
        self.steps: list[Step] = []
        self.questions: list[Question] = []
        self.notes: list[str] = []
        self.named = machine.named(asked)
        self.names = [*self.named, *machine.unnamed(self.named)]
        self._profiles: dict[str, str] = {}
        self._dead: list[str] = []
        self._install()
        self._write_config()
        moves = self._moves()
        typed = self._typed()
        pairs = [move.steps() for move in moves]
        self.steps += [copy for copy, _ in pairs]
        for client in machine.clients:
            if client == "podman":
                self._podman()
                continue
            file = os.path.realpath(machine.paths[client])
            self._docker(client, typed.get(file, []))
        self.steps += [remove for _, remove in pairs]
        dockers = typed.get(os.path.realpath(machine.paths["docker"]), [])
        after = After(machine, self._profiles, self._dead, dockers)
        self.registries = [after.served(name) for name in self.names]

    def document(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return {
            "here": self._machine.here(),
            "steps": [step.document() for step in self.steps],
            "registries": [each._asdict() for each in self.registries],
            "questions": [each._asdict() for each in self.questions],
            "notes": self.notes,
        }

    def _answer(self, name: str, text: str, *choices: str) -> str:
        """Return the answer to a question, or the first choice without an answer."""
        self.questions.append(Question(name, text, choices, choices[0]))
        return self._answers.get(name, choices[0])

    def _install(self) -> None:
        directory = shims.directory_on(self._machine.path)
        missing, foreign = install.missing(directory, self._machine.path)
        for path in foreign:
            self.notes.append(f"{path} is not ours, and stays")
            if os.path.basename(path) == files.PREFIX + HELPER:
                raise InvalidInputError(
                    f"{path} is there and is not ours", "move it away, then try again"
                )
        if missing:
            self.steps.append(Launchers(directory, missing))
        if missing or not system.RUNS_SCRIPTS:
            self.notes += shims.off_path(directory, self._machine.path)

    def _write_config(self) -> None:
        """Plan config.toml: keep the store, and give each AWS account a profile."""
        machine = self._machine
        wanted: list[WantedValue] = []
        whys = []
        store = machine.foreign_store
        if store and store == machine.store and store != machine.known.place():
            wanted.append(WantedValue(("store",), store))
            is_asked = bool(machine.known.clients.docker.text("credsStore"))
            whys.append(
                f"docker's logins are in {store}, and stay there"
                if is_asked
                else f"nothing of this Linux keeps logins, and Windows does ({store})"
            )
        for account in machine.aws_accounts:
            if profile := self._profile(account):
                self._profiles[account.number] = profile
                chosen = {"profile": profile}
                wanted += serving(machine.variables, account.pattern, chosen)("")
                is_asked = len(self._profiles) <= _MOST_ACCOUNTS
                if account.host and is_asked and account.host not in self.names:
                    self.names.append(account.host)
        if self._profiles:
            whys.append("another identity, or none, would answer for these accounts")
        if not wanted:
            return
        names = [f"{name} for {number}" for number, name in self._profiles.items()]
        step = FileEdit(
            config_path(machine.variables),
            "config",
            lambda _: wanted,
            "; ".join(
                ([f'store = "{store}"'] if wanted[0].path == ("store",) else [])
                + ([f"AWS profiles: {', '.join(names)}"] if names else [])
            ),
            "; ".join(whys),
            do="write",
        )
        if step.is_needed:
            self.steps.append(step)

    def _profile(self, account: clouds.AwsAccount) -> str:
        """Return the AWS profile that will serve an account; "" for none.

        If there are several, the user must choose. The user is asked only about
        accounts that are named.
        """
        host = account.host or account.pattern.replace("*", "us-east-1")
        found = self._machine.known.own_identities(host)
        names = [each["profile"] for each in found if "profile" in each]
        if len(names) < 2:  # noqa: PLR2004 - no choice to make
            return names[0] if names else ""
        if not any(name.startswith(f"{account.number}.") for name in self.named):
            self.notes.append(
                f"several AWS profiles lead to the account {account.number}"
                f" ({', '.join(names)}); to choose one run: dockcred setup {host}"
            )
            return ""
        text = f"Which AWS profile pulls from the account {account.number}?"
        return self._answer(account.number, text, *names)

    def _moves(self) -> list[Move]:
        """Return the moves into the keychain, one per file with readable logins."""
        machine = self._machine
        wanted: dict[str, list[Clear]] = {}
        for login in machine.logins:
            if login.is_passing:
                self.notes.append(
                    f"{login.name}: the token of {login.user} in {login.origin.path} is"
                    " one of hours, and stays there unread"
                )
            elif where := machine.rival(login):
                self.notes.append(
                    f"{login.name}: {login.origin.path} has another login than {where},"
                    " and keeps it"
                )
            else:
                wanted.setdefault(login.origin.path, []).append(login)
        if not wanted:
            return []
        if problem := machine.keychain_problem:
            self.notes.append(f"logins stay readable in their files: {problem}")
            return []
        # With our helper, a client no longer reads the logins in its file. So these
        # logins must reach the keychain, or setup stops.
        asking = [os.path.realpath(path) for path in machine.paths.values()]
        moves = []
        for path, logins in wanted.items():
            hidden = machine.hidden_in(path, HELPER) if path in asking else []
            strict = {each.key for each in logins if each.key in hidden}
            moves.append(Move(logins, machine.store, strict))
        return moves

    def _docker(self, client: str, typed: Sequence[str]) -> None:
        """Plan docker's or helm's file: all registries, or some if logins stay."""
        machine = self._machine
        form = DockerForm(machine, client)
        if client != "docker" and (other := form.is_another_s):
            self.notes.append(f"{form.path} stays as it is: {client} asks {other}")
            return
        dead = dict(form.dead_helpers(self._profiles))
        self.notes += dead.values()
        if client == "docker":
            self._dead = list(dead)
        hosts = list(dead)
        # Without a keychain docker continues to keep the logins that users make.
        if not form.asks_for_all:
            names = [n for n in self.names if n not in form.staying]
            hosts += filter(self._is_served, names)
        if not machine.store and KEEPS_NOTHING not in self.notes:
            self.notes.append(KEEPS_NOTHING)
        if form.staying and not hosts:
            self.notes.append(
                f"{form.path} asks nobody: its logins would not be read any more"
            )
        elif step := form.step(hosts, typed):
            self.steps.append(step)

    def _is_served(self, name: str) -> bool:
        known = self._machine.known
        states = _IDENTITIES | {shape.MACHINE}
        return known.is_served(name) or known.describe(name).state in states

    def _typed(self) -> dict[str, list[str]]:
        """Return, by file, the registries whose typed login comes before an identity.

        If a registry has both, only the user knows which is meant. The typed login has
        worked so far, so it is the default.
        """
        machine = self._machine
        found: dict[str, list[str]] = {}
        answers: dict[str, str] = {}
        for login in machine.logins:
            known = machine.known.describe(login.name)
            if not machine.is_moved(login) or known.state not in _IDENTITIES:
                continue
            mine, other = f"the login of {login.user}", known.answerer.source
            if login.origin.is_podmans:
                self.notes.append(f"podman gets {other} for {login.name}, not {mine}")
                continue
            if login.name not in answers:
                text = f"Who answers for {login.name}?"
                answers[login.name] = self._answer(login.name, text, mine, other)
            if answers[login.name] == mine:
                found.setdefault(login.origin.path, []).append(login.name)
        return found

    def _podman(self) -> None:
        for path in containers_edit.paths_to_edit(self._machine.variables)[0]:
            step = FileEdit(
                path,
                "toml",
                lambda text: containers_edit.use_as_default(text, HELPER),
                f'credential-helpers = ["{HELPER}", …]',
                "podman, skopeo and buildah ask our helper first, then their files",
            )
            if step.is_needed:
                self.steps.append(step)
