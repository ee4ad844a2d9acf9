"""The HTTP of the local Bot API server: real connections on a loopback port, in threads of its own."""

import contextlib
import email.parser
import email.policy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit


class Refused(Exception):
    def __init__(self, status: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class Api(Protocol):
    def call(self, token: str, method: str, given: dict[str, Any]) -> Any:
        """A method's result. Raises Refused, or ConnectionError to break the connection."""

    def file(self, token: str, path: str) -> bytes:
        """A file's content. Raises the same."""


def serve(api: Api) -> ThreadingHTTPServer:
    """A server at work on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    api: Api
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")][1:]
        try:
            if parts[0] == "file":
                self._send(200, self.api.file(parts[1].removeprefix("bot"), "/".join(parts[2:])), "application/octet-stream")
                return
            result = self.api.call(parts[0].removeprefix("bot"), parts[1], self._parameters(body))
            self._send_json(200, {"ok": True, "result": result})
        except Refused as refused:
            document = {"ok": False, "error_code": refused.status, "description": refused.description}
            self._send_json(refused.status, document | ({"parameters": refused.parameters} if refused.parameters else {}))
        except ConnectionError:
            self.close_connection = True  # without a word

    def _parameters(self, body: bytes) -> dict[str, Any]:
        """Fields as strings, files as (name, content)."""
        kind = self.headers.get("Content-Type", "")
        query = dict(parse_qsl(urlsplit(self.path).query))
        if kind.startswith("application/json"):
            return {**query, **json.loads(body)}
        if not kind.startswith("multipart/form-data"):
            return query | dict(parse_qsl(body.decode(), keep_blank_values=True))
        whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        found: dict[str, Any] = query
        for part in whole.iter_parts():
            name, filename = part.get_param("name", header="content-disposition"), part.get_filename()
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found[str(name)] = content.decode() if filename is None else (filename, content)
        return found

    def _send_json(self, status: int, document: dict[str, Any]) -> None:
        self._send(status, json.dumps(document).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        with contextlib.suppress(ConnectionError):  # who asked may be dead
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""
