"""The background thread that sends what the outbox holds, from start to stop."""

from __future__ import annotations

import logging
import threading
import time

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import BackpainError, RemoteError
from fhir_backpain.gateway.contact import Contact
from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult
from fhir_backpain.sync.renderer import Renderer
from fhir_backpain.telemetry.event import log
from fhir_backpain.telemetry.fault import numbers_of

_LONGEST_PAUSE = 60.0
_logger = logging.getLogger("fhir_backpain.gateway")


class Gateway:
    """Sends in the background; it outlives errors of store and server, and says so.

    `contact` is what the client was made with by `watched_client`. Started and stopped once.
    """

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        client: FhirClient,
        *,
        contact: Contact | None = None,
        options: PushOptions | None = None,
        poll_seconds: float = 5.0,
    ) -> None:
        self.contact = contact or Contact()
        self.client = client
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._fault: str | None = None
        self._reason: str | None = None
        self._dispatcher = Dispatcher(
            store, client, renderer, options=options or PushOptions(worker="gateway")
        )
        self._thread = threading.Thread(target=self._run, name="fhir-gateway", daemon=True)

    @property
    def server(self) -> str:
        """The outbox's name for the server that records are sent to."""
        return self._dispatcher.server

    @property
    def is_running(self) -> bool:
        """True between start and stop, while the thread lives."""
        return self._thread.is_alive() and not self._stopping.is_set()

    @property
    def keeps_away(self) -> bool:
        """True while the server is in trouble and only probed after each wait."""
        return self._dispatcher.keeps_away

    @property
    def fault(self) -> str | None:
        """The kind of error that interrupted the sending, None once it goes on."""
        return self._fault

    @property
    def last_result(self) -> str | None:
        """How the last run ended: idle, unreachable, waiting, refused or stopped."""
        return self._reason

    def start(self) -> None:
        """Begin to send; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new to send; the store may say so too."""
        self._dispatcher.wake()

    def ask_to_stop(self) -> None:
        """Start no other bundle; returns at once, safe in a signal handler."""
        self._stopping.set()
        self._dispatcher.stop()

    def stop(self, timeout: float = 30.0) -> bool:
        """Stop; True where everything under way was finished within `timeout` seconds.

        Otherwise closing the store gives back what is under way: it is read from the server
        before it is sent again.
        """
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        finished = not self._thread.is_alive()
        if not finished:
            log(_logger, logging.WARNING, "stopped-in-between", server=self.server)
        return finished

    def _run(self) -> None:
        self._make_contact()
        pause = 1.0
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                self._dispatcher.run_forever(self._poll_seconds, self._note)
            except BackpainError as error:
                self._interrupt(f"FBP-{error.issues[0].number}", error)
            except Exception as error:  # the thread must live on; texts may hold patients' values
                self._interrupt(type(error).__name__, error)
            else:
                return
            pause = 1.0 if time.monotonic() - begun > _LONGEST_PAUSE else pause * 2
            self._stopping.wait(min(pause, _LONGEST_PAUSE))

    def _make_contact(self) -> None:
        """Ask the server what it can do before there is anything to send: /ready shows it."""
        try:
            self.client.capabilities()
        except RemoteError as error:
            messages = numbers_of(error)
            log(_logger, logging.WARNING, "no-contact", server=self.server, messages=messages)

    def _interrupt(self, kind: str, error: Exception) -> None:
        self._fault = kind
        log(_logger, logging.ERROR, "sending-interrupted", error, server=self.server)

    def _note(self, result: PushResult) -> None:
        self._fault = None
        if result.reason != self._reason:
            log(_logger, logging.INFO, "sending", server=self.server, reason=result.reason)
        self._reason = result.reason
