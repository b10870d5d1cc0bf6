"""Check the realm, the URL at which a registry has us ask for a token.

A stranger may have chosen it, so the rules are those of the strictest client, without
exception. A public registry may name a public https host, never this machine, its
network or its metadata service. A registry on this machine or its network may name a
host that is equally near, or farther away.
"""

from __future__ import annotations

import ipaddress
import socket
from enum import IntEnum

from dockcred.errors import RefusedError
from dockcred.transport import connection
from dockcred.transport.target import METADATA_HOSTS, Target, is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Reach(IntEnum):
    """How far from this machine an address is."""

    MACHINE = 0
    NETWORK = 1
    WORLD = 2
    METADATA = -1


def check(realm: str, registry: str, environment: Environment) -> None:
    """Raise RefusedError unless a registry (host[:port]) may name this realm's URL."""
    if not realm.isascii() or not realm.isprintable() or " " in realm:
        raise _refused("it is no URL")
    here = Target(f"https://{registry}")
    there = Target(realm)
    if not there.tls and not (is_loopback(there.host) and is_loopback(here.host)):
        raise _refused(f"{there.netloc} without TLS would see the credential")
    found = _nearest(there, environment)
    if found is Reach.METADATA:
        raise _refused(f"{there.host} is where a machine's identity is told")
    if found < _nearest(here, environment):
        raise _refused(f"{there.host} is inside, where {here.host} is not")


def _nearest(target: Target, environment: Environment) -> Reach:
    """Return the reach of a host's nearest address.

    If a proxy resolves the name, refusing it is left to the proxy; an address in the
    place of a name is still checked here.
    """
    if target.host in METADATA_HOSTS:
        return Reach.METADATA
    if is_loopback(target.host):
        return Reach.MACHINE
    flags = 0
    if connection.proxy_for(target, environment):
        flags = socket.AI_NUMERICHOST
    try:
        found = socket.getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM, flags=flags
        )
    except (OSError, UnicodeError):
        return Reach.WORLD  # it does not resolve, so nothing can be asked there
    return min(_reach(str(each[4][0])) for each in found)


def _reach(text: str) -> Reach:
    address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_link_local or str(address) in METADATA_HOSTS:
        return Reach.METADATA
    if address.is_loopback or address.is_unspecified:
        return Reach.MACHINE
    return Reach.WORLD if address.is_global else Reach.NETWORK


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address embeds, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _refused(why: str) -> RefusedError:
    return RefusedError(
        f"the registry's realm is refused: {why}",
        "see WWW-Authenticate of its /v2/: a good registry names a public https host",
    )
