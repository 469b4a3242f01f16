"""The gateway as a process: waitress in front, the sending behind, both stopped by SIGTERM."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from socket import socket

from flask import Flask

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.client.credentials import Credentials
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.gateway.messages import ADDRESS_IN_USE, BAD_REQUEST, TOO_LARGE
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.push_options import PushOptions
from fhir_backpain.web.listener import HttpListener, http_url, listen
from fhir_backpain.web.stop_bell import StopBell


def serve(
    settings: GatewaySettings,
    on_ready: Callable[[str], None] | None = None,
    *,
    credentials: Credentials | None = None,
    mappings: Path | None = None,
) -> None:
    """Take and send records until SIGTERM or SIGINT; call it from the main thread.

    `mappings` is a folder to use in place of the shipped one.

    `on_ready` is called with the gateway's URL once it listens. On the signal no request and no
    bundle is begun any more, those under way are finished within `settings.stop_seconds`.

    Raises SettingsError where the address must not or cannot be used, OutboxError where the
    outbox cannot, ArtifactError where the mapping cannot.
    """
    # One line for each request that waits for a thread would make the others wait too.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    mapper = load_mapper(mappings)
    with ExitStack() as stack:
        store = stack.enter_context(open_store(settings.outbox, "gateway"))
        is_known = settings.oidc is not None or not Keyring(store.database).is_empty()
        settings.ensure_may_listen(knows_principals=is_known)
        listener = stack.enter_context(listen(settings.host, settings.port, ADDRESS_IN_USE))
        url = settings.public_url or http_url(settings.host, listener.getsockname()[1])
        contact = Contact()
        client = stack.enter_context(
            watched_client(
                settings.server, contact, deadline=settings.deadline, credentials=credentials
            )
        )
        options = PushOptions(worker="gateway", allow_patient_data=settings.allow_patient_data)
        gateway = Gateway(store, mapper, client, contact=contact, options=options)
        stack.enter_context(store.watch(gateway.server, gateway.wake))
        app = create_app(
            settings, store=store, mapper=mapper, gateway=gateway, mapping_folder=mappings
        )
        tell = partial(on_ready, url) if on_ready is not None else None
        _run(_front(app, listener, settings), gateway, settings.stop_seconds, tell)


def _front(app: Flask, listener: socket, settings: GatewaySettings) -> HttpListener:
    return HttpListener(
        app,
        listener,
        _refusal,
        ident="fhir-backpain",
        threads=settings.threads,
        max_body=settings.max_body,
    )


def _run(
    http: HttpListener,
    gateway: Gateway,
    stop_seconds: float,
    on_ready: Callable[[], None] | None,
) -> None:
    with StopBell() as bell:
        try:
            gateway.start()
            http.start(bell.ring)
            if on_ready is not None:
                on_ready()
            bell.wait()
        finally:
            until = time.monotonic() + stop_seconds
            gateway.ask_to_stop()
            http.stop(stop_seconds / 2)
            gateway.stop(max(0.0, until - time.monotonic()))


def _refusal(status: str) -> Issue:
    if status.startswith("413"):
        return TOO_LARGE.issue("The body is larger than the gateway takes.")
    return BAD_REQUEST.issue("The request is not HTTP as the gateway reads it.")
