"""A client of the HTTP API with keep-alive, for one thread."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """A response: its status, its header fields in lower case and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Returns the body as JSON."""
        return json.loads(self.body)


class Api:
    """Calls one server's `/api/v1` with a bearer key."""

    def __init__(self, port: int, key: str, seconds: float = 30.0) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        self.key = key

    def __del__(self) -> None:
        self.connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        query: dict[str, object] | list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Sends one request; `body` is bytes as they are or anything else as JSON."""
        fields = {"Authorization": f"Bearer {self.key}"} | (headers or {})
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if raw is not None:
            fields.setdefault("Content-Type", "application/json")
        target = f"/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            self.connection.request(method, target, raw, fields)
            response = self.connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except BaseException:
            self.connection.close()
            raise
        return answer

    def get(self, path: str, **query: object) -> Any:
        """Returns the JSON of a GET, which must answer 200."""
        answer = self.call("GET", path, query=query)
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {answer.body.decode(errors='replace')}")
        return answer.json()

    def send(self, message: dict[str, object]) -> dict[str, Any]:
        """Submits one message, which must answer 202."""
        answer = self.call("POST", "/messages", message)
        if answer.status != 202:
            raise RuntimeError(f"POST /messages: {answer.status} {answer.body.decode(errors='replace')}")
        return answer.json()

    def outbox(self) -> int:
        """Counts the messages that are not final."""
        return int(self.get("/messages/counts", type="outbox")["total"])
