"""Start tokens: how the first browser is let in, and nobody who comes after it.

A token is good once, whichever of several workers is asked: it is a file in a folder that only the
user can read, and whoever removes the file has redeemed it.
"""

from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from secrets import token_urlsafe

LEAST = 16
"""Characters of a token that a user chooses."""


def new_secret() -> str:
    """Return 256 random bits that can stand in an address."""
    return token_urlsafe(32)


def issue(tickets: Path) -> str:
    """Return a start token and keep what redeems it; the folder is the user's alone."""
    token = new_secret()
    _ticket(tickets, token).touch(mode=0o600, exist_ok=False)
    return token


def redeem(token: str, *, tickets: Path, standing: str = "") -> bool:
    """Say whether a token lets in: the standing one, or one that was issued and not used yet."""
    if standing and compare_digest(token.encode(), standing.encode()):
        return True
    try:
        _ticket(tickets, token).unlink()
    except FileNotFoundError:
        return False
    return True


def _ticket(tickets: Path, token: str) -> Path:
    # Its hash, so that the folder tells nobody the token and a token names no other file.
    return tickets / sha256(token.encode()).hexdigest()
