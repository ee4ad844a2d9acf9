"""What every page and every call share: problems as application/problem+json, security headers, body limits."""

import ipaddress
import re
from collections.abc import AsyncIterator, Collection
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.datastructures import MutableHeaders, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import DatabaseDown, Problem, invalid
from core.facts import MB, size_words
from core.sockets import COME_BACK
from core.words import say

log = structlog.get_logger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BODY_OVERHEAD_BYTES = 64 * 1024  # multipart boundaries and fields around a file
_JSON_BYTES = 256 * 1024
_RETRY_SECONDS = 5
_PAGE_FORM_PATIENCE = 10  # so many times the limit is read, and let go, before the browser is cut off
_HTTP_PROBLEMS = {400: "malformed", 404: "not_found", 405: "method_not_allowed"}


def problem_response(problem: Problem) -> JSONResponse:
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else None
    return JSONResponse(problem.document(), problem.status, headers, media_type="application/problem+json")


def install(app: FastAPI, max_file_bytes: int, page_forms: Collection[str] = ()) -> None:
    """Makes ``app`` answer every error as a problem and set the security headers.

    ``page_forms``: paths of forms with files that browsers send, and that bound the files themselves (core/posted_forms.py).
    """
    app.add_middleware(Faults)
    app.add_middleware(BodyLimit, max_file_bytes=max_file_bytes, page_forms=page_forms)
    app.add_middleware(SecurityHeaders)
    # An upload that is being read stays in memory: a temporary file on disk would hold it in the clear.
    MultiPartParser.spool_max_size = max_file_bytes + _BODY_OVERHEAD_BYTES

    @app.exception_handler(Problem)
    async def on_problem(_request: Request, problem: Problem) -> Response:
        return problem_response(problem)

    @app.exception_handler(DatabaseDown)
    async def on_database_down(connection: Request | WebSocket, error: DatabaseDown) -> Response | None:
        log.warning("database_down", reason=str(error))
        if isinstance(connection, WebSocket):
            await connection.close(COME_BACK)
            return None
        return problem_response(Problem(503, "database_down", retry_after=_RETRY_SECONDS))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> Response:
        return _invalid_response(error)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 413:
            is_file = request.headers.get("content-type", "").startswith("multipart/")
            return problem_response(_body_too_large(max_file_bytes if is_file else _JSON_BYTES))
        known = _HTTP_PROBLEMS.get(error.status_code)
        return problem_response(Problem(error.status_code, known) if known else Problem(400, "malformed"))


class ResponseBroken(Exception):
    """A fault after the answer had begun: the connection is closed."""


class Faults:
    """Answers a fault as a problem and keeps it from the server, which would log its text: that may quote what somebody wrote."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        begun = scope["type"] != "http"

        async def noticing(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer
            route = getattr(scope.get("route"), "path", "?")
            log.error("request_failed", method=scope.get("method", "WS"), route=route, error=type(error).__name__, at=place_of(error))
            if begun:
                raise ResponseBroken from None
            await problem_response(Problem(500, "internal"))(scope, receive, send)


def place_of(error: BaseException) -> str:
    """Module and line where ``error`` arose: what a log may hold of it."""
    place, trace = "?", error.__traceback__
    while trace:
        place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _invalid_response(error: RequestValidationError) -> Response:
    found = error.errors()
    if any(item["type"] == "json_invalid" or item["loc"] == ("body",) for item in found):
        return problem_response(Problem(400, "malformed"))
    problem = Problem(422, "malformed_field", {"field": _field(found[0])}, _field(found[0]))
    document: dict[str, Any] = problem.document()
    document["errors"] = [
        {"field": _field(item), "message": say("missing_field" if item["type"] == "missing" else "malformed_field", field=_field(item))}
        for item in found
    ]
    document["detail"] = document["errors"][0]["message"]
    return JSONResponse(document, 422, media_type="application/problem+json")


def _field(item: dict[str, Any]) -> str:
    names = [str(part) for part in item["loc"] if part not in ("body", "path", "query")]
    return ".".join(names) or "body"


class SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Stops reading a body that is larger than any call takes, declared or not.

    A page's form is read on for a while: a browser that is cut off shows no answer, and what was typed is lost.
    """

    def __init__(self, app: ASGIApp, max_file_bytes: int, page_forms: Collection[str]) -> None:
        self._app = app
        self._max_file_bytes = max_file_bytes
        self._page_forms = page_forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        is_file = headers.get(b"content-type", b"").startswith(b"multipart/")
        is_page_form = is_file and scope["path"] in self._page_forms
        limit = self._max_file_bytes + _BODY_OVERHEAD_BYTES if is_file else _JSON_BYTES
        if is_page_form:
            limit *= _PAGE_FORM_PATIENCE
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit and not is_page_form:
            await problem_response(_body_too_large(limit))(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413)
            return message

        await self._app(scope, limited, send)


def _body_too_large(limit: int) -> Problem:
    if limit < MB:
        return Problem(413, "body_too_large", {"limit": f"{limit // 1024} КБ"})
    return Problem(413, "file_too_large", {"limit": size_words(limit // MB * MB)})


def client_address(request: Request) -> str:
    """What limits count as one address: of IPv6 the /64, as that is what one line is given."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def bearer_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def file_response(name: str, content: bytes | AsyncIterator[bytes], content_type: str, size: int | None = None) -> Response:
    """A download: never shown in place, whatever is inside. ``size``: of a content that comes in parts, so that a cut one is noticed."""
    fallback = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "private, no-store",
    }
    if isinstance(content, bytes):
        return Response(content, media_type=content_type, headers=headers)
    if size is not None:
        headers["Content-Length"] = str(size)
    return StreamingResponse(content, media_type=content_type, headers=headers)


# What the body of an upload is, for /openapi.json.
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
            }
        },
    }
}


async def read_upload(request: Request) -> tuple[str, bytes]:
    """Name and content of the multipart field ``file``. Problem 400, 413, 422."""
    async with request.form(max_files=1, max_fields=5) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise invalid("file", "missing_field", field="file")
        return file.filename or "", await file.read()
