"""Whether the shared configuration has a say in who we are or where requests go.

Only the names of the selected profile's settings are read; what they mean is the
SDK's to know. A setting that is unknown here means: the SDK road.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

_HARMLESS = frozenset({"region", "output"})
_HARMLESS_STARTS = ("cli_", "s3", "retry_", "max_attempts", "tcp_keepalive")
_IDENTITY = frozenset(
    {
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_account_id",
        "role_arn",
        "role_session_name",
        "source_profile",
        "credential_source",
        "external_id",
        "mfa_serial",
        "duration_seconds",
        "web_identity_token_file",
        "credential_process",
        "login_session",
    }
)


def files(environment: Environment) -> tuple[str, str]:
    """Name the config and the credentials file."""
    return (
        environment.path("AWS_CONFIG_FILE", ".aws/config"),
        environment.path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
    )


def profile(environment: Environment) -> str:
    """Name the profile that is asked for, nothing for the default."""
    return environment.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


class Say:
    """What the selected profile sets: an identity, other things, or nothing."""

    __slots__ = ("identity", "other")

    def __init__(self, environment: Environment) -> None:
        """Read both files; one that cannot be read is the SDK's to complain of."""
        wanted = profile(environment)
        config, credentials = files(environment)
        name = wanted or "default"
        sections = (
            {f"profile {name}", "default"} if name == "default" else {f"profile {name}"}
        )
        found = [_settings(config, sections), _settings(credentials, {name})]
        names = set().union(*(names for names in found if names is not None))
        names = {name for name in names if not _is_harmless(name)}
        identity = {name for name in names if _is_identity(name)}
        self.identity = bool(identity)
        # A profile that is asked for and is not there is the SDK's to complain of.
        self.other = bool(names - identity) or (bool(wanted) and found == [None, None])


def _is_harmless(name: str) -> bool:
    return name in _HARMLESS or name.startswith(_HARMLESS_STARTS)


def _is_identity(name: str) -> bool:
    return name in _IDENTITY or name.startswith("sso_")


def _settings(path: str, sections: set[str]) -> set[str] | None:
    """Answer the names set in these sections; None where none of them is there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return None
    except OSError:
        return {"unreadable"}
    names: set[str] | None = None
    inside = False
    for line in lines:
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if line.startswith("["):
            header = line[1:].partition("]")[0].replace('"', "").replace("'", "")
            inside = " ".join(header.split()) in sections
            names = set() if inside and names is None else names
        elif inside and names is not None and not line[0].isspace():
            names.add(line.partition("=")[0].strip().lower())
    return names
