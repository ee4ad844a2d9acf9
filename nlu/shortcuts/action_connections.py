"""Kept connections to the action server.

Rasa opens an aiohttp session at each call and closes it, the connection with it. Kept open, a session still takes 2.3 ms of the 10.5 ms of
processor time that a turn costs Rasa: what it can (cookies, redirects, proxies, tracing) is of no use on loopback. Whatever is not the
plain call that an action is goes Rasa's way, and errors are those that Rasa expects.
"""

import asyncio
import json
from typing import Any, List, Optional
from urllib.parse import urlsplit

from aiohttp import ClientConnectionError, ClientPayloadError, ServerDisconnectedError
from async_timeout import timeout as time_limit
from httptools import HttpParserError, HttpResponseParser
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

_request_as_rasa_does = EndpointConfig.request


class Answer:
    """An HTTP answer as the parser tells it. ``whole`` becomes whether the connection may be used again."""

    def __init__(self) -> None:
        self.reason = self.content_type = ""
        self.body = b""
        self.whole: "asyncio.Future[bool]" = asyncio.get_running_loop().create_future()
        self.parser = HttpResponseParser(self)

    def on_status(self, reason: bytes) -> None:
        self.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self.content_type = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.whole.set_result(bool(self.parser.should_keep_alive()))


class Connection(asyncio.Protocol):
    """One call at a time. ``is_free``: may be used for the next one."""

    def __init__(self) -> None:
        self.is_free = True
        self._answer: Optional[Answer] = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            return self.close()  # nobody asked
        try:
            self._answer.parser.feed_data(data)
        except HttpParserError as error:
            self._fail(ClientPayloadError(str(error)))

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._fail(ClientConnectionError(str(error)) if error else ServerDisconnectedError())

    async def call(self, request: bytes) -> Answer:
        """ClientConnectionError, ClientPayloadError."""
        answer = self._answer = Answer()
        self.is_free = False
        self._transport.write(request)
        try:
            self.is_free = await answer.whole
        finally:
            self._answer = None
            if not self.is_free:
                self.close()
        return answer

    def close(self) -> None:
        self.is_free = False
        self._transport.close()

    def _fail(self, error: Exception) -> None:
        self.is_free = False
        if self._answer and not self._answer.whole.done():
            self._answer.whole.set_exception(error)


async def _request(self: EndpointConfig, method: str = "post", **options: Any) -> Any:
    """The JSON answer, None if it is none. ClientResponseError, other errors of aiohttp, asyncio.TimeoutError."""
    wanted = {name for name, value in options.items() if value}
    plain = method == "post" and {"json"} <= wanted <= {"json", "timeout"} and str(self.url).startswith("http://")
    if not plain or self.params or self.token or self.headers or self.basic_auth or self.cafile:
        return await _request_as_rasa_does(self, method, **options)
    async with time_limit(options.get("timeout")):
        answer = await _post(self, options["json"])
    status = answer.parser.get_status_code()
    if status >= 400:
        raise ClientResponseError(status, answer.reason, answer.body)
    is_json = answer.content_type.partition(";")[0].strip().lower() == "application/json"
    return json.loads(answer.body) if is_json and answer.body.strip() else None


async def _post(endpoint: EndpointConfig, content: Any) -> Answer:
    url = urlsplit(endpoint.url)
    body = json.dumps(content).encode()
    head = (
        f"POST {url._replace(scheme='', netloc='', fragment='').geturl() or '/'} HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    kept: List[Connection] = vars(endpoint).setdefault("kept_connections", [])
    connection = None
    while kept and not (connection and connection.is_free):
        connection = kept.pop()
    if not (connection and connection.is_free):
        try:
            _, connection = await asyncio.get_running_loop().create_connection(Connection, str(url.hostname), url.port or 80)
        except OSError as error:
            raise ClientConnectionError(str(error)) from error
    answer = await connection.call(head.encode("latin-1") + body)
    if connection.is_free:
        kept.append(connection)
    return answer


REPLACED = ((EndpointConfig, "request", _request),)
