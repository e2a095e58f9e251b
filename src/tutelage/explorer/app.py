"""The server as an ASGI application: the page, its assets, the API, and a guard before all."""

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, ExceptionHandler

from tutelage.errors import GraphBusyError, GraphError
from tutelage.explorer.answers import File, UnknownError, UnreadableError, page, problem, to_json
from tutelage.explorer.assets import MISSING, STATIC, Asset, read_assets
from tutelage.explorer.context import Explorer
from tutelage.explorer.operations import OPERATIONS, Operation, load_answers
from tutelage.explorer.safety import START, Guard, has_session
from tutelage.explorer.settings import Settings
from tutelage.explorer.tokens import redeem
from tutelage.graph.store.open import open_store

LARGEST_BODY = 1024 * 1024
"""Bytes of what a POST brings."""

FIRST_PAGE = "/?at=arxiv:2203.08679&within=shipped:dkd"
"""What a started browser sees first: the paper that the toolkit is about."""


def make_app(settings: Settings, *, static: Path = STATIC) -> ASGIApp:
    """Return the whole server; the graph is opened when it starts, and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store = open_store(settings.graph)
        app.state.explorer = Explorer(store=store, runs=settings.runs)
        threading.Thread(target=load_answers, daemon=True).start()
        try:
            yield
        finally:
            store.close()

    app = Starlette(
        routes=ROUTES,
        exception_handlers={
            GraphBusyError: _say(503),
            GraphError: _say(400),
            UnknownError: _say(404),
            UnreadableError: _say(409),
            HTTPException: _no_route,
            Exception: _defect,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # one address, one answer
    app.state.settings = settings
    app.state.assets = read_assets(static)
    return Guard(app, settings)


def _api_route(operation: Operation) -> Route:
    async def endpoint(request: Request) -> Response:
        asked = await _body(request) if operation.has_body else _pairs(request)
        return await run_in_threadpool(_answered, operation, asked, request)

    return Route(operation.path, endpoint, methods=[operation.method])


def _answered(
    operation: Operation, asked: bytes | list[tuple[str, str]], request: Request
) -> Response:
    answer = operation.answer(request.app.state.explorer, operation.question.parse(asked))
    if isinstance(answer, File):
        return _file(answer)
    return _unless_known(request, to_json(answer), "application/json")


def _file(file: File) -> Response:
    headers = {"Cache-Control": "no-store"}
    if file.name:
        headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return Response(file.content, media_type=file.media_type, headers=headers)


def _unless_known(request: Request, content: bytes, media_type: str) -> Response:
    """Send an answer, or only say that the browser has it already."""
    etag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _pairs(request: Request) -> list[tuple[str, str]]:
    try:
        text = request.scope["query_string"].decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        raise GraphError("a query string wants UTF-8.") from None


async def _body(request: Request) -> bytes:
    """Read what a POST brings, and stop reading where it is too much."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LARGEST_BODY:
            raise HTTPException(413, f"A body wants at most {LARGEST_BODY:,} bytes.")
    return bytes(content)


async def _openapi(request: Request) -> Response:
    return _unless_known(request, await run_in_threadpool(_document), "application/json")


@lru_cache(maxsize=1)
def _document() -> bytes:
    from tutelage.explorer.openapi import document

    return to_json(document())


async def _start(request: Request) -> Response:
    """Let a browser in that brings a token; one that is in already needs none."""
    settings: Settings = request.app.state.settings
    token = request.query_params.get("token", "")
    if not (
        has_session(request.headers, settings)
        or redeem(token, tickets=settings.tickets, standing=settings.token)
    ):
        return page(
            403,
            "This address was used already, or is not of this server. Each is good once: stop "
            "`tutelage explore` and start it again for another.",
        )
    answer = RedirectResponse(FIRST_PAGE, status_code=303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(settings.cookie, settings.session, httponly=True, samesite="strict")
    return answer


async def _page(request: Request) -> Response:
    assets: Mapping[str, Asset] = request.app.state.assets
    if not assets:
        return page(503, MISSING)
    return _unless_known(request, assets[""].content, assets[""].media_type)


async def _asset(request: Request) -> Response:
    assets: Mapping[str, Asset] = request.app.state.assets
    name = request.path_params["name"]
    if name not in assets:
        raise HTTPException(404)
    asset = assets[name]
    return Response(asset.content, media_type=asset.media_type, headers=FOREVER)


FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}


def _say(status: int) -> ExceptionHandler:
    """Return what tells an exception's own sentence with a status."""

    def said(request: Request, error: Exception) -> Response:
        sentence = str(error)
        return problem(status, sentence[:1].upper() + sentence[1:])

    return said


def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {404: "There is nothing at this address.", 405: "This address has other methods."}
    return problem(error.status_code, sentences.get(error.status_code, error.detail))


def _defect(request: Request, error: Exception) -> Response:
    # Starlette raises the error again behind this answer, so that the terminal tells all of it.
    return problem(500, "The server met a defect; the terminal it runs in tells more.")


ROUTES = (
    *(_api_route(operation) for operation in OPERATIONS),
    Route("/api/openapi.json", _openapi),
    Route(START, _start),
    Route("/", _page),
    Route("/assets/{name}", _asset),
)
"""Everything that the server answers."""
