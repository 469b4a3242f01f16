"""What has a server call while changes are followed: a listener, and Subscriptions that name it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click

from fhir_backpain.cli.output import say_issues
from fhir_backpain.client.client import FhirClient
from fhir_backpain.pull.doorbell import Doorbell
from fhir_backpain.pull.puller import Puller
from fhir_backpain.pull.subscription import Callback, Subscriptions, ensure_callback

_PORTS = {"http": 80, "https": 443}


@contextmanager
def being_called(
    url: str, address: str | None, client: FhirClient, types: Iterable[str], puller: Puller
) -> Iterator[Callable[[], None]]:
    """Listen at an address and have the server call at `url`; yield what keeps that up.

    Raises SettingsError where the URL is no callback or the address cannot be had.
    """
    callback = Callback(ensure_callback(url), secrets.token_urlsafe(32))
    host, port = _host_and_port(address, url)
    subscriptions = Subscriptions(client, types, callback)

    def keep() -> None:
        say_issues(subscriptions.keep(datetime.now(UTC)))

    with Doorbell(host, port, callback, puller.wake):
        keep()
        try:
            yield keep
        finally:
            subscriptions.end()


def _host_and_port(address: str | None, url: str) -> tuple[str, int]:
    """Return where to listen: where nothing is said, on loopback at the URL's port."""
    if address is None:
        parts = urlsplit(url)
        return "127.0.0.1", parts.port or _PORTS[parts.scheme]
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter("write HOST:PORT, such as 0.0.0.0:8490", param_hint="--listen")
    return host.strip("[]"), int(port)
