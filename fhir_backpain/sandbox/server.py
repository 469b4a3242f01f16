"""The sandbox as a server of its own: waitress on a thread, or in the foreground until SIGTERM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Self

from fhir_backpain.errors import SettingsError
from fhir_backpain.outcome import Issue
from fhir_backpain.sandbox.app import close_app, create_app, fault_plan
from fhir_backpain.sandbox.faults import FaultPlan
from fhir_backpain.sandbox.http_message import MAX_BODY
from fhir_backpain.sandbox.messages import INVALID_ADDRESS, INVALID_REQUEST
from fhir_backpain.sandbox.store import Clock, utc_now
from fhir_backpain.web.listener import HttpListener, http_url, listen
from fhir_backpain.web.stop_bell import StopBell

THREADS = 8
STOP_SECONDS = 10.0


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
        self._http: HttpListener | None = None

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
        return f"{http_url(self._host, self._port)}/fhir"

    def start(self, on_end: Callable[[], None] | None = None) -> Self:
        """Listen and return at once; raises SettingsError where the address cannot be used.

        `on_end` is called when listening ends, even by itself.
        """
        try:
            listener = listen(self._host, self._port, INVALID_ADDRESS)
        except SettingsError:
            close_app(self._app)
            raise
        self._port = listener.getsockname()[1]
        self._http = HttpListener(
            self._app,
            listener,
            _refusal,
            ident="fhir-backpain-sandbox",
            threads=THREADS,
            max_body=4 * MAX_BODY,
        )
        self._http.start(on_end)
        return self

    def stop(self) -> None:
        """Finish the requests that are being answered, close all connections and the database."""
        self.faults.closing.set()
        http, self._http = self._http, None
        if http is not None:
            http.stop(STOP_SECONDS)
        close_app(self._app)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


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
    server = SandboxServer(
        database,
        host=host,
        port=port,
        faults=faults,
        fault_endpoint=fault_endpoint,
        check_references=check_references,
    )
    with StopBell() as bell:
        server.start(bell.ring)
        try:
            if on_ready is not None:
                on_ready(server.base_url)
            bell.wait()
        finally:
            server.stop()


def _refusal(status: str) -> Issue:
    return INVALID_REQUEST.issue(f"The request is refused: {status}.")
