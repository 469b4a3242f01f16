"""When the FHIR server last answered, seen where every request passes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.credentials import Credentials
from fhir_backpain.client.deadline import DeadlineAdapter
from fhir_backpain.client.transport import make_session
from fhir_backpain.outbox.clock import format_instant


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
    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        super().__init__(pool_maxsize=16)

    def send(self, *args: Any, **options: Any) -> requests.Response:
        try:
            response = super().send(*args, **options)
        except Exception:
            self._contact.failed()
            raise
        self._contact.answered(response.status_code)
        return response


def watched_client(
    base_url: str, contact: Contact, *, deadline: float, credentials: Credentials | None = None
) -> FhirClient:
    """Return a client of which `contact` sees every request; SettingsError for a bad base URL."""
    session = make_session(trust_env=False, ca_bundle=None, client_certificate=None)
    for scheme in ("http://", "https://"):
        session.mount(scheme, _WatchedAdapter(contact))
    silence = min(30.0, deadline)
    return FhirClient(
        base_url, credentials=credentials, timeout=silence, deadline=deadline, session=session
    )
