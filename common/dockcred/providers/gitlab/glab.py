"""glab's login: in its config.yml, or by glab, which can read its keychain and renew.

Source: gitlab.com/gitlab-org/cli, internal/config and internal/commands/auth/docker.
Below `hosts` the file lists each GitLab, with its token and its registries' domains. An
OAuth token expires after two hours. Renewal uses up a refresh token, and glab must know
the next one. So renewal is left to glab's own docker helper.
"""

from __future__ import annotations

import time

from dockcred import system
from dockcred.credential import Credential
from dockcred.errors import EndedError, IssueError, MissingIdentityError
from dockcred.identity import tool_login
from dockcred.providers.gitlab import hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.identity.tool_login import Mapping
    from dockcred.system.environment import Environment

ANY_USER = "oauth2"
"""The user name that GitLab accepts with each person's token, OAuth or not."""

JOB_USER = "gitlab-ci-token"
"""The user name of each job's token."""

_TAG = "!!null "
"""What older versions of glab write before a token that was empty at first."""

_DOMAINS = "container_registry_domains"
_SLACK_S = 10.0
"""A token that expires within these seconds is renewed, as in golang.org/x/oauth2."""

_QUIET = {
    "NO_PROMPT": "1",
    "GLAB_CHECK_UPDATE": "false",
    "GLAB_SEND_TELEMETRY": "false",
}
_RFC822 = ("%d %b %y %H:%M %Z", "%d %b %y %H:%M %z")
_OTHERS = 0o077
_EDGE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")


class GlabFile:
    """The content of glab's file: a dictionary for each GitLab.

    `text` is the whole file where only glab understands it, else empty.
    """

    def __init__(self, path: str, text: str) -> None:
        """Parse the text of a file."""
        self.path = path
        self.text = ""
        self._hosts: dict[str, dict[str, str]] = {}
        try:
            found = tool_login.read(text, _TAG)
        except ValueError:
            self.text = text
            return
        listed = found.get("hosts")
        for instance, own in listed.items() if isinstance(listed, dict) else ():
            if isinstance(own, dict):
                self._hosts[instance] = _words(own)

    def of(self, instance: str) -> dict[str, str] | None:
        """Return a GitLab's settings; None without any, {} where only glab knows."""
        if self.text:
            return {} if self.names(instance) else None
        return self._hosts.get(instance)

    def has_login(self, instance: str) -> bool:
        """Return whether there is, or may be, a login at a GitLab.

        The file alone does not show it: glab writes one for gitlab.com before any
        login.
        """
        if self.text:
            return self.names(instance)
        own = self._hosts.get(instance, {})
        in_file = ("token", "job_token", "user")
        return any(map(own.get, in_file)) or own.get("use_keyring") == "true"

    def names(self, host: str) -> bool:
        """Return whether a host occurs as a whole word in `text`."""
        before, found, after = self.text.partition(host)
        while found:
            if before[-1:] not in _EDGE and after[:1] not in _EDGE:
                return True
            before, found, after = after.partition(host)
        return False

    def registries(self) -> dict[str, str]:
        """Return the GitLab of each registry; where two claim one, gitlab.com wins."""
        found: dict[str, str] = {}
        for instance in sorted(self._hosts, key=lambda name: name != hosts.GITLAB):
            for domain in self._hosts[instance].get(_DOMAINS, "").split(","):
                if place := hosts.place(domain):
                    found.setdefault(place, instance)
        return found


def _words(own: Mapping) -> dict[str, str]:
    return {name: value for name, value in own.items() if isinstance(value, str)}


def logins(environment: Environment) -> GlabFile | None:
    """Return the first of glab's files that exists; None where none can be read.

    Also None where other users may read or write the file: glab refuses such a file
    too.
    """
    for path in environment.glab_files():
        try:
            with open(path, "rb") as file:
                mode = system.fstat(file.fileno()).st_mode
                data = file.read()
        except OSError:
            continue
        if mode & _OTHERS:
            from dockcred.system import log  # noqa: PLC0415 - the unusual

            log.warning(
                f"glab's file is passed over, as others can read it: chmod 600 {path}"
            )
            return None
        return GlabFile(path, data.decode("utf-8", "replace"))
    return None


