"""Logins of people: application default credentials, and gcloud's account."""

from __future__ import annotations

import json
import os

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.google import access_token, hosts
from dockcred.providers.google.access_token import Token, is_sound
from dockcred.providers.google.hosts import ADC_VARIABLE
from dockcred.system import child_program, log
from dockcred.system.environment.google import UNIVERSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.system.environment import Environment

SERVICE_ACCOUNT = "service_account"
_MAX_BYTES = 1024 * 1024
_ROWS = {
    SERVICE_ACCOUNT: "google:service-account",
    "authorized_user": "google:authorized-user",
    "external_account_authorized_user": "google:authorized-user",
    "external_account": "google:wif",
    "impersonated_service_account": "google:impersonation",
}


class CredentialsFile:
    """A credentials file, used through google-auth."""

    def __init__(self, environment: Environment, where: str) -> None:
        """Read the file, set what is watched; raise IssueError if it is not usable."""
        self._environment = environment
        self.info = _read(where)
        self.principal = ""
        self.files: tuple[str, ...] = (where,)
        self.tokens: tuple[str, ...] = ()
        self.sources: tuple[str, ...] = ()
        self._note(self.info)

    def _note(self, info: dict[str, Any]) -> None:
        """Add the file's row, and those of the file inside an impersonating one."""
        row = _ROWS[info["type"]]
        if row == "google:wif":
            source = info.get("credential_source")
            source = source if isinstance(source, dict) else {}
            kind = _kind(source)
            row = f"{row}-{kind}"
            if kind == "file":
                self.tokens = (str(source["file"]),)
        self.sources += (row,)
        inner = info.get("source_credentials")
        if isinstance(inner, dict) and str(inner.get("type")) in _ROWS:
            self._note(inner)

    def token(self, scope: str) -> Token:
        """Mint a token through google-auth."""
        from dockcred.providers.google import sdk  # noqa: PLC0415 - a miss only

        return sdk.token(self.info, self._environment, scope)

    def current_principal(self) -> str:
        """Return "": a file's source tells who it is only by minting."""
        return ""

    def universe(self) -> str:
        """Return the file's universe; for an impersonating file that of its source.

        Raises IssueError where the file's endpoints belong to another universe.
        """
        info = self.info
        urls = [str(info.get(name) or "") for name in _ENDPOINTS]
        while isinstance(info.get("source_credentials"), dict):
            info = info["source_credentials"]
            urls += [str(info.get(name) or "") for name in _ENDPOINTS]
        found = str(info.get("universe_domain") or UNIVERSE)
        own = tuple(url for url in urls if _host(url).endswith(f".{UNIVERSE}"))
        if own and found != UNIVERSE:
            raise IssueError(
                f"the Google credentials file is of the universe {found!a:.80}, and "
                "its endpoints are Google's own",
                "make it anew in its universe",
            )
        return found


_ENDPOINTS = ("token_url", "service_account_impersonation_url")
"""The settings of a credentials file that name a URL to send a token to."""


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0].lower()


def _kind(source: dict[str, Any]) -> str:
    if "environment_id" in source:
        return "aws"
    return next(
        (
            kind
            for kind in ("file", "url", "executable", "certificate")
            if kind in source
        ),
        "unknown",
    )


def _read(where: str) -> dict[str, Any]:
    try:
        with open(where, "rb") as file:
            info = json.loads(file.read(_MAX_BYTES))
    except OSError as error:
        raise IssueError(
            f"the Google credentials file {where} cannot be read ({error.strerror})",
            f"see {ADC_VARIABLE}",
        ) from None
    except (ValueError, RecursionError):
        raise IssueError(
            f"the Google credentials file {where} is not JSON", f"see {ADC_VARIABLE}"
        ) from None
    if not isinstance(info, dict) or str(info.get("type")) not in _ROWS:
        raise IssueError(
            f"the Google credentials file {where} is of no type that registries take",
            f"it is one of: {', '.join(_ROWS)}",
        )
    return info


def about(chosen: object, environment: Environment) -> dict[str, str]:
    """Return account and project of a login, as its file says; no secret of it."""
    if isinstance(chosen, CredentialsFile):
        named = chosen.info.get("project_id") or chosen.info.get("quota_project_id")
        account = str(chosen.info.get("client_email", ""))
        becomes = str(chosen.info.get("service_account_impersonation_url", ""))
        return {
            "account": account,
            "project": str(named or ""),
            "pool": str(chosen.info.get("audience", "")),
            "impersonates": becomes.rpartition("/")[2].partition(":")[0],
            "universe": chosen.universe().removeprefix(UNIVERSE),
        }
    said = _core(hosts.gcloud_settings(environment)[0])
    for name in _CORE:
        said[name] = environment.get(f"CLOUDSDK_CORE_{name.upper()}") or said[name]
    said["universe"] = said.pop("universe_domain").removeprefix(UNIVERSE)
    return said


