"""The wheel without any extra: if one is needed, a message of one line names it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from support.asking import ask
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.sandbox import IDENTITIES

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

BASE = ("click", "rich", "tomlkit", "markdown_it", "mdurl", "pygments")
"""The dependencies in pyproject.toml, and their own dependencies."""
NOBODY = ("nothing", "nobody", "expired", "without-permission")
"""Ends of names of identities that fail for other reasons than a missing library."""
KEYCHAINS = {
    "secretservice": "keyring",
    "keyring": "keyring",
    "vault": "vault",
}


@pytest.fixture(scope="module")
def base(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a venv with our wheel and its dependencies."""
    (wheel,) = dist.glob("*.whl")
    venv = tmp_path_factory.mktemp("base") / "venv"
    python = (sys.executable, "-m")
    subprocess.run([*python, "venv", "--without-pip", venv], check=True)
    subprocess.run(
        [
            *python,
            "pip",
            "-q",
            "--python",
            venv,
            "install",
            "--no-deps",
            "--no-index",
            wheel,
        ],
        check=True,
    )
    (place,) = venv.glob("lib/python3.*/site-packages")
    for name in BASE:
        (place / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    return venv


def is_honest(status: int, said: str) -> bool:
    """Return whether a get succeeded, found no credentials, or names an extra."""
    extra = "dockcred[" in said and said.count("\n") == 2  # stdout and stderr
    return status == 0 or "credentials not found" in said or extra


@pytest.mark.slow  # as a whole too long for `make test`
@pytest.mark.parametrize("identity", IDENTITIES)
def test_each_identity_is_served_or_names_its_extra(
    identity: str, base: Path, cloud: Sandbox
) -> None:
    status, said = ask(base / "bin", cloud.environment(identity), identity)
    assert "unforeseen" not in said
    assert "Traceback" not in said
    assert is_honest(status, said) or identity.endswith(NOBODY), said


@pytest.mark.parametrize(
    "identity, extra",
    [
        ("assume-role", "aws"),
        ("azure-cli", "azure"),
        ("azure-client-certificate", "azure"),
        ("azure-arc", "azure"),
        ("google-service-account", "google"),
        ("github-app", "github"),
        ("oracle-api-key", "oracle"),
        ("oracle-instance-principal", "oracle"),
    ],
)
def test_an_identity_names_the_extra_of_its_cloud(
    identity: str, extra: str, base: Path, cloud: Sandbox
) -> None:
    status, said = ask(base / "bin", cloud.environment(identity), identity)
    assert (status, f"pip install 'dockcred[{extra}]'" in said) == (1, True), said


def leave(name: str, text: str) -> Callable[[Path], None]:
    return lambda venv: (venv / name).write_text(text)


@pytest.mark.parametrize(
    "name, text, command",
    [
        ("pipx_metadata.json", "{}", "pipx runpip dockcred install 'dockcred[azure]'"),
        ("uv-receipt.toml", "", "uv tool install 'dockcred[azure]'"),
        ("pyvenv.cfg", "\nuv = 0.9.1\n", "uv pip install --python"),
    ],
)
def test_the_remedy_is_the_installer_s(name, text, command, base, cloud) -> None:
    path = base / name
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + text)
    try:
        environment = cloud.environment("azure-cli")
        _, said = ask(base / "bin", environment, "azure-cli")
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert f"run: {command}" in said


@pytest.mark.parametrize("store", KEYCHAINS)
def test_a_keychain_names_its_extra(store: str, base: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [base / "bin/docker-credential-keyring", "get"],
        env={
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "DOCKCRED_STORE": store,
            "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
        },
        input=b"registry.example",
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert "unforeseen" not in said
    assert "Traceback" not in said
    if store != "secretservice":  # it needs jeepney only for rare operations
        assert "dockcred[" in said


SUBCOMMANDS = {
    "vault": (("vault", "create"), "vault"),
    "sandbox": (("sandbox", "--", "true"), "sandbox"),
    "token service": (("token-service",), "token-service"),
}


@pytest.mark.parametrize("arguments, extra", SUBCOMMANDS.values(), ids=SUBCOMMANDS)
def test_a_command_names_its_extra(arguments, extra, base, tmp_path) -> None:
    done = subprocess.run(
        [base / "bin/dockcred", *arguments],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode
    assert "Traceback" not in done.stderr
    assert "unforeseen" not in done.stderr
    assert f"dockcred[{extra}]" in done.stderr


@pytest.mark.parametrize("words", [("get",), ("doctor",)], ids=" ".join)
def test_a_person_is_told_the_extra_too(words, base, cloud) -> None:
    """The message comes from another process of ours, which mints for `dockcred`."""
    environment = cloud.environment("azure-cli")
    done = subprocess.run(
        [base / "bin/dockcred", *words, "contoso.azurecr.io"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in said
    assert "unforeseen" not in said
    assert words == ("doctor",) or (done.returncode and "dockcred[azure]" in said)
