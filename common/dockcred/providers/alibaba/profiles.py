"""Which profile of Alibaba's files is selected, and its kind; no request is sent."""

from __future__ import annotations

import os

from dockcred.errors import IssueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from dockcred.system.environment import Environment

PLAIN, MACHINE, OTHERS = "plain", "machine", "others"
"""The kinds of a profile. PLAIN: its file holds the keys, or all that is needed to get
them. MACHINE: the machine's role. OTHERS: the keys come from another source."""
_MOST_CHARACTERS = 1024 * 1024
_KEYS = ("access_key_id", "access_key_secret")
_KINDS = {
    **dict.fromkeys(("AK", "StsToken", "RamRoleArn", "OIDC"), PLAIN),
    **dict.fromkeys(("access_key", "ram_role_arn", "oidc_role_arn"), PLAIN),
    **dict.fromkeys(("EcsRamRole", "ecs_ram_role"), MACHINE),
}
"""The kind for each mode of the CLI's file, and for each type of the other file."""
_OF_KEYS = ("AK", "StsToken", "access_key")


class Profile:
    """A profile: its file, its name, its kind, and the settings that we use.

    `is_of_cli` tells which of the two file formats it has. `role` is the machine's
    role, `token_file` the path of an identity token; "" where it names none.
    """

    __slots__ = ("file", "is_of_cli", "kind", "mode", "name", "role", "token_file")

    def __init__(
        self, file: str, name: str, settings: Mapping[str, Any], *, is_of_cli: bool
    ) -> None:
        self.file = file
        self.name = name
        self.is_of_cli = is_of_cli
        self.mode = str(settings.get("mode" if is_of_cli else "type") or "")
        self.kind = _KINDS.get(self.mode, OTHERS)
        role, token = (
            ("ram_role_name", "oidc_token_file")
            if is_of_cli
            else ("role_name", "oidc_token_file_path")
        )
        self.role = str(settings.get(role) or "")
        self.token_file = (
            str(settings.get(token) or "") if "idc" in self.mode.lower() else ""
        )


def chosen(environment: Environment) -> Profile | None:
    """Return the selected profile: the CLI's, else that of the other file, or None.

    Raises IssueError where the variable names a profile that no file has, or where a
    file cannot be read.
    """
    wanted = environment.get("ALIBABA_CLOUD_PROFILE")
    for profile in _candidates(wanted, environment):
        if profile is not None:
            return profile
    if wanted:
        raise IssueError(
            f"the Alibaba Cloud profile {wanted} does not exist",
            "see ALIBABA_CLOUD_PROFILE, or run: aliyun configure list",
        )
    return None


def names(environment: Environment) -> list[str]:
    """Return the names of the profiles in the CLI's file; [] if it is unreadable."""
    path = _cli_file(environment)
    try:
        found = _profiles(_json(path)) if path else []
    except IssueError:
        return []
    return [str(each["name"]) for each in found if each.get("name")]


def _candidates(wanted: str, environment: Environment) -> Iterator[Profile | None]:
    is_off = environment.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED").lower() == "true"
    path = "" if is_off else _cli_file(environment)
    yield _of_cli(path, wanted) if os.path.isfile(path) else None
    path = _other_file(environment)
    yield _of_file(path, wanted or "default") if os.path.isfile(path) else None


def _cli_file(environment: Environment) -> str:
    home = environment.home()
    return f"{home}/.aliyun/config.json" if home else ""


def _other_file(environment: Environment) -> str:
    named = environment.get("ALIBABA_CLOUD_CREDENTIALS_FILE")
    home = environment.home()
    if named or not home:
        return named
    path = f"{home}/.alibabacloud/credentials"
    own = f"{path}.ini"
    return own if os.path.isfile(own) else path


def _of_cli(path: str, wanted: str) -> Profile | None:
    content = _json(path)
    name = wanted or content.get("current")
    for settings in _profiles(content):
        if name and settings.get("name") == name:
            return _whole(Profile(path, str(name), settings, is_of_cli=True), settings)
    return None


def _profiles(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = content.get("profiles")
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _of_file(path: str, name: str) -> Profile | None:
    import configparser  # noqa: PLC0415 - where there is such a file

    reader = configparser.ConfigParser()
    try:
        reader.read(path, encoding="utf-8")
        settings = dict(reader.items(name)) if reader.has_section(name) else None
    except (configparser.Error, OSError, ValueError):
        raise _unreadable(path) from None
    if settings is None:
        return None
    values = {key: text.partition("#")[0].strip() for key, text in settings.items()}
    return _whole(Profile(path, name, values, is_of_cli=False), values)


def _whole(profile: Profile, settings: Mapping[str, Any]) -> Profile | None:
    """Return the profile; None if its mode needs keys and it has none.

    A newly installed CLI writes such a profile.
    """
    if profile.mode in _OF_KEYS and not all(map(settings.get, _KEYS)):
        return None
    return profile


def _json(path: str) -> dict[str, Any]:
    import json  # noqa: PLC0415 - where there is such a file

    try:
        with open(path, encoding="utf-8") as file:
            found = json.loads(file.read(_MOST_CHARACTERS))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        raise _unreadable(path) from None
    if not isinstance(found, dict):
        raise _unreadable(path)
    return found


def _unreadable(path: str) -> IssueError:
    return IssueError(
        f"{path} cannot be read as a file of Alibaba Cloud's profiles",
        "fix it, or move it away and run: aliyun configure",
    )
