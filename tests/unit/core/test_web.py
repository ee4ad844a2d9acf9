"""What every call shares: problems, headers, limits of a body."""

import contextlib
import traceback
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
import structlog
from fastapi import FastAPI, Request, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.responses import Response, StreamingResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from core.errors import DatabaseDown, Problem, too_many
from core.web import ResponseBroken, bearer_token, client_address, file_response, install

FILE_LIMIT = 1024 * 1024
OVERHEAD = 64 * 1024
SECRET = "112-233-445 95"


class Words(BaseModel):
    text: Annotated[str, Field(max_length=10)]
    count: int = 0


def make_app() -> FastAPI:
    app = FastAPI()
    install(app, max_file_bytes=FILE_LIMIT)

    @app.post("/api/words")
    async def words(given: Words) -> Words:
        return given

    @app.post("/api/files")
    async def files(file: UploadFile) -> int:
        return len(await file.read())

    @app.get("/api/problem")
    async def problem() -> None:
        raise too_many(7)

    @app.get("/api/fault")
    async def fault() -> None:
        raise RuntimeError(SECRET)

    @app.get("/api/outage")
    async def outage() -> None:
        raise DatabaseDown("AdminShutdown")

    @app.websocket("/api/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        raise DatabaseDown("AdminShutdown")

    @app.get("/api/late-fault")
    async def late_fault() -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun"
            raise RuntimeError(SECRET)

        return StreamingResponse(parts())

    @app.get("/page")
    async def page() -> str:
        return "page"

    @app.get("/api/download")
    async def download(name: str) -> Response:
        return file_response(name, b"content", "image/png")

    @app.get("/api/token")
    async def token(request: Request) -> str:
        return bearer_token(request)

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


def check_problem(response: httpx.Response, status: int, key: str) -> dict[str, object]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = response.json()
    assert (document["type"], document["status"]) == (f"urn:otklik:problem:{key}", status)
    assert document["title"]
    assert document["detail"]
    return document


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "key"),
    [
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("DELETE", "/api/words", None, 405, "method_not_allowed"),
        ("POST", "/api/words", b"{", 400, "malformed"),
        ("POST", "/api/words", b"\xff\xfe", 400, "malformed"),
        ("POST", "/api/words", b"[" * 100_000, 400, "malformed"),
        ("POST", "/api/words", b"[]", 400, "malformed"),
        ("POST", "/api/words", b'{"text": 5}', 422, "malformed_field"),
        ("GET", "/api/problem", None, 429, "too_many"),
        ("GET", "/api/fault", None, 500, "internal"),
        ("GET", "/api/outage", None, 503, "database_down"),
    ],
    ids=lambda value: value.decode(errors="replace")[:10] if isinstance(value, bytes) else None,
)
async def test_every_error_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, body: bytes | None, status: int, key: str
) -> None:
    headers = {"content-type": "application/json"} if body else None
    check_problem(await client.request(method, path, content=body, headers=headers), status, key)


async def test_each_wrong_field_is_named(client: httpx.AsyncClient) -> None:
    document = check_problem(await client.post("/api/words", json={"count": "many"}), 422, "malformed_field")
    assert document["errors"] == [
        {"field": "text", "message": "Не хватает поля «text»."},
        {"field": "count", "message": "Поле «count» заполнено неверно."},
    ]
    assert document["detail"] == "Не хватает поля «text»."


async def test_what_was_written_is_not_echoed(client: httpx.AsyncClient) -> None:
    assert SECRET not in (await client.post("/api/words", json={"text": SECRET})).text
    assert SECRET not in (await client.get("/api/fault")).text


