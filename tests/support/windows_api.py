"""A model of Windows' API on Linux's files, as Microsoft documents it, so that
`dockcred.system.windows` runs here. tests/windows checks it under Wine."""

# ruff: noqa: N802 - Windows' own names

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from ctypes import c_void_p
from struct import pack, unpack_from
from types import ModuleType, SimpleNamespace
from typing import Any

from dockcred import errors

ROOM = "dockcred.system.windows"
NOT_FOUND, DENIED, LOCK_VIOLATION, IO_PENDING = 2, 5, 33, 997
AT_ONCE = 0x1
EVERYBODY = bytes((1, 1, 0, 0, 0, 0, 0, 1)) + pack("<I", 0)
"""The SID S-1-1-0, which Windows calls Everyone."""


def sid(authority: int, *parts: int) -> bytes:
    """Return the bytes of a SID (security identifier)."""
    head = bytes((1, len(parts))) + authority.to_bytes(6, "big")
    return head + pack(f"<{len(parts)}I", *parts)


ME = sid(5, 21, 1, 2, 3, 1001)
ANOTHER = sid(5, 21, 1, 2, 3, 1002)
SYSTEM, ADMINISTRATORS, USERS = sid(5, 18), sid(5, 32, 544), sid(5, 32, 545)

Entry = tuple[int, int, int, bytes]
"""An access control entry: kind (0 allows, 1 denies), flags, rights, and the SID."""


class Api:
    """The machine: its files' access control lists, locks and running processes."""

    def __init__(self) -> None:
        self.owners: dict[str, bytes] = {}
        self.lists: dict[str, list[Entry] | None] = {}
        self.asked_to_set: list[tuple[str, int]] = []
        self.user, self.owner_of_new = ME, ME
        self.held: dict[tuple[int, int], int] = {}
        self.locks: list[tuple[int, int, int]] = []
        self.refusal = LOCK_VIOLATION
        self.changes: dict[str, int] = {}
        self.processes: dict[int, tuple[int, int]] = {}
        self.started: list[tuple[list[str], dict[str, Any]]] = []
        self.job_keeps_its_own = False
        self.registry: dict[str, str] = {}
        self.uptime = bytes(48)
        self.error = 0
        self._kept: list[Any] = []
        self._handles: dict[int, str] = {}
        self._left: list[int] = []

    # advapi32

    def GetNamedSecurityInfoW(self, path, kind, what, owner, _, listed, __, descriptor):
        if path not in self.owners:
            return NOT_FOUND
        owner._obj.value = self._keep(self.owners[path])
        entries = self.lists[path]
        listed._obj.value = None if entries is None else self._keep(packed(entries))
        descriptor._obj.value = 1
        return 0

    def GetSecurityInfo(self, handle, *more):
        return self.GetNamedSecurityInfoW(os.readlink(f"/proc/self/fd/{handle}"), *more)

    def SetNamedSecurityInfoW(self, path, kind, what, owner, group, listed, _):
        self.asked_to_set.append((path, what))
        (size,) = unpack_from("<H", ctypes.string_at(listed, 8), 2)
        self.owners.setdefault(path, self.owner_of_new)
        self.lists[path] = unpacked(ctypes.string_at(listed, size))
        return 0

    def GetLengthSid(self, pointer):
        return 8 + 4 * ctypes.string_at(pointer, 2)[1]

    def OpenProcessToken(self, process, access, token):
        return 1

    def GetTokenInformation(self, token, kind, buffer, size, written):
        found = {1: self.user, 4: self.owner_of_new}[kind]
        c_void_p.from_buffer(buffer).value = self._keep(found)
        return 1

    # kernel32

    def GetCurrentProcess(self):
        return 1

    def LocalFree(self, pointer):
        return None

    def CloseHandle(self, handle):
        return 1

    def GetFinalPathNameByHandleW(self, handle, name, size, flags):
        name.value = os.readlink(f"/proc/self/fd/{handle}")
        return len(name.value)

    def LockFileEx(self, handle, how, reserved, low, high, where):
        number = getattr(handle, "value", handle)
        status = os.fstat(number)
        file = status.st_dev, status.st_ino
        self.locks.append((how, where[2], low + (high << 32)))
        if self.held.get(file, number) != number:
            assert how & AT_ONCE, "this waits"
            self.error = self.refusal
            return 0
        self.held[file] = number
        return 1

    def CreateFileW(self, path, *_):
        handle = 1000 + len(self._handles)
        self._handles[handle] = path
        return handle

    def GetFileInformationByHandleEx(self, handle, kind, buffer, size):
        changed = self.changes.get(self._handles[handle])
        if changed is None:
            return 0
        buffer.raw = pack("<4QI4x", 1, 2, 3, changed, 0)
        return 1

    def CreateToolhelp32Snapshot(self, what, pid):
        self._left = sorted(self.processes)
        return 1

    def Process32FirstW(self, snapshot, entry):
        if not self._left:
            return 0
        pid = self._left.pop(0)
        entry._obj.pid, entry._obj.parent = pid, self.processes[pid][0]
        return 1

    Process32NextW = Process32FirstW

    def OpenProcess(self, access, inherits, pid):
        return pid if pid in self.processes else None

    def GetProcessTimes(self, handle, began, *_):
        at = self.processes[handle.value][1]
        began._obj.dwHighDateTime, began._obj.dwLowDateTime = at >> 32, at & 0xFFFFFFFF
        return 1

    # ntdll, the registry, and Python's own

    def NtQuerySystemInformation(self, what, buffer, size, written):
        buffer.raw = self.uptime
        return 0

    def QueryValueEx(self, key, name):
        if name not in self.registry:
            raise FileNotFoundError(name)
        return self.registry[name], 1

    def Popen(self, command, **how):
        if how["creationflags"] & 0x1000000 and self.job_keeps_its_own:
            raise PermissionError(13, "denied")
        written: list[bytes] = []
        self.started.append((command, how | {"written": written}))
        stdin = SimpleNamespace(write=written.append, close=lambda: written.append(b""))
        return SimpleNamespace(stdin=stdin, returncode=None)

    def _keep(self, data: bytes) -> int:
        buffer = ctypes.create_string_buffer(data, len(data))
        self._kept.append(buffer)
        return ctypes.addressof(buffer)


