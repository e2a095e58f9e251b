"""What a server of the explorer is told at its start; every worker gets a copy."""

import ipaddress
import socket
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where the graph is, by which names the server answers, and its secrets."""

    graph: str  # a file, or postgresql://...
    runs: Path
    port: int
    hosts: frozenset[str]  # exact values of the Host header, such as "localhost:8410"
    session: str = field(repr=False)  # what the cookie of a started browser holds
    tickets: Path  # folder of the start tokens that were not used yet
    token: str = field(default="", repr=False)  # one that stays good, if a user chose one

    @property
    def origins(self) -> frozenset[str]:
        """The server's own values of the Origin header."""
        return frozenset(f"http://{host}" for host in self.hosts)

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies know no ports, so two servers need two names."""
        return f"tutelage_{self.port}"


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach a server that listens there.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("127.0.0.2")
    (True, True, True)
    >>> is_loopback("0.0.0.0"), is_loopback("graph.example.org")
    (False, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def known_as(host: str, port: int) -> frozenset[str]:
    """The exact Host headers by which a server that listens on `host` may be asked.

    On every address ("0.0.0.0", "::") that is the machine's own name and addresses.

    >>> sorted(known_as("127.0.0.1", 8410))
    ['127.0.0.1:8410', '[::1]:8410', 'localhost:8410']
    >>> "10.1.2.3" in known_as("10.1.2.3", 80)
    True
    """
    names = {*LOOPBACK, _bracketed(host)}
    if host in ("0.0.0.0", "::"):
        names |= {_bracketed(name) for name in _own_names()}
    told = {f"{name}:{port}".lower() for name in names}
    # Browsers leave the usual port out.
    return frozenset(told | {name.lower() for name in names} if port == 80 else told)


def _own_names() -> set[str]:
    name = socket.gethostname()
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        found = []
    return {name, *(str(address[0]).partition("%")[0] for *_, address in found)}


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name
