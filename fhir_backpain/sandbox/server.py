"""The sandbox as a server of its own: waitress on a thread, or in the foreground until SIGTERM."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from fhir_backpain.errors import SettingsError
from fhir_backpain.sandbox.app import close_app, create_app, fault_plan
from fhir_backpain.sandbox.exchange import outcome_text
from fhir_backpain.sandbox.faults import FaultPlan
from fhir_backpain.sandbox.http_message import FHIR_JSON, MAX_BODY
from fhir_backpain.sandbox.messages import INVALID_ADDRESS, INVALID_REQUEST
from fhir_backpain.sandbox.store import Clock, utc_now

THREADS = 8


class SandboxServer:
    """A running sandbox, stopped on leaving the ``with`` block.

    ``with SandboxServer() as server:`` listens on a free port of the loopback interface;
    `base_url` is the FHIR base, such as ``http://127.0.0.1:49152/fhir``.
    """

    def __init__(
        self,
        database: str | Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: FaultPlan | None = None,
        fault_endpoint: bool = False,
        check_references: bool = True,
        clock: Clock = utc_now,
    ) -> None:
        self._app = create_app(
            database,
            faults=faults,
            fault_endpoint=fault_endpoint,
            check_references=check_references,
            clock=clock,
        )
        self._host, self._port = host, port
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: Any = None

    @property
    def faults(self) -> FaultPlan:
        """The fault plan that the server works by."""
        return fault_plan(self._app)

    @property
    def port(self) -> int:
        """The port: the given one or, once started, the free one that was found."""
        return self._port

    @property
    def base_url(self) -> str:
        """The FHIR base URL, without a slash at its end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/fhir"

    def start(self) -> Self:
        """Listen and return at once; raises SettingsError where the address cannot be used."""
        listener = self._listen()
        self._port = listener.getsockname()[1]
        self._server = create_server(
            self._app,
            sockets=[listener],
            threads=THREADS,
            ident="fhir-backpain-sandbox",
            max_request_body_size=4 * MAX_BODY,
            channel_timeout=60,
        )
        self._server.channel_class = _Channel
        self._thread = threading.Thread(target=self._run, name="fhir-sandbox")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the requests that are being answered, close all connections and the database."""
        self._stopping.set()
        self.faults.closing.set()
        if self._thread is not None:
            self._server.pull_trigger()
            self._thread.join()
            self._thread = None
        close_app(self._app)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            return socket.create_server((self._host, self._port), family=family, backlog=256)
        except (OSError, OverflowError) as error:
            close_app(self._app)
            text = f"Cannot listen on {self._host} port {self._port} ({error})."
            raise SettingsError(INVALID_ADDRESS.issue(text)) from error

    def _run(self) -> None:
        connections = self._server._map
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=connections, count=1)
        self._server.task_dispatcher.shutdown(timeout=10)
        wasyncore.loop(timeout=0, map=connections, count=2)  # send what is ready to be sent
        self._server.close()
        wasyncore.close_all(connections)


def serve(
    host: str = "127.0.0.1",
    port: int = 8080,
    database: str | Path | None = None,
    *,
    faults: FaultPlan | None = None,
    fault_endpoint: bool = False,
    check_references: bool = True,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop cleanly; call it from the main thread.

    `on_ready` is called with the FHIR base URL once the server listens. Raises SettingsError
    where the database or the address cannot be used.
    """
    stop = threading.Event()

    def ask_to_stop(_: int, __: FrameType | None) -> None:
        stop.set()

    server = SandboxServer(
        database,
        host=host,
        port=port,
        faults=faults,
        fault_endpoint=fault_endpoint,
        check_references=check_references,
    )
    before = {name: signal.signal(name, ask_to_stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        with server:
            if on_ready is not None:
                on_ready(server.base_url)
            stop.wait()
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


class _OutcomeTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that is no HTTP, or far too large, with an OperationOutcome."""

    def execute(self) -> None:
        status, _, _ = self.request.error.to_response(None)
        issue = INVALID_REQUEST.issue(f"The request is refused: {status}.")
        body = outcome_text((issue,)).encode()
        self.status = status
        self.response_headers.append(("Content-Type", f"{FHIR_JSON}; charset=utf-8"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _OutcomeTask