def credential(
    instance: str, asked: str, found: dict[str, str], environment: Environment
) -> Credential:
    """Return the login of a GitLab for a registry, from its file or from glab.

    Raises IssueError where glab does not give it, and EndedError where it has expired.
    """
    token, ends = found.get("token", ""), _ends(found)
    user, now = found.get("user") or ANY_USER, time.time()
    if not found:
        return _unread(instance, asked, environment)
    if ends is None:
        if not token and (job_token := found.get("job_token")):
            return Credential(JOB_USER, job_token, now)
        return Credential(user, token or _kept(instance, environment), now)
    if token and ends - now > _SLACK_S:
        return Credential(user, token, now, ends)
    try:
        user, token = _from_helper(instance, asked, environment)
    except MissingIdentityError as error:
        if ends > now:
            raise
        raise EndedError(
            f"glab's login at {instance} is over: {error.cause}", error.remedy
        ) from None
    again = logins(environment)
    ends = _ends((again.of(instance) if again else None) or {})
    if ends is not None and ends <= time.time():
        raise EndedError(
            f"glab's login at {instance} is over, and glab has not renewed it",
            f"run: glab auth login --hostname {instance}",
        )
    return Credential(user, token, now, ends)


def _unread(instance: str, asked: str, environment: Environment) -> Credential:
    """Return glab's own answer, where we do not wholly understand its file.

    glab's docker helper renews tokens, but knows only OAuth logins.
    """
    now = time.time()
    try:
        return Credential(*_from_helper(instance, asked, environment), now)
    except IssueError:
        if _setting("is_oauth2", instance, environment) == "true":
            raise
    token = _kept(instance, environment)
    return Credential(_setting("user", instance, environment) or ANY_USER, token, now)


def _ends(found: dict[str, str]) -> float | None:
    """Return the expiry of an OAuth token in seconds since the epoch; None for others.

    It is 0 where the expiry cannot be parsed.
    """
    if found.get("is_oauth2") != "true":
        return None
    from datetime import datetime  # noqa: PLC0415 - a miss only

    text = found.get("oauth2_expiry_date", "")
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    for form in _RFC822:
        try:
            read = datetime.strptime(text, form)  # noqa: DTZ007 - with its zone
        except ValueError:
            continue
        return read.timestamp() if read.tzinfo else _utc(read.timetuple())
    return 0.0


def _utc(parts: time.struct_time) -> float:
    import calendar  # noqa: PLC0415 - a file of an old glab only

    return calendar.timegm(parts)


def _from_helper(
    instance: str, asked: str, environment: Environment
) -> tuple[str, str]:
    """Return user and token from glab's docker helper, which renews expired ones."""
    import json  # noqa: PLC0415 - a `list` needs none

    outcome = tool_login.ask(
        ["glab", "auth", "docker-helper", "get"],
        environment,
        _missing(instance),
        _QUIET,
        asked.encode(),
    )
    try:
        answer = json.loads(outcome.output)
        user, token = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, LookupError, TypeError, RecursionError):
        user = token = ""
    if outcome.status == 0 and user and token:
        return user, token
    if outcome.status and "no hostname associated" in outcome.errors + outcome.output:
        raise MissingIdentityError(
            f"glab has no login for {asked}",
            f"run: glab auth login --hostname {instance}",
        )
    raise IssueError(
        f"glab did not hand out its login (status {outcome.status})",
        f"run: glab auth status --hostname {instance}",
    )


def _kept(instance: str, environment: Environment) -> str:
    """Return the token in glab's keychain; MissingIdentityError if there is none."""
    if token := _setting("token", instance, environment):
        return token
    raise MissingIdentityError(
        f"glab has no token for {instance}",
        f"run: glab auth login --hostname {instance}",
    )


def _setting(name: str, instance: str, environment: Environment) -> str:
    """Return glab's setting for a GitLab; IssueError where glab fails."""
    outcome = tool_login.ask(
        ["glab", "config", "get", name, "--host", instance],
        environment,
        _missing(instance),
        _QUIET,
    )
    value = tool_login.token_in(outcome)
    if outcome.status != 0 or (not value and outcome.output.strip()):
        raise IssueError(
            f"glab did not tell its {name} (status {outcome.status})",
            f"run: glab auth status --hostname {instance}",
        )
    return value


def _missing(instance: str) -> tuple[str, str]:
    return (
        f"glab alone can read or renew its login at {instance}, and is not on PATH",
        "install glab, or set GITLAB_TOKEN",
    )
