"""The cloud that this machine belongs to, and metadata addresses that were silent.

Every cloud has its metadata service at one address. On most machines outside of a cloud
packets to it vanish, and a caller without an identity waits a second to learn that. So
the firmware is read before a packet is sent. A silence (an address that did not answer)
is recorded for HOLDS_S seconds. Until then we only knock: the address has KNOCK_S
seconds to accept a connection, not a whole second.

Sources for the firmware: cloud-init (tools/ds-identify, DataSourceAliYun), google-auth,
docs.aws.amazon.com "Identify EC2 instances". Where it decides nothing, the address is
asked: in a container, whose network need not be its machine's; under a hypervisor that
clouds use too; on Windows and macOS. The tables have makers of hardware that no cloud
rents out with such an address, and desktop hypervisors.
"""

from __future__ import annotations

import os
import time

from dockcred.system import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

ADDRESS = "169.254.169.254"
HOLDS_S = 60.0
"""How long a silence is recorded, in seconds."""
KNOCK_S = 0.002
"""How long an address has to answer a knock, in seconds."""

AWS, AZURE, GOOGLE, ORACLE, NONE = "AWS", "Azure", "Google", "Oracle", "none"
ALIBABA = "Alibaba Cloud"
_ELSEWHERE = {ALIBABA: "100.100.100.200"}
_TAGS = {"7783-7084-3265-9085-8269-3286-77": AZURE, "OracleCloud.com": ORACLE}
"""The chassis asset tags by which two clouds mark each machine."""
_MAKERS = (
    "acer",
    "asrock",
    "asus",
    "asustek",
    "dell inc.",
    "dynabook",
    "framework",
    "fujitsu",
    "gigabyte",
    "hewlett-packard",
    "hp",
    "hpe",
    "intel(r) client systems",
    "lenovo",
    "lg electronics",
    "micro-star",
    "msi",
    "panasonic",
    "purism",
    "razer",
    "samsung electronics",
    "system76",
    "toshiba",
    "tuxedo",
)
_DESKTOP_HYPERVISORS = ("innotek gmbh", "parallels", "vmware, inc.")
_BOARDS = ("raspberry pi", "nvidia jetson", "pine64")

_MARKS = (
    ".dockerenv",
    "run/.containerenv",
    "run/systemd/container",
    "run/host/container-manager",
    "var/run/secrets/kubernetes.io",
)
_GROUPS = ("docker", "kubepods", "containerd", "libpod", "lxc", "crio", "/machine.")
_MOST_WORDS = 60
_MOST_BYTES = 4096


def address_of(cloud: str) -> str:
    """Return the address of a cloud's metadata service."""
    return _ELSEWHERE.get(cloud, ADDRESS)


class Hardware:
    """What a machine's firmware says; its files are read below a root directory.

    `cloud` is AWS, AZURE, GOOGLE, ALIBABA, ORACLE, NONE (no cloud), or "" if it is not
    known. In a container it is that of the machine below.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self.cloud = self._cloud()

    def _cloud(self) -> str:
        product = self._read("product_name")
        if product.startswith("Google"):
            return GOOGLE
        if product == "Alibaba Cloud ECS":
            return ALIBABA
        vendor = self._read("sys_vendor")
        if vendor == "Amazon EC2" or self._file("sys/hypervisor/uuid")[:3] == "ec2":
            return AWS
        tag = self._read("chassis_asset_tag")
        if tag in _TAGS:
            return _TAGS[tag]
        if _is_of(vendor, _MAKERS + _DESKTOP_HYPERVISORS):
            return NONE
        if vendor == "Microsoft Corporation":
            # Hyper-V writes a number into the tag: without one, nothing is known.
            is_other = product == "Virtual Machine" and bool(tag)
            return NONE if is_other or product.startswith("Surface") else ""
        is_board = not vendor and _is_of(self._model(), _BOARDS)
        return NONE if is_board else ""

    def is_surely(self, cloud: str) -> bool:
        """Return whether this is surely a machine of a cloud, and no container."""
        return self.cloud == cloud and not self.is_container()

    def excludes(self, cloud: str) -> str:
        """Return maker and model if this is surely not a cloud's machine, else ""."""
        if self.cloud in {"", cloud} or self.is_container():
            return ""
        return self.words()

    def words(self) -> str:
        """Return maker and model as the firmware has them, in printable ASCII."""
        found = f"{self._read('sys_vendor')} {self._read('product_name')}".strip()
        found = "".join(c if c.isascii() and c.isprintable() else "?" for c in found)
        return (found or self._model())[:_MOST_WORDS]

    def is_container(self) -> bool:
        """Return whether this may be a container, which may have another network."""
        if any(os.path.lexists(self._root + mark) for mark in _MARKS):
            return True
        groups = self._file("proc/self/cgroup")
        return any(group in groups for group in _GROUPS)

    def _model(self) -> str:
        return self._file("proc/device-tree/model").rstrip("\0")

    def _read(self, name: str) -> str:
        return self._file(f"sys/class/dmi/id/{name}")

    def _file(self, name: str) -> str:
        try:
            with open(self._root + name, "rb") as file:
                return file.read(_MOST_BYTES).decode("ascii", "replace").strip()
        except OSError:
            return ""