_CORE = ("account", "project", "universe_domain")


def _core(settings: str) -> dict[str, str]:
    """Return account, project and universe of gcloud's settings; "" if unreadable."""
    import configparser  # noqa: PLC0415 - for `status`

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(settings, encoding="utf-8")
        return {name: parser.get("core", name, fallback="") for name in _CORE}
    except (ValueError, configparser.Error):
        return dict.fromkeys(_CORE, "")


MIN_EXPIRY_S = 1800
_LOGIN = "run: gcloud auth login"


class Account:
    """The account that gcloud acts as."""

    sources: tuple[str, ...] = ("google:gcloud",)
    tokens: tuple[str, ...] = ()
    principal = ""

    def __init__(self, environment: Environment, program: str) -> None:
        """Keep gcloud's path; gcloud is not run yet."""
        self._environment = environment
        self._program = program
        self.files = hosts.gcloud_files(environment)

    def current_principal(self) -> str:
        """Return "": gcloud's files tell every change."""
        return ""

    def universe(self) -> str:
        """Return gcloud's universe: by variable, active configuration, or default."""
        named = self._environment.get("CLOUDSDK_CORE_UNIVERSE_DOMAIN")
        settings = hosts.gcloud_settings(self._environment)[0]
        return named or _core(settings)["universe_domain"] or UNIVERSE

    def token(self, scope: str) -> Token:
        """Run gcloud; raise MissingIdentityError where it has no active account."""
        del scope
        command = [
            self._program,
            "config",
            "config-helper",
            "--format=json",
            f"--min-expiry={MIN_EXPIRY_S}s",
        ]
        outcome = child_program.run(
            command,
            self._environment,
            kind="gcloud",
            variables={"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
        )
        if outcome.status != 0:
            raise _failure(outcome)
        credential = _credential(outcome.output)
        if not is_sound(credential.get("access_token")):
            raise IssueError("gcloud's answer holds no access token", _LOGIN)
        return Token(credential["access_token"], _time(credential.get("token_expiry")))


def find(environment: Environment) -> Account | None:
    """Return gcloud's account; None where there is no gcloud, or no account in it.

    Every gcloud that ever ran leaves a credentials.db, even without an account. A
    gcloud without an account asks the metadata server, which we do a hundred times as
    fast. Where we do not wholly understand its settings, gcloud is asked.
    """
    program = child_program.find("gcloud", environment)
    if not hosts.is_gcloud_told(environment):
        settings, old = hosts.gcloud_settings(environment)
        installed = os.path.dirname(os.path.dirname(os.path.realpath(program)))
        others = (old, f"{installed}/properties")
        if not any(map(os.path.exists, others)) and not _may_name_one(settings):
            log.info("gcloud has no account of its own: the metadata server is asked")
            return None
    if program:
        return Account(environment, program)
    refused = child_program.refusal("gcloud", environment)
    cause = refused[0] if refused else "no gcloud is found on PATH"
    log.warning(f"gcloud's login is passed over: {cause}")
    return None


def _may_name_one(settings: str) -> bool:
    """Return whether gcloud's settings name an account, or cannot be understood."""
    import configparser  # noqa: PLC0415 - as gcloud reads it, and gcloud takes longer

    parser = configparser.ConfigParser()
    try:
        with open(settings, encoding="utf-8") as file:
            parser.read_file(file)
        for section in parser.sections():
            parser.items(section)  # gcloud fails at a value that refers to nothing
        account = parser.get("core", "account", fallback="")
    except FileNotFoundError:
        return False
    except (OSError, ValueError, configparser.Error):
        return True
    return bool(account) or parser.has_section("auth")


def _failure(outcome: child_program.Outcome) -> Exception:
    said = outcome.errors.lower()
    if "do not currently have an active account" in said:
        return MissingIdentityError("gcloud has no active account", _LOGIN)
    if any(sign in said for sign in ("reauth", "invalid_grant", "refresh", "rapt")):
        return access_token.meaning("invalid_grant", "", "gcloud's login", _LOGIN)
    return IssueError(
        f"gcloud failed (status {outcome.status})",
        "run: gcloud auth print-access-token, to see why",
    )


def _credential(output: str) -> dict[str, Any]:
    """Return the JSON object in gcloud's output, after any noise of plug-ins."""
    import json  # noqa: PLC0415 - a miss only

    start = output.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(output, start)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and isinstance(found.get("credential"), dict):
            return dict(found["credential"])
        start = output.find("\n{", start)
        start = start + 1 if start >= 0 else start
    return {}


def _time(text: object) -> float | None:
    """Parse token_expiry; None for a token that was given to gcloud, which has none."""
    from datetime import datetime  # noqa: PLC0415 - a miss only

    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except ValueError:
        return None
