"""Who may ask what: one guard before every route, so that a new route cannot be forgotten.

A server on the loopback is reached by every page that is open in a browser of this machine
(cross-site requests), by every name that a stranger points at 127.0.0.1 (DNS rebinding), and by
every user of the machine. So a request must name this server exactly, come from its own page or
from nowhere, and bring the cookie of a browser that was let in. All else is refused.
"""

from dataclasses import dataclass
from hmac import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tutelage.explorer.answers import page, problem
from tutelage.explorer.settings import Settings

METHODS = ("GET", "POST", "DELETE")
"""GET changes nothing. HEAD could spend a start token, OPTIONS would be for CORS: neither is."""

LONGEST_QUERY = 64 * 1024
"""Bytes of a query string; more is refused."""

START = "/start"
"""The only path that needs no cookie: it gives one for a token."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""What every answer bears, also a refusal."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further."""

    status: int
    error: str


class Guard:
    """The server's door: refuses requests, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":

            async def dressed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message).update(HEADERS)
                await send(message)

            answer = self._app
            if refused := refusal(scope, self._settings):
                say = problem if scope["path"].startswith("/api/") else page
                answer = say(refused.status, refused.error)
            await answer(scope, receive, dressed)
        else:  # a websocket
            await send({"type": "websocket.close", "code": 1008})


def refusal(scope: Scope, settings: Settings) -> Refusal | None:
    """Say why a request may not go on, or None if it may."""
    headers = Headers(scope=scope)
    for reason in (
        _wrong_host(headers, settings),
        _wrong_origin(headers, settings),
        _wrong_form(scope, headers),
        _no_session(scope, headers, settings),
    ):
        if reason:
            return reason
    return None


def _wrong_host(headers: Headers, settings: Settings) -> Refusal | None:
    hosts = headers.getlist("host")
    if len(hosts) != 1:
        return Refusal(400, "A request wants exactly one Host header.")
    if hosts[0].lower() not in settings.hosts:
        return Refusal(403, "This server does not answer by that name.")
    return None


def _wrong_origin(headers: Headers, settings: Settings) -> Refusal | None:
    if not set(headers.getlist("origin")) <= settings.origins:
        return Refusal(403, "Only the server's own page may ask.")
    # "none" is a person: an address that was typed, a bookmark, a link of another program.
    if not set(headers.getlist("sec-fetch-site")) <= {"same-origin", "none"}:
        return Refusal(403, "Another site sent this request. Open the address by hand instead.")
    return None


def _wrong_form(scope: Scope, headers: Headers) -> Refusal | None:
    if scope["method"] not in METHODS:
        return Refusal(405, f"The methods of this server are {', '.join(METHODS)}.")
    if len(scope["query_string"]) > LONGEST_QUERY:
        return Refusal(414, f"A query wants at most {LONGEST_QUERY:,} bytes.")
    if scope["method"] == "POST":
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # a form of another site cannot say this
            return Refusal(415, "A POST wants Content-Type: application/json.")
    return None


def _no_session(scope: Scope, headers: Headers, settings: Settings) -> Refusal | None:
    if scope["path"] == START or has_session(headers, settings):
        return None
    return Refusal(
        403, "This browser was not let in. Open the address that `tutelage explore` printed."
    )


def has_session(headers: Headers, settings: Settings) -> bool:
    """Say whether a request brings the cookie of a browser that was let in."""
    cookies = cookie_parser(headers.get("cookie", ""))
    return compare_digest(cookies.get(settings.cookie, "").encode(), settings.session.encode())
