"""Where a log-in says that it comes from: told by the client, so that it may be anything."""

from __future__ import annotations

import ipaddress

from domains import readable

LONGEST_PROGRAM = 1_000  # characters; browsers send 100 to 300


def address(text: str | None) -> str | None:
    """The IP address as PostgreSQL takes it, or None for what is none.

    An IPv4 address in IPv6 (`::ffff:10.1.2.3`) is the IPv4 address, and a zone (`fe80::1%eth0`),
    which means something to one machine only, is left out.
    """
    try:
        parsed = ipaddress.ip_address(str(text).strip().partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def network(address: str) -> str:
    """What attempts are counted by: the IPv4 address, or the /64 in which one customer has any
    number of IPv6 addresses."""
    parsed = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((parsed, 32 if parsed.version == 4 else 64), strict=False))


def program(text: str | None) -> str | None:
    """The user agent as PostgreSQL takes it: without NUL, without halves of characters, not longer
    than LONGEST_PROGRAM."""
    return None if text is None else readable(str(text), LONGEST_PROGRAM)
