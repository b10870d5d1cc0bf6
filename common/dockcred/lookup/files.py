"""One client file, read as the client reads it: JSON, or not at all."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

READ, ABSENT, FORBIDDEN, NOT_A_FILE, NOT_BELOW_A_DIRECTORY, NOT_JSON = (
    "read",
    "absent",
    "forbidden",
    "not a file",
    "not below a directory",
    "not JSON",
)
_MAX_BYTES = 4 * 1024 * 1024


class ClientFile:
    """A file's path, how reading it went, and what it says.

    `content` may hold secrets and does not show in a repr; `detail` says where the
    JSON breaks.
    """

    __slots__ = ("content", "detail", "path", "state")

    def __init__(self, path: str) -> None:
        """Read the file; every failure is a state."""
        self.path = path
        self.content: Mapping[str, Any] = {}
        self.detail = ""
        self.state = self._read()

    def __repr__(self) -> str:
        """Show where it is and how reading it went."""
        return f"ClientFile({self.path!r}, {self.state!r})"

    def _read(self) -> str:
        try:
            with open(self.path, "rb") as file:
                found = json.loads(file.read(_MAX_BYTES))
        except FileNotFoundError:
            return ABSENT
        except NotADirectoryError:
            return NOT_BELOW_A_DIRECTORY
        except IsADirectoryError:
            return NOT_A_FILE
        except OSError:
            return FORBIDDEN
        except json.JSONDecodeError as error:
            self.detail = f"line {error.lineno}"
            return NOT_JSON
        except (ValueError, RecursionError):
            return NOT_JSON
        if not isinstance(found, dict):
            return NOT_JSON
        self.content = found
        return READ

    def table(self, name: str) -> Mapping[str, Any]:
        """Answer a table of the file; an empty one where there is none."""
        found = self.content.get(name)
        return found if isinstance(found, dict) else {}

    def text(self, name: str) -> str:
        """Answer a text of the file; nothing where there is none."""
        found = self.content.get(name)
        return found if isinstance(found, str) else ""


class Found:
    """What a file says of a registry: a helper to ask, or an entry with a credential.

    `key` is where it stands, such as credHelpers["HOST"]. An entry may hold a secret
    and does not show in a repr.
    """

    __slots__ = ("entry", "helper", "key", "path")

    def __init__(
        self,
        path: str,
        key: str,
        *,
        helper: str = "",
        entry: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = path
        self.key = key
        self.helper = helper
        self.entry = entry

    def __repr__(self) -> str:
        """Show where it stands."""
        return f"Found({self.path!r}, {self.key!r}, helper={self.helper!r})"


def is_mine(path: str) -> bool:
    """Tell whether a path belongs to this user."""
    try:
        return os.stat(path).st_uid == os.geteuid()
    except OSError:
        return False
