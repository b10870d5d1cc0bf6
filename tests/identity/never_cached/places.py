"""The ground of a run: what it can change of the machine below the programs.

    unshare --mount --uts python play.py ...

gives the run its own mount table and host name. So it can mount a file over the
kernel's boot id, and mount a disk whose times are in whole seconds. Without the rights
for that, the run plays without these, and says so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import uuid
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_DISK_BYTES = 96 * 1024 * 1024


def command() -> list[str]:
    """Return the command that gives a program its own ground; [] if not permitted."""
    unshare = ["unshare", "--mount", "--uts"]
    if os.geteuid() or not shutil.which("unshare"):
        return []
    done = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    return [] if done.returncode else unshare


class Ground:
    """Boot id, host name and disks, which a run can change."""

    def __init__(self, directory: Path, *, own: bool) -> None:
        """Set up the disks; `own`: mounts and host name are this run's only."""
        self.left_out: list[str] = []
        self.disks = {"fine": directory / "fine"}
        self.disks["fine"].mkdir()
        self._boot = directory / "boot_id"
        self._may_boot = own and self._bind_boot_id()
        self.boot = ""
        if own and self._mount_coarse(directory):
            self.disks["coarse"] = directory / "coarse"
        else:
            self.left_out.append("a file system of whole seconds")
        if not self._may_boot:
            self.left_out.append("boots and host names")

    @property
    def machines(self) -> int:
        """Return the number of machines that can be played."""
        return 2 if self._may_boot else 1

    def become(self, boot: str, name: str) -> None:
        """Become the machine with this boot id and host name."""
        if self._may_boot:
            self._boot.write_text(f"{boot}\n")
            socket.sethostname(name)

    def new_boot(self) -> str:
        """Return a new boot id."""
        return str(uuid.uuid4())

    def close(self) -> None:
        """Unmount the disk."""
        if "coarse" in self.disks:
            subprocess.run(["umount", "-l", self.disks["coarse"]], check=False)

    def _bind_boot_id(self) -> bool:
        self._boot.write_text(f"{uuid.uuid4()}\n")
        done = subprocess.run(
            ["mount", "--bind", self._boot, BOOT_ID], capture_output=True, check=False
        )
        return done.returncode == 0

    def _mount_coarse(self, directory: Path) -> bool:
        """Mount ext2 with 128-byte inodes, which have no nanoseconds; False if not."""
        image, place = directory / "disk", directory / "coarse"
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(_DISK_BYTES)
        commands = (
            ["mke2fs", "-q", "-F", "-t", "ext2", "-I", "128", "-N", "16384", image],
            ["mount", "-o", "loop", image, place],
        )
        for words in commands:
            if shutil.which(words[0]) is None:
                return False
            if subprocess.run(words, capture_output=True, check=False).returncode:
                return False
        probe = place / "probe"
        probe.touch()
        return probe.stat().st_mtime_ns % 1_000_000_000 == 0