@pytest.mark.parametrize(("path", "broken"), [("/api/fault", False), ("/api/late-fault", True)])
async def test_a_faults_text_reaches_neither_log_nor_server(path: str, broken: bool) -> None:
    raised = pytest.raises(ResponseBroken) if broken else contextlib.nullcontext()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app()), base_url="http://desk") as client:
        with structlog.testing.capture_logs() as logged, raised as caught:
            await client.get(path)
    (event,) = logged
    assert (event["event"], event["error"], event["route"]) == ("request_failed", "RuntimeError", path)
    assert SECRET not in str(logged)
    assert caught is None or SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_socket_is_closed_for_coming_back_when_the_database_is_down() -> None:
    with TestClient(make_app()).websocket_connect("/api/socket") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert closed.value.code == 1012


async def test_says_when_to_come_again(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/outage")).headers["retry-after"] == "5"
    assert (await client.get("/api/problem")).headers["retry-after"] == "7"


@pytest.mark.parametrize("path", ["/page", "/api/problem", "/api/nothing", "/api/fault"])
async def test_security_headers_are_on_every_answer(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers.get("cache-control") == ("no-store" if path.startswith("/api/") else None)


async def undeclared(content: bytes) -> AsyncIterator[bytes]:
    """Sent in pieces, without a Content-Length."""
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient, declared: bool) -> None:
    content = b'{"text": "' + b" " * 300_000 + b'"}'
    headers = {"content-type": "application/json"}
    response = await client.post("/api/words", content=content if declared else undeclared(content), headers=headers)
    check_problem(response, 413, "body_too_large")


def multipart(size: int) -> tuple[bytes, dict[str, str]]:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return head + bytes(size) + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize("declared", [True, False])
async def test_a_file_over_the_limit_is_refused(client: httpx.AsyncClient, declared: bool) -> None:
    content, headers = multipart(FILE_LIMIT + OVERHEAD)
    response = await client.post("/api/files", content=content if declared else undeclared(content), headers=headers)
    document = check_problem(response, 413, "file_too_large")
    assert document["detail"] == "Файл больше 1 МБ."


@pytest.mark.parametrize("declared", [True, False])
async def test_a_file_at_the_limit_is_taken(client: httpx.AsyncClient, declared: bool) -> None:
    content, headers = multipart(FILE_LIMIT)
    response = await client.post("/api/files", content=content if declared else undeclared(content), headers=headers)
    assert response.json() == FILE_LIMIT


@pytest.mark.parametrize("length", ["-5", "many", "1e9"])
async def test_a_length_that_is_no_number_lifts_no_limit(client: httpx.AsyncClient, length: str) -> None:
    content = b'{"text": "' + b" " * 300_000 + b'"}'
    headers = {"content-type": "application/json", "content-length": length}
    assert (await client.post("/api/words", content=undeclared(content), headers=headers)).status_code == 413


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("a.png", "attachment; filename=\"a.png\"; filename*=UTF-8''a.png"),
        ("снимок 1.png", "attachment; filename=\"_______1.png\"; filename*=UTF-8''%D1%81%D0%BD%D0%B8%D0%BC%D0%BE%D0%BA%201.png"),
        ('a";\r\nX: y', "attachment; filename=\"a____X__y\"; filename*=UTF-8''a%22%3B%0D%0AX%3A%20y"),
    ],
)
async def test_a_file_is_a_download_whatever_its_name(client: httpx.AsyncClient, name: str, disposition: str) -> None:
    headers = (await client.get("/api/download", params={"name": name})).headers
    assert headers["content-disposition"] == disposition
    assert headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("header", "token"), [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("Bearer", ""), ("", ""), ("abc", "")]
)
async def test_reads_a_bearer_token(client: httpx.AsyncClient, header: str, token: str) -> None:
    assert (await client.get("/api/token", headers={"authorization": header})).json() == token


def test_a_problem_without_a_field_has_no_errors() -> None:
    assert "errors" not in Problem(404, "not_found").document()


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_limits_count_a_whole_line_as_one_address(host: str, counted: str) -> None:
    assert client_address(Request({"type": "http", "client": (host, 1), "headers": []})) == counted
