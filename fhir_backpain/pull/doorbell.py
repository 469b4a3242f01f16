"""Where a server calls when something was written: a listener that rings, and says nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from flask import Flask, Response, request

from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.outcome import Issue
from fhir_backpain.pull.messages import CALL_REFUSED, LISTENING
from fhir_backpain.pull.subscription import Callback
from fhir_backpain.web.listener import HttpListener, listen

_MOST_BYTES = 1024 * 1024
_STOP_SECONDS = 2.0


class Doorbell:
    """Listens at `host` and `port`, within a `with` block, and calls `ring` for each proven call.

    A call is proven by the callback's secret, and made to its path. Raises SettingsError where
    the address cannot be had.
    """

    def __init__(self, host: str, port: int, callback: Callback, ring: Callable[[], None]) -> None:
        self._callback = callback
        self._ring = ring
        self._socket = listen(host, port, LISTENING)
        self._http = HttpListener(
            self._app(),
            self._socket,
            lambda _: _refusal(),
            ident="fhir-backpain",
            threads=2,
            max_body=_MOST_BYTES,
        )

    def __enter__(self) -> Self:
        self._http.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.stop(_STOP_SECONDS)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._socket.getsockname()[1])

    def _app(self) -> Flask:
        app = Flask("fhir_backpain.pull", static_folder=None)
        path = urlsplit(self._callback.url).path or "/"
        app.add_url_rule(path, "call", self._answer, methods=["POST", "PUT"])
        # A server that sends what it writes puts it below the callback.
        below = f"{path.rstrip('/')}/<path:rest>"
        app.add_url_rule(below, "call_below", self._answer, methods=["POST", "PUT"])
        return app

    def _answer(self, rest: str = "") -> Response:
        """Ring where the call is proven; its body is not looked at, nor the path below."""
        wanted = f"Bearer {self._callback.secret}"
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            text = outcome_text((_refusal(),))
            return Response(text, 401, content_type=f"{FHIR_JSON}; charset=utf-8")
        self._ring()
        return Response(status=204)


def _refusal() -> Issue:
    return CALL_REFUSED.issue("The call does not prove that it comes from a Subscription.")
