"""A profile of Oracle's configuration, and the name of its key.

Sources: docs.oracle.com "SDK and CLI Configuration File"; oci.config and
oci_cli.cli_util. The variables of Oracle's command line win over the file.
"""

from __future__ import annotations

import configparser
import time

from dockcred.errors import EndedError, IssueError
from dockcred.providers.oracle import hosts
from dockcred.transport import json_reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

DEFAULT = "DEFAULT"
SESSION = "security_token"
LOGIN = "run: oci session authenticate"
_FIELDS = {
    "user": "OCI_CLI_USER",
    "tenancy": "OCI_CLI_TENANCY",
    "fingerprint": "OCI_CLI_FINGERPRINT",
    "key_file": "OCI_CLI_KEY_FILE",
    "key_content": "OCI_CLI_KEY_CONTENT",
    "pass_phrase": "OCI_CLI_PASSPHRASE",
    "security_token_file": "OCI_CLI_SECURITY_TOKEN_FILE",
}
"""The settings of a profile, each with the variable that wins over it."""
_MAX_BYTES = 256 * 1024
_OCID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_OCID_PARTS, _FINGERPRINT_BYTES = 5, 16


def is_whole(environment: Environment) -> bool:
    """Return whether the variables alone hold an API key, so that no file is needed."""
    named = ("OCI_CLI_USER", "OCI_CLI_TENANCY", "OCI_CLI_FINGERPRINT")
    return all(map(environment.get, named)) and bool(
        environment.first("OCI_CLI_KEY_FILE", "OCI_CLI_KEY_CONTENT")
    )


def names(environment: Environment) -> list[str]:
    """Return the names of the profiles in Oracle's configuration; [] if unreadable."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(hosts.config_file(environment), encoding="utf-8")
    except (ValueError, configparser.Error):
        return []
    return [*([DEFAULT] if parser.defaults() else []), *parser.sections()]


class OciProfile:
    """A profile of Oracle's configuration, with the variables that win over it."""

    def __init__(self, environment: Environment) -> None:
        """Read the profile; raise IssueError where there is none."""
        self._environment = environment
        self.path = ""
        self.name = environment.get("OCI_CLI_PROFILE", DEFAULT)
        said = {} if is_whole(environment) else self._read()
        own = {field: environment.get(name) for field, name in _FIELDS.items()}
        self.fields = said | {field: value for field, value in own.items() if value}

    def _read(self) -> dict[str, str]:
        self.path = path = hosts.config_file(self._environment)
        parser = configparser.ConfigParser(interpolation=None)
        try:
            with open(path, encoding="utf-8") as file:
                parser.read_string(file.read(_MAX_BYTES))
            if self.name not in parser:
                raise IssueError(
                    f"Oracle's configuration {path} has no profile {self.name!a}",
                    "see OCI_CLI_PROFILE, or run: oci setup config",
                )
            found = dict(parser[self.name])
        except OSError as error:
            raise IssueError(
                f"Oracle's configuration {path} cannot be read ({error.strerror})",
                "see OCI_CLI_CONFIG_FILE, or run: oci setup config",
            ) from None
        except (ValueError, configparser.Error):
            raise IssueError(
                f"Oracle's configuration {path} is no INI file",
                "make it anew: oci setup config",
            ) from None
        if "key_content" in found:
            raise IssueError(
                f"Oracle's configuration {path} holds a key itself, which its SDK "
                "forbids",
                "write the key to a file, and name that in key_file",
            )
        if "authentication_type" in found:
            raise IssueError(
                f"the profile {self.name} of {path} is a delegation token's, which is "
                "not spoken here",
                "choose another by OCI_CLI_PROFILE",
            )
        return found

    def is_session(self, kind: str) -> bool:
        """Return whether the profile uses a session token instead of an API key."""
        return kind == SESSION or (
            bool(self.fields.get("security_token_file")) and not self.fields.get("user")
        )

    def get(self, field: str) -> str:
        """Return a field that is needed; raise IssueError where it is missing."""
        value = self.fields.get(field, "")
        if not value:
            raise IssueError(
                f"{self} lacks {field}",
                f"add it, or set {_FIELDS[field]}; or run: oci setup config",
            )
        return value

    def __str__(self) -> str:
        """Return in words where the profile is, for an error."""
        if not self.path:
            return "the variables OCI_CLI_*"
        return f"the profile {self.name} of {self.path}"

    def file(self, field: str) -> str:
        """Return the path in a field."""
        return hosts.expand(self.get(field), self._environment)

    def key_id(self, *, is_session: bool) -> str:
        """Return the name by which Oracle knows the key."""
        if not is_session:
            return _key_id(self)
        path = self.file("security_token_file")
        return session_id(text(path, "security_token_file"), path, LOGIN)

    def key(self) -> tuple[bytes, str]:
        """Return the private key as it is stored, and in words where it is stored."""
        if content := self.fields.get("key_content"):
            return content.encode(), "in OCI_CLI_KEY_CONTENT"
        path = self.file("key_file")
        return read(path, "key_file of Oracle's configuration"), path


def _key_id(profile: OciProfile) -> str:
    """Return the name of an API key; IssueError where a part of it is malformed."""
    tests = {"tenancy": _is_ocid, "user": _is_ocid, "fingerprint": _is_fingerprint}
    for field, is_well_formed in tests.items():
        if not is_well_formed(profile.get(field)):
            raise IssueError(
                f"{profile} has a {field} that is none",
                "copy it from the user's page in Oracle's console",
            )
    return "/".join(map(profile.get, tests))


def _is_ocid(text: str) -> bool:
    parts = text.replace(":", ".").split(".")
    return (
        len(parts) >= _OCID_PARTS
        and bool(parts[0] and parts[-1])
        and all(map(_OCID.issuperset, parts))
    )


def _is_fingerprint(text: str) -> bool:
    pairs = text.split(":")
    return len(pairs) == _FINGERPRINT_BYTES and all(
        len(pair) == 2 and set("0123456789abcdef").issuperset(pair)  # noqa: PLR2004
        for pair in pairs
    )


def session_id(token: str, where: str, remedy: str) -> str:
    """Return the key's name for a session: ST$ and the session's token.

    Raises EndedError where the token has expired, IssueError where it is not a token.
    """
    claims = json_reader.claims_of(token.encode("ascii", "replace"))
    ends = claims.get("exp")
    if not isinstance(ends, int | float) or '"' in token or not token.isprintable():
        raise IssueError(f"{where} holds no token of Oracle's", remedy)
    if ends <= time.time():
        raise EndedError(f"the token in {where} has ended", remedy)
    return f"ST${token}"


def read(path: str, setting: str) -> bytes:
    """Return the first 256 KiB of a file; IssueError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES)
    except OSError as error:
        raise IssueError(
            f"{path} cannot be read ({error.strerror})", f"see {setting}"
        ) from None
    except ValueError:
        raise IssueError(f"{path!a} can be no file's name", f"see {setting}") from None
    return data


def text(path: str, setting: str) -> str:
    """Return a file's text, without blanks around it."""
    return read(path, setting).decode("ascii", "replace").strip()