def _is_of(maker: str, makers: tuple[str, ...]) -> bool:
    """Return whether a maker is one of these; further words may follow the name."""
    name = maker.lower()
    return any(
        name.startswith(known) and not name[len(known) : len(known) + 1].isalnum()
        for known in makers
    )


class Silence:
    """The record that a metadata address did not answer, and when.

    It is valid for this boot, host and network. It is a file in the cache's directory.
    Without a cache, a boot id or /proc there is no record.

    address  the address of the cloud's metadata service
    at       when it did not answer, in seconds of this boot
    here     boot, host and network of the record; "" if there is none
    """

    def __init__(self, environment: Environment, cloud: str) -> None:
        """Choose the directory; a cloud's own variables may name it or disable it."""
        own = environment.with_own_record()
        off = parent = ""
        if cloud == AWS:
            from dockcred.system.environment import aws  # noqa: PLC0415 - one cloud's

            off, parent = aws.CACHE_OFF, aws.CACHE_PARENT
        wanted = not (off and own.get(off))
        self._directory = machine.locate(own, parent) if wanted else ""
        self.address = address_of(cloud)
        self.at = 0.0
        self.here = ""

    @property
    def _path(self) -> str:
        return f"{self._directory}/silent-{self.address}"

    def age_s(self) -> float | None:
        """Return the age of the record in seconds; None if there is no valid one."""
        if not self._directory:
            return None
        lines = machine.read_private(self._path, _MOST_BYTES).split("\n")
        here = _here()
        if not here or lines[:1] != [here] or lines[2:] != ["end"]:
            return None
        try:
            at = float(lines[1])
        except ValueError:
            return None
        age = _clock() - at
        if not 0 <= age < HOLDS_S:
            return None
        self.at, self.here = at, here
        return age

    def remember(self) -> None:
        """Record that the address was silent just now."""
        here = _here()
        if not here or not self._directory or not machine.create(self._directory):
            return
        from dockcred.system import private_file  # noqa: PLC0415 - once in HOLDS_S

        at = _clock()
        data = f"{here}\n{at!r}\nend".encode("utf-8", "surrogateescape")
        ends = time.time() + HOLDS_S  # tells the cache's clean-up when to remove it
        try:
            private_file.replace(
                self._path, data, private_file.NEW_FILE, mtime=ends, durable=False
            )
        except OSError:
            return  # a full disk: the next call asks the address again
        self.at, self.here = at, here

    @property
    def left_s(self) -> float:
        """Return for how many more seconds the record is valid."""
        return self.at + HOLDS_S - _clock()


def _clock() -> float:
    """Return seconds since boot, with those asleep; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _here() -> str:
    """Return boot, host and network as one line; "" if one of them is not known."""
    here = machine.machine()
    if here.startswith(machine.UNKNOWN_BOOT):
        return ""
    try:
        network = os.stat("/proc/self/ns/net").st_ino
        with open("/proc/net/route", "rb") as file:
            routes = file.read(65536)
    except OSError:
        return ""
    return f"{here} {network} {int.from_bytes(routes, 'big') % (2**61 - 1):x}"