def packed(entries: list[Entry]) -> bytes:
    """Return an access control list's bytes."""
    made = b"".join(
        pack("<BBHI", kind, flags, 8 + len(who), mask) + who
        for kind, flags, mask, who in entries
    )
    return pack("<BBHHH", 2, 0, 8 + len(made), len(entries), 0) + made


def unpacked(data: bytes) -> list[Entry]:
    """Return the entries of an access control list."""
    found, at = [], 8
    for _ in range(unpack_from("<H", data, 4)[0]):
        kind, flags, size, mask = unpack_from("<BBHI", data, at)
        found.append((kind, flags, mask, data[at + 8 : at + size]))
        at += size
    return found


class Status(tuple):
    """An os.stat_result with the fields that it has on Windows only."""

    __slots__ = ()
    NAMES = ("st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size")

    def __new__(cls, fields: Sequence[int], named: Mapping[str, float]) -> Any:
        kind = type(
            cls.__name__,
            (tuple,),
            {**dict(zip(cls.NAMES, fields, strict=False)), **named},
        )
        return kind(fields)


class _Os:
    """Linux's `os`, whose stat functions return what they return on Windows."""

    stat_result = Status

    def __init__(self) -> None:
        for name in ("stat", "lstat", "fstat"):
            setattr(self, name, functools.partial(self._look, getattr(os, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def _look(call: Callable[[Any], os.stat_result], of: Any) -> Any:
        found = call(of)
        named = {name: getattr(found, name) for name in dir(found) if name[:3] == "st_"}
        named |= {"st_file_attributes": 0x20, "st_reparse_tag": 0}
        return Status(found[:10], named)


class _Library:
    """A DLL; its functions have attributes for the types of arguments and result."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._api, name)

        def function(*values: Any) -> Any:
            return method(*values)

        setattr(self, name, function)
        return function


@contextlib.contextmanager
def windows(monkeypatch: Any) -> Iterator[tuple[Api, ModuleType]]:
    """Load `dockcred.system.windows` with a new Api; unload it when the block ends."""
    api = Api()
    api.registry["ProgramData"] = r"C:\ProgramData"
    library = _Library(api)
    opened = contextlib.nullcontext()
    modules = {
        "msvcrt": SimpleNamespace(get_osfhandle=lambda descriptor: descriptor),
        "winreg": SimpleNamespace(
            HKEY_LOCAL_MACHINE=0,
            OpenKey=lambda *_: opened,
            QueryValueEx=api.QueryValueEx,
            ExpandEnvironmentStrings=lambda text: text,
        ),
    }
    before = {name for name in sys.modules if name.startswith(ROOM)}
    assert not before, before
    with monkeypatch.context() as patch:
        patch.setattr(errors, "in_shell", None)  # dockcred.system.windows sets it
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        patch.setattr(sys, "platform", "win32")
        patch.setattr(ctypes, "WinDLL", lambda *_, **__: library, raising=False)
        patch.setattr(
            ctypes,
            "windll",
            SimpleNamespace(kernel32=library, ntdll=library),
            raising=False,
        )
        patch.setattr(ctypes, "get_last_error", lambda: api.error, raising=False)
        patch.setattr(
            ctypes, "FormatError", lambda code: f"error {code}", raising=False
        )
        patch.setattr(
            ctypes, "WinError", lambda code: OSError(code, "Windows"), raising=False
        )
        patch.setattr(os, "O_BINARY", 0, raising=False)
        patch.setattr(os, "O_NOINHERIT", 0, raising=False)
        try:
            half = importlib.import_module(ROOM)
            importlib.import_module(f"{ROOM}.processes")
            half.os = half.access.os = _Os()
            patch.setattr(sys, "platform", "linux")
            yield api, half
        finally:
            for name in [name for name in sys.modules if name.startswith(ROOM)]:
                del sys.modules[name]
