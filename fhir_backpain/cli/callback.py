"""What has a server call while changes are followed: a listener, and Subscriptions that name it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Timer
from urllib.parse import urlsplit

import click

from fhir_backpain.cli.output import say_issues
from fhir_backpain.client.client import FhirClient
from fhir_backpain.pull.doorbell import Doorbell
from fhir_backpain.pull.subscription import Callback, Subscriptions, ensure_callback

_PORTS = {"http": 80, "https": 443}


@contextmanager
def being_called(
    url: str,
    address: str | None,
    client: FhirClient,
    types: Iterable[str],
    wake: Callable[[], None],
) -> Iterator[Callable[[], None]]:
    """Listen at an address and have the server call at `url`; yield what keeps that up.

    `wake` is called when the server has called, or what keeps it up is to be called again.
    Raises SettingsError where the URL is no callback or the address cannot be had.
    """
    callback = Callback(ensure_callback(url), secrets.token_urlsafe(32))
    host, port = _host_and_port(address, url)
    subscriptions = Subscriptions(client, types, callback)
    alarm = Alarm(wake)

    def keep() -> None:
        say_issues(subscriptions.keep(datetime.now(UTC)))
        # The next look may be hours away: a server that was out of reach is asked before.
        alarm.set(subscriptions.due_in(datetime.now(UTC)))

    with Doorbell(host, port, callback, wake):
        keep()
        try:
            yield keep
        finally:
            alarm.stop()
            subscriptions.end()


class Alarm:
    """Calls `ring` once, some seconds after it was last set."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: Timer | None = None

    def set(self, seconds: float) -> None:
        """Ring after some seconds, and not when it was to ring before."""
        self.stop()
        self._timer = Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()


def _host_and_port(address: str | None, url: str) -> tuple[str, int]:
    """Return where to listen: where nothing is said, on loopback at the URL's port."""
    if address is None:
        parts = urlsplit(url)
        return "127.0.0.1", parts.port or _PORTS[parts.scheme]
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter("write HOST:PORT, such as 0.0.0.0:8490", param_hint="--listen")
    return host.strip("[]"), int(port)
