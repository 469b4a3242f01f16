"""When the FHIR server last answered, seen where every request passes."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.credentials import Credentials
from fhir_backpain.client.deadline import DeadlineAdapter
from fhir_backpain.client.transport import make_session
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.telemetry.correlation import HEADER, request_id
from fhir_backpain.telemetry.event import log

_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}")
_logger = logging.getLogger("fhir_backpain.client")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Contact:
    """What is known of the way to the FHIR server; may be used by several threads."""

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._answered_at: str | None = None
        self._status: int | None = None
        self._failed_at: str | None = None
        self._reachable: bool | None = None

    def answered(self, status: int) -> None:
        """Take note of an answer."""
        with self._lock:
            self._answered_at, self._status = format_instant(self._now()), status
            self._reachable = True

    def failed(self) -> None:
        """Take note of a request without an answer."""
        with self._lock:
            self._failed_at = format_instant(self._now())
            self._reachable = False

    @property
    def reachable(self) -> bool | None:
        """True where the last request was answered; None before the first one."""
        return self._reachable

    def to_json(self) -> dict[str, Any]:
        """Return times and status as JSON data."""
        with self._lock:
            return {
                "reachable": self._reachable,
                "last_answer_at": self._answered_at,
                "last_status": self._status,
                "last_failure_at": self._failed_at,
            }


class _WatchedAdapter(DeadlineAdapter):
    def __init__(self, contact: Contact, base_url: str) -> None:
        self._contact = contact
        self._base_url = base_url
        super().__init__(pool_maxsize=16)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        number = request.headers.setdefault(HEADER, request_id())
        begun, status, error = time.monotonic(), None, None
        try:
            response = super().send(request, *args, **options)
            status = response.status_code
        except Exception as caught:
            error = type(caught).__name__
            self._contact.failed()
            raise
        finally:
            log(
                _logger, logging.DEBUG, "exchange", method=request.method, status=status,
                route=route_of(str(request.url), self._base_url), error=error,
                bytes=len(request.body or b""), request=number,
                ms=round((time.monotonic() - begun) * 1000, 1),
            )  # fmt: skip
        self._contact.answered(response.status_code)
        return response


def route_of(url: str, base_url: str) -> str:
    """Return the FHIR interaction's path with the parts left out that tell of one resource.

    >>> route_of("http://a.example/fhir/Observation/17?x=y", "http://a.example/fhir")
    'Observation/<id>'
    >>> route_of("http://a.example/fhir/Patient/_search", "http://a.example/fhir")
    'Patient/_search'
    >>> route_of("http://a.example/token", "http://a.example/fhir")
    '<other>'
    """
    path, base = urlsplit(url).path, urlsplit(base_url).path.rstrip("/")
    if not url.startswith(base_url) or not path.startswith(base):
        return "<other>"
    first, *rest = path[len(base) :].strip("/").split("/")
    if first not in ("", "metadata", "_history", "_search") and not _TYPE.fullmatch(first):
        return "<other>"
    known = ("_history", "_search", "$validate")
    return "/".join([first or "<base>", *(one if one in known else "<id>" for one in rest)])


def watched_client(
    base_url: str, contact: Contact, *, deadline: float, credentials: Credentials | None = None
) -> FhirClient:
    """Return a client of which `contact` sees every request; SettingsError for a bad base URL."""
    session = make_session(trust_env=False, ca_bundle=None, client_certificate=None)
    for scheme in ("http://", "https://"):
        session.mount(scheme, _WatchedAdapter(contact, base_url))
    silence = min(30.0, deadline)
    return FhirClient(
        base_url, credentials=credentials, timeout=silence, deadline=deadline, session=session
    )
