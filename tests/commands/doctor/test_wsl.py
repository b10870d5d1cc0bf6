"""doctor and setup in WSL, which is imitated as public sources describe it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockcred.clients.findings import Finding, exit_status
from dockcred.commands.setup.plan import Plan
from dockcred.commands.setup.survey import Surroundings
from dockcred.stores.external import External
from dockcred.stores.problems import KeychainError
from dockcred.system import wsl
from dockcred.system.environment import Environment

from .machine import GOOD, Machine

KERNELS = {
    "WSL 1": "4.4.0-19041-Microsoft",
    "WSL 2": "5.15.153.1-microsoft-standard-WSL2",
}
ENTRY = "enabled\ninterpreter /init\nflags: PF\noffset 0\nmagic 4d5a\n"


class Windows:
    """An imitated root directory of a distribution in WSL."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/sys/kernel/osrelease", KERNELS["WSL 2"])
        self.write("proc/sys/fs/binfmt_misc/WSLInterop", ENTRY)
        (root / "run/WSL").mkdir(parents=True)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Windows:
    monkeypatch.setattr(wsl, "root", str(tmp_path / "root"))
    monkeypatch.delenv("WSL_DISTRO_NAME", raising=False)
    return Windows(tmp_path / "root")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "home").mkdir(mode=0o700)
    made = Machine(tmp_path / "home")
    made.docker({"credHelpers": {"r.example": "keyring.exe"}})
    made.program("bin/docker-credential-keyring.exe", GOOD)
    return made


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("entry", ["WSLInterop", "WSLInterop-late"])
def test_a_helper_of_windows_that_starts_is_asked(
    machine: Machine, windows: Windows, kernel: str, entry: str
) -> None:
    windows.remove("proc/sys/fs/binfmt_misc/WSLInterop")
    windows.write(f"proc/sys/fs/binfmt_misc/{entry}", ENTRY)
    windows.write("proc/sys/kernel/osrelease", kernel)
    windows.write("etc/wsl.conf", "[boot]\nenabled=false\n[interop]\nenabled=true\n")
    found = machine.examine()
    assert exit_status(found) == 0
    assert any("the user me" in each.text for each in found)


INTEROP = "proc/sys/fs/binfmt_misc/WSLInterop"
OFF = {
    "in wsl.conf": (
        lambda w: w.write("etc/wsl.conf", "[Interop]\nEnabled = False # slow\n"),
        "/etc/wsl.conf keeps them from starting",
        "set enabled = true below [interop]",
    ),
    "by hand": (
        lambda w: w.write(INTEROP, ENTRY.replace("enabled", "disabled")),
        "interop is switched off",
        "run: echo 1 | sudo tee /proc/sys/fs/binfmt_misc/WSLInterop",
    ),
    "by systemd-binfmt": (
        lambda w: w.remove(INTEROP),
        "interop is missing",
        "wsl --shutdown",
    ),
}


@pytest.mark.parametrize("how", OFF)
@pytest.mark.parametrize("is_there", [True, False], ids=["on PATH", "not on PATH"])
def test_interop_that_is_off_is_the_cause_that_is_told(
    machine: Machine, windows: Windows, how: str, *, is_there: bool
) -> None:
    turn_off, cause, remedy = OFF[how]
    turn_off(windows)
    if not is_there:
        (machine.path / "bin/docker-credential-keyring.exe").unlink()
    found = machine.problem()
    assert found.text.startswith(
        "docker-credential-keyring.exe is a program of Windows: "
    )
    assert cause in found.text
    assert remedy in found.remedy


@pytest.mark.parametrize("how", OFF)
def test_the_helper_says_so_itself_where_a_store_of_windows_does_not_start(
    machine: Machine, windows: Windows, how: str
) -> None:
    program = machine.path / "bin/docker-credential-keyring.exe"
    program.write_bytes(b"MZ\x90\0\3\0\0\0")
    store = External("helper:keyring.exe", Environment(machine.variables))
    with pytest.raises(KeychainError, match="could not be started"):
        store.list()
    turn_off, cause, remedy = OFF[how]
    turn_off(windows)
    with pytest.raises(KeychainError, match="is a program of Windows") as told:
        store.list()
    assert cause in told.value.cause
    assert remedy in told.value.remedy


def missing(machine: Machine, helper: str) -> Finding:
    machine.docker({"credHelpers": {"r.example": helper}})
    return machine.problem()


@pytest.mark.parametrize("helper", ["wincred.exe", "desktop.exe"])
def test_a_helper_of_windows_that_is_not_on_path(
    machine: Machine, windows: Windows, helper: str
) -> None:
    assert "Docker Desktop" in missing(machine, helper).remedy
    (machine.path / "bin/docker-credential-keyring.exe").unlink()
    assert "pip install dockcred" in missing(machine, "keyring.exe").remedy
    windows.write("etc/wsl.conf", "[interop]\nappendWindowsPath=false\n")
    assert "appendWindowsPath = true" in missing(machine, helper).remedy


@pytest.mark.parametrize("container", [True, False])
def test_elsewhere_no_program_of_windows_runs(
    machine: Machine, windows: Windows, *, container: bool
) -> None:
    """The config.json was copied. A container in WSL has only WSL's kernel."""
    if container:
        (windows.root / "run/WSL").rmdir()
    else:
        windows.write("proc/sys/kernel/osrelease", "6.1.0-30-amd64")
    found = machine.problem()
    assert "is a program of Windows, and this is not its WSL" in found.text
    assert found.remedy == "name a helper of this machine"


def test_a_drive_of_windows_is_mended_in_its_configuration(
    machine: Machine, windows: Windows
) -> None:
    """chmod has no effect there: the mount options set the modes of the drive."""
    drive = machine.path / "first"
    drive.chmod(0o777)
    machine.variables["PATH"] = f"{drive}:{machine.path}/bin"
    windows.write(
        "proc/self/mounts", f"/dev/sdc / ext4 rw 0 0\nC:\\134 {drive} 9p rw 0 0\n"
    )
    found = machine.problem()
    assert "a folder of Windows" in found.text
    assert "umask=22" in found.remedy
    assert not found.fix
    windows.write("proc/self/mounts", "/dev/sdc / ext4 rw 0 0\n")
    assert "chmod" in machine.problem().fix


def plan(machine: Machine) -> Plan:
    variables = Environment(machine.variables | {"DBUS_SESSION_BUS_ADDRESS": ""})
    return Plan(Surroundings(variables), ())


def test_setup_keeps_logins_with_windows_where_nothing_else_does(
    machine: Machine, windows: Windows
) -> None:
    machine.docker({})
    found = plan(machine)
    assert "WSL: programs of Windows run here" in found.document()["here"]
    steps = [step.document() for step in found.steps]
    (config,) = (step for step in steps if step["where"].endswith("config.toml"))
    assert config["what"] == 'store = "helper:keyring.exe"'
    assert "Windows does" in config["why"]
    (docker,) = (step for step in steps if step["where"].endswith("config.json"))
    assert docker["what"] == 'credsStore = "auto"'


@pytest.mark.parametrize("how", OFF)
def test_setup_names_no_helper_that_cannot_start(
    machine: Machine, windows: Windows, how: str
) -> None:
    machine.docker({"credsStore": "keyring.exe"})
    turn_off, cause, remedy = OFF[how]
    turn_off(windows)
    found = plan(machine)
    (line,) = (line for line in found.document()["here"] if line.startswith("WSL"))
    assert cause in line
    assert remedy in line
    assert "keyring.exe" not in str([step.what for step in found.steps])
