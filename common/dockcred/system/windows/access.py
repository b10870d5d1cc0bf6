"""Owner and access control list of a file on Windows, as a POSIX owner and mode.

The owner is US (this user), SYSTEM (an account of the system, number 0) or STRANGER. In
the mode, others may read, write or enter if an entry of the list allows that to anyone
but this user and the system.
https://learn.microsoft.com/windows/win32/secauthz/access-control-lists
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from ctypes import byref, c_void_p, wintypes
from functools import cache
from struct import pack, unpack_from

if sys.platform != "win32":
    raise ImportError("this is Windows' half")

US, SYSTEM, STRANGER = 1000, 0, 2**31 - 2
_FILE_OBJECT, _OWNER, _LIST, _PROTECTED = 1, 0x1, 0x4, 0x80000000
_QUERY, _TOKEN_USER, _TOKEN_OWNER = 0x8, 1, 4
_ALLOWS, _ALLOWS_IF, _ONLY_INHERITED = 0, 9, 0x8
_READS, _ENTERS = 0x80000001 | 0x10000000, 0x20
# To write or append, to remove it or what is in it, to change its list or owner.
_WRITES = 0x2 | 0x4 | 0x40 | 0x10000 | 0x40000 | 0x80000 | 0x50000000
_EVERYTHING, _BY_ALL_WITHIN = 0x1F01FF, 0x3
_LONGEST_NAME = 32768


def _sid(authority: int, *parts: int) -> bytes:
    head = bytes((1, len(parts))) + authority.to_bytes(6, "big")
    return head + pack(f"<{len(parts)}I", *parts)


_LOCAL_SYSTEM, _ADMINISTRATORS = _sid(5, 18), _sid(5, 32, 544)
_INSTALLER = _sid(
    5, 80, 956008885, 3418522649, 1831038044, 1853292631, 2271478464
)  # TrustedInstaller, to whom Windows' own files belong
_OF_SYSTEM = {_LOCAL_SYSTEM, _ADMINISTRATORS, _INSTALLER}
_OF_OWNER = {_sid(3, 0), _sid(3, 4)}  # CREATOR OWNER, OWNER RIGHTS

_security = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.GetCurrentProcess.restype = wintypes.HANDLE
_kernel.LocalFree.argtypes = (c_void_p,)
_kernel.GetFinalPathNameByHandleW.argtypes = (
    *(wintypes.HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD),
)
_security.GetLengthSid.argtypes = (c_void_p,)
_security.OpenProcessToken.argtypes = (wintypes.HANDLE, wintypes.DWORD, c_void_p)
_security.GetTokenInformation.argtypes = (
    *(wintypes.HANDLE, ctypes.c_int, c_void_p, wintypes.DWORD, c_void_p),
)
_look = (ctypes.c_int, wintypes.DWORD, *(c_void_p,) * 5)
_security.GetNamedSecurityInfoW.argtypes = (wintypes.LPCWSTR, *_look)
_security.GetSecurityInfo.argtypes = (wintypes.HANDLE, *_look)
_security.SetNamedSecurityInfoW.argtypes = (
    *(wintypes.LPWSTR, ctypes.c_int, wintypes.DWORD, *(c_void_p,) * 4),
)


def seen(status: os.stat_result, of: str | int) -> os.stat_result:
    """Return a status with owner and mode of a path or an open file's handle.

    If they cannot be read, the owner is STRANGER, and others may do everything.
    """
    try:
        owner, entries = _read(of)
    except OSError:
        return _with(status, STRANGER, 0o007)
    ours = _of_token()
    trusted = ours | _OF_SYSTEM | _OF_OWNER
    others = 0
    for sid, mask in entries:
        if sid not in trusted:
            others |= (
                (0o4 if mask & _READS else 0)
                | (0o2 if mask & _WRITES else 0)
                | (0o1 if mask & _ENTERS else 0)
            )
    if owner in ours:
        return _with(status, US, others)
    return _with(status, SYSTEM if owner in _OF_SYSTEM else STRANGER, others)


def _with(status: os.stat_result, owner: int, others: int) -> os.stat_result:
    kept = status.st_mode & ~(stat.S_IRWXG | stat.S_IRWXO)
    return altered(status, {stat.ST_MODE: kept | others, stat.ST_UID: owner})


def altered(
    status: os.stat_result, numbered: dict[int, int], **named: int
) -> os.stat_result:
    """Return a status with values replaced, by their numbers in `stat` or by name."""
    fields = [numbered.get(number, value) for number, value in enumerate(status)]
    kept = {
        name: getattr(status, name)
        for name in ("st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "st_atime",
                     "st_atime_ns", "st_file_attributes", "st_reparse_tag")
    }  # fmt: skip
    return os.stat_result(fields, kept | named)


def restrict(path: str) -> None:
    """Close a path to all but this user and the system; raise OSError."""
    within = _BY_ALL_WITHIN if os.path.isdir(path) else 0
    entries = b"".join(
        pack("<BBHI", _ALLOWS, within, 8 + len(sid), _EVERYTHING) + sid
        for sid in (*sorted(_of_token()), _LOCAL_SYSTEM, _ADMINISTRATORS)
    )
    count = len(_of_token()) + 2
    head = pack("<BBHHH", 2, 0, 8 + len(entries), count, 0)
    made = ctypes.create_string_buffer(head + entries)
    _set(path, ctypes.cast(made, c_void_p))


def owner_name(path: str) -> str:
    """Return the name of a path's owner, or the number of the account."""
    owner, _, descriptor = _ask(path)
    try:
        name, domain = (ctypes.create_unicode_buffer(256) for _ in range(2))
        sizes = [wintypes.DWORD(256) for _ in range(2)]
        kind = ctypes.c_int()
        where = (name, byref(sizes[0]), domain, byref(sizes[1]), byref(kind))
        _security.LookupAccountSidW.argtypes = (wintypes.LPCWSTR, *(c_void_p,) * 6)
        if _security.LookupAccountSidW(None, owner, *where):
            return f"{domain.value}\\{name.value}".strip("\\")
        return f"account {_bytes(owner).hex()}"
    finally:
        _kernel.LocalFree(descriptor)


