"""The gateway as a process: waitress in front, the sending behind, both stopped by SIGTERM."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from fhir_backpain.client.credentials import Credentials
from fhir_backpain.errors import SettingsError
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.gateway.messages import ADDRESS_IN_USE, BAD_REQUEST, TOO_LARGE
from fhir_backpain.gateway.problem import FHIR_JSON, outcome_text
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.gateway.stop_bell import StopBell
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import Outcome
from fhir_backpain.sync.push_options import PushOptions

_logger = logging.getLogger("fhir_backpain.gateway")


def serve(
    settings: GatewaySettings,
    on_ready: Callable[[str], None] | None = None,
    *,
    credentials: Credentials | None = None,
) -> None:
    """Take and send records until SIGTERM or SIGINT; call it from the main thread.

    `on_ready` is called with the gateway's URL once it listens. On the signal no request and no
    bundle is begun any more, those under way are finished within `settings.stop_seconds`.

    Raises SettingsError where the address must not or cannot be used, OutboxError where the
    outbox cannot, ArtifactError where the mapping cannot.
    """
    settings.ensure_may_listen()
    mapper = load_mapper()
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(settings))
        store = stack.enter_context(SqliteStore(settings.outbox))
        contact = Contact()
        client = stack.enter_context(
            watched_client(
                settings.server, contact, deadline=settings.deadline, credentials=credentials
            )
        )
        options = PushOptions(worker="gateway", allow_patient_data=settings.allow_patient_data)
        gateway = Gateway(store, mapper, client, contact=contact, options=options)
        app = create_app(settings, store=store, mapper=mapper, gateway=gateway)
        _run(_HttpServer(app, listener, settings), gateway, settings, on_ready)


def _run(
    http: _HttpServer,
    gateway: Gateway,
    settings: GatewaySettings,
    on_ready: Callable[[str], None] | None,
) -> None:
    with StopBell() as bell:
        try:
            gateway.start()
            http.start(bell)
            if on_ready is not None:
                on_ready(http.url)
            bell.wait()
        finally:
            until = time.monotonic() + settings.stop_seconds
            gateway.ask_to_stop()
            http.stop(settings.stop_seconds / 2)
            gateway.stop(max(0.0, until - time.monotonic()))


def _listen(settings: GatewaySettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=256)
    except OSError as error:
        text = f"{settings.host} port {settings.port} cannot be used ({error.strerror})."
        raise SettingsError(ADDRESS_IN_USE.issue(text)) from error


class _HttpServer:
    """Waitress on a thread."""

    def __init__(self, app: Flask, listener: socket.socket, settings: GatewaySettings) -> None:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.url = f"http://{host}:{listener.getsockname()[1]}"
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._server = create_server(
            app,
            sockets=[listener],
            threads=settings.threads,
            ident="fhir-backpain",
            max_request_body_size=settings.max_body,
            channel_timeout=60,
            # The gateway trusts no proxy's word about who calls.
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = _Channel

    def start(self, bell: StopBell) -> None:
        """Answer requests; rings the bell should that ever end by itself."""
        self._thread = threading.Thread(target=self._loop, args=(bell,), name="fhir-http")
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Finish the requests that are being answered and close all connections."""
        self._stopping.set()
        if self._thread is not None:
            self._server.pull_trigger()
            self._thread.join()
        connections = self._server._map
        self._server.task_dispatcher.shutdown(timeout=timeout)
        wasyncore.loop(timeout=0, map=connections, count=2)  # send what is ready to be sent
        self._server.close()
        wasyncore.close_all(connections)

    def _loop(self, bell: StopBell) -> None:
        try:
            while not self._stopping.is_set():
                wasyncore.loop(timeout=1, map=self._server._map, count=1)
        except Exception as error:
            _logger.error("listening ended with %s", type(error).__name__)
        finally:
            bell.ring()


class _OutcomeTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that is no HTTP, or too large, with an OperationOutcome."""

    def execute(self) -> None:
        status: Any = self.request.error.to_response(None)[0]
        if str(status).startswith("413"):
            issue = TOO_LARGE.issue("The body is larger than the gateway takes.")
        else:
            issue = BAD_REQUEST.issue("The request is not HTTP as the gateway reads it.")
        body = outcome_text(Outcome((issue,))).encode()
        self.status = status
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
