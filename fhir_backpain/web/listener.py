"""An HTTP server on a thread: waitress, made to speak FHIR even where it refuses a request.

FHIR: http://hl7.org/fhir/R4/http.html#operations
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.outcome import Issue, Message

Refusal = Callable[[str], Issue]

_LAST_PORT = 65535
_logger = logging.getLogger("fhir_backpain.web")


def listen(host: str, port: int, unusable: Message) -> socket.socket:
    """Return a socket that listens on an IPv4 or IPv6 address; port 0 finds a free one.

    Raises SettingsError with an issue of the kind `unusable` where the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if not 0 <= port <= _LAST_PORT:  # create_server would leave its socket open
            raise OSError(None, f"ports are 0 to {_LAST_PORT}")
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        text = f"Cannot listen on {host} port {port} ({error.strerror or error})."
        raise SettingsError(unusable.issue(text)) from error


def http_url(host: str, port: int) -> str:
    """Return the URL of a server, without a slash at its end."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class HttpListener:
    """Answers requests on a socket from `start` to `stop`.

    `refusal` makes, from a status such as ``400 Bad Request``, the issue that answers what is no
    HTTP or has more than `max_body` bytes; the application never sees such a request.
    """

    def __init__(
        self,
        app: Flask,
        listener: socket.socket,
        refusal: Refusal,
        *,
        ident: str,
        threads: int,
        max_body: int,
    ) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: Any = create_server(
            app,
            sockets=[listener],
            threads=threads,
            ident=ident,
            max_request_body_size=max_body + 1,  # waitress refuses what has as many
            channel_timeout=60,
            # No proxy's word about who calls is trusted.
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = _Channel
        self._server.refusal = refusal

    def start(self, on_end: Callable[[], None] | None = None) -> None:
        """Listen and return at once; `on_end` is called when listening ends, even by itself."""
        self._thread = threading.Thread(target=self._loop, args=(on_end,), name="fhir-http")
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Finish the requests that are being answered, within `seconds`; close all connections."""
        self._stopping.set()
        if self._thread is not None:
            self._server.pull_trigger()
            self._thread.join()
            self._thread = None
        connections = self._server._map
        self._server.task_dispatcher.shutdown(timeout=seconds)
        wasyncore.loop(timeout=0, map=connections, count=2)  # send what is ready to be sent
        self._server.close()
        wasyncore.close_all(connections)

    def _loop(self, on_end: Callable[[], None] | None) -> None:
        try:
            while not self._stopping.is_set():
                wasyncore.loop(timeout=1, map=self._server._map, count=1)
        except Exception as error:
            _logger.error("listening ended with %s", type(error).__name__)
        finally:
            if on_end is not None:
                on_end()


class _OutcomeTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that waitress refuses with an OperationOutcome."""

    def execute(self) -> None:
        self.status, _, _ = self.request.error.to_response(None)
        issue: Issue = self.channel.server.refusal(self.status)
        body = outcome_text((issue,)).encode()
        self.response_headers += [
            ("Content-Type", f"{FHIR_JSON}; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _OutcomeTask