def copy(old: str, new: int) -> None:
    """Copy a file's access control list to the file of a handle; raise OSError."""
    # A handle for writing may not set the list: use the file's name.
    name = ctypes.create_unicode_buffer(_LONGEST_NAME)
    if not _kernel.GetFinalPathNameByHandleW(new, name, _LONGEST_NAME, 0):
        raise ctypes.WinError(ctypes.get_last_error())
    _, listed, descriptor = _ask(old)
    try:
        _set(name.value, listed)
    finally:
        _kernel.LocalFree(descriptor)


def _set(path: str, listed: c_void_p) -> None:
    what = _LIST | _PROTECTED
    _check(
        _security.SetNamedSecurityInfoW(
            path, _FILE_OBJECT, what, None, None, listed, None
        ),
        path,
    )


def _read(of: str | int) -> tuple[bytes, list[tuple[bytes, int]]]:
    """Return the owner, and the accounts in the list with what each may do."""
    owner, listed, descriptor = _ask(of)
    try:
        return _bytes(owner), _entries(listed)
    finally:
        _kernel.LocalFree(descriptor)


def _ask(of: str | int) -> tuple[c_void_p, c_void_p, c_void_p]:
    owner, listed, descriptor = c_void_p(), c_void_p(), c_void_p()
    ask = (
        _security.GetSecurityInfo
        if isinstance(of, int)
        else _security.GetNamedSecurityInfoW
    )
    what = (_FILE_OBJECT, _OWNER | _LIST, byref(owner), None, byref(listed), None)
    _check(ask(of, *what, byref(descriptor)), of)
    return owner, listed, descriptor


def _check(code: int, of: str | int) -> None:
    if code:
        raise OSError(None, ctypes.FormatError(code).strip(), str(of), code)


def _bytes(sid: c_void_p) -> bytes:
    return ctypes.string_at(sid, _security.GetLengthSid(sid)) if sid.value else b""


def _entries(listed: c_void_p) -> list[tuple[bytes, int]]:
    """Parse the list into accounts and masks; no list allows all to everybody."""
    if not listed.value:
        return [(b"", _EVERYTHING)]
    (length,) = unpack_from("<H", ctypes.string_at(listed, 8), 2)
    data = ctypes.string_at(listed, length)
    (count,) = unpack_from("<H", data, 4)
    found, at = [], 8
    for _ in range(count):
        kind, flags, size, mask = unpack_from("<BBHI", data, at)
        if kind in {_ALLOWS, _ALLOWS_IF} and not flags & _ONLY_INHERITED:
            sid = data[at + 8 : at + size]
            found.append((sid[: 8 + 4 * sid[1]], mask))
        at += size
    return found


@cache
def _of_token() -> frozenset[bytes]:
    """Return the accounts of this user and of the owner of this process's new files."""
    token = wintypes.HANDLE()
    if not _security.OpenProcessToken(
        _kernel.GetCurrentProcess(), _QUERY, byref(token)
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    found = []
    for kind in (_TOKEN_USER, _TOKEN_OWNER):
        buffer, size = ctypes.create_string_buffer(256), wintypes.DWORD()
        if not _security.GetTokenInformation(token, kind, buffer, 256, byref(size)):
            raise ctypes.WinError(ctypes.get_last_error())
        found.append(_bytes(c_void_p.from_buffer(buffer)))
    _kernel.CloseHandle(token)
    user, owner = found
    # An administrator's new files may belong to that group: then they are ours too.
    return frozenset({user, owner} & {user, _ADMINISTRATORS})
