"""A receiver over HTTP: each delivery is POSTed until it is taken, with a key that it can know by.

The key stands in the header Idempotency-Key and is the same however often a delivery is tried;
a receiver that remembers keys sees each delivery once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

import requests
from urllib3.exceptions import HTTPError

from fhir_backpain import __version__
from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.client.deadline import Deadline
from fhir_backpain.client.retry_after import parse_retry_after
from fhir_backpain.client.transport import make_session
from fhir_backpain.errors import PermanentRemoteError, SettingsError, TransientRemoteError
from fhir_backpain.outbox.retry import RetryPolicy, retry_wait
from fhir_backpain.outcome import Issue
from fhir_backpain.pull.delivery import Delivery
from fhir_backpain.pull.messages import DELIVERY_REFUSED, SINK_FORM, SINK_UNAVAILABLE
from fhir_backpain.pull.sinks.sink import Taken

# Answers about the door and not about what was brought.
_CLOSED = frozenset((401, 403, 404, 405, 410, 501))
_AGAIN = frozenset((408, 409, 423, 425, 429))
_TICK = 0.2


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """How to deliver. Times are in seconds: `deadline` ends a request, `patience` all its tries."""

    timeout: float = 30.0
    deadline: float = 60.0
    patience: float = 120.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None


class WebhookSink:
    """POSTs to a URL; redirects are not followed, and certificates are always checked."""

    batch = 1

    def __init__(self, url: str, options: WebhookOptions | None = None) -> None:
        self._url = _checked(url)
        self._options = options or WebhookOptions()
        self._session = make_session(
            trust_env=False, ca_bundle=self._options.ca_bundle, client_certificate=None
        )
        self._is_stopped = False
        # A hash, since the URL may hold a secret and the name is kept.
        self.name = f"webhook:{sha256(self._url.encode()).hexdigest()[:16]}"

    def deliver(self, deliveries: Sequence[Delivery]) -> Taken:
        """POST each delivery in turn."""
        taken = Taken()
        for delivery in deliveries:
            refusal = self._deliver_one(delivery)
            if refusal is None:
                taken.done.append(delivery.seq)
            else:
                taken.refused[delivery.seq] = refusal
        return taken

    def stop(self) -> None:
        """Give up at the next wait."""
        self._is_stopped = True

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _deliver_one(self, delivery: Delivery) -> Issue | None:
        """Return None once it is taken, or why it never will be."""
        started, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            status, retry_after = self._post(delivery)
            if status is not None and 200 <= status < 300:
                return None
            if status is not None and _is_final(status):
                return _refusal(status)
            wait = retry_wait(attempt, retry_after, self._options.retry, random.random)
            is_over = time.monotonic() - started + wait > self._options.patience
            if is_over or not self._wait(wait):
                said = "did not answer" if status is None else f"answered {status}"
                text = f"The receiver {said} for as long as patience lasted."
                raise TransientRemoteError(
                    SINK_UNAVAILABLE.issue(text), status=status, retry_after=retry_after
                )

    def _wait(self, seconds: float) -> bool:
        """Wait; return False where it was to end."""
        until = time.monotonic() + seconds
        while not self._is_stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _TICK))
        return not self._is_stopped

    def _post(self, delivery: Delivery) -> tuple[int | None, float | None]:
        """Return status and Retry-After; no status where there was no answer."""
        headers = {
            **self._options.headers,
            "Content-Type": "application/json",
            "Idempotency-Key": delivery.key,
            "User-Agent": f"fhir-backpain/{__version__}",
        }
        with Deadline(self._options.deadline) as deadline:
            try:
                with self._session.post(
                    self._url,
                    data=delivery.text.encode(),
                    headers=headers,
                    timeout=min(self._options.timeout, deadline.left()),
                    allow_redirects=False,
                    stream=True,  # whatever the answer says besides its status is not read
                ) as answer:
                    wished = parse_retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
                    return answer.status_code, wished
            except (requests.RequestException, HTTPError, OSError):
                return None, None


def _is_final(status: int) -> bool:
    return (status < 500 and status not in _AGAIN) or status in _CLOSED


def _refusal(status: int) -> Issue:
    """Return why a delivery is not taken; raises where none would be."""
    if status in _CLOSED or status < 400:
        text = f"The receiver answers {status} to everything."
        raise PermanentRemoteError(SINK_UNAVAILABLE.issue(text), status=status)
    return DELIVERY_REFUSED.issue(f"The receiver answered {status}.")


def _checked(url: str) -> str:
    """Return the URL; a query may be part of it, a name or password may not."""
    address, _, query = url.partition("?")
    try:
        checked = parse_base_url(address)
    except SettingsError:
        text = "The webhook is no http or https URL without name, password and fragment."
        raise SettingsError(SINK_FORM.issue(text)) from None
    # parse_base_url takes the slash at the end away, which a receiver may want.
    slash = "/" if address.endswith("/") else ""
    return f"{checked}{slash}{'?' if query else ''}{query}"
