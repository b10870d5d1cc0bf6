"""`dockcred exec` imports no heavy library before it starts the command."""

from __future__ import annotations

from .conftest import Caller

HEAVY = {
    *("rich", "boto3", "botocore", "google", "azure", "keyring", "cryptography"),
    *("tomlkit", "asyncio", "concurrent", "http", "socket", "ssl"),
}


def test_a_known_credential_is_handed_on_without_a_heavy_library(
    caller: Caller,
) -> None:
    """The variable makes Python list its imports on stderr, as -X importtime does."""
    assert caller.run("true").returncode == 0
    caller.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    done = caller.run("true")
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "dockcred.commands.exec_.configuration" in names
    assert not {name for name in names if name.partition(".")[0] in HEAVY}
