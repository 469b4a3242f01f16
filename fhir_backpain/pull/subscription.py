"""FHIR Subscriptions: the server calls when something was written, instead of only being asked.

A call says that it is worth looking, and nothing more: what changed is read as without
Subscriptions, so that a call that is lost, comes twice or is forged changes nothing.
FHIR: http://hl7.org/fhir/R4/subscription.html (channel ``rest-hook``, without payload)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import RemoteError, SettingsError
from fhir_backpain.outcome import Issue
from fhir_backpain.pull.messages import NO_SUBSCRIPTIONS

LIFETIME = timedelta(days=1)
"""How long a Subscription lives unless it is renewed: a killed pull leaves none for good."""

_RELEASE = "R4"


@dataclass(frozen=True, slots=True)
class Callback:
    """Where the server calls: the URL as it reaches it, and the secret that proves a call."""

    url: str
    secret: str = field(repr=False)

    @property
    def header(self) -> str:
        """What the server sends with each call."""
        return f"Authorization: Bearer {self.secret}"


class Subscriptions:
    """One Subscription for each of `types` at the server of `client`."""

    def __init__(self, client: FhirClient, types: Iterable[str], callback: Callback) -> None:
        self._client = client
        self._callback = callback
        # The same for the same callback: whoever was killed leaves none that is not taken over.
        self._ids = {
            name: str(uuid5(NAMESPACE_URL, f"{callback.url} {name}")) for name in sorted(types)
        }
        self._renew_at: datetime | None = None

    def keep(self, now: datetime) -> list[Issue]:
        """Ask for Subscriptions, or for more time for them; the issues say what stands against it.

        Returns at once where they have time enough. Without them changes are still polled for.
        """
        if self._renew_at is not None and now < self._renew_at:
            return []
        try:
            if not self._is_offered():
                self._renew_at = now + LIFETIME
                return [NO_SUBSCRIPTIONS.issue("The server offers no Subscriptions of R4.")]
            for name, logical_id in self._ids.items():
                text = json.dumps(self._subscription(name, logical_id, now + LIFETIME))
                self._client.put("Subscription", logical_id, text)
        except RemoteError as error:
            # Soon again: it may have been out of reach.
            self._renew_at = now + LIFETIME / 1440
            return [NO_SUBSCRIPTIONS.issue("The server takes no Subscription."), *error.issues]
        self._renew_at = now + LIFETIME / 2
        return []

    def due_in(self, now: datetime) -> float:
        """Return the seconds until `keep` has something to do."""
        left = 0.0 if self._renew_at is None else (self._renew_at - now).total_seconds()
        return max(left, 0.0)

    def end(self) -> None:
        """Take the Subscriptions back; what cannot be taken back ends by itself."""
        if self._renew_at is None:
            return
        for logical_id in self._ids.values():
            try:
                self._client.delete("Subscription", logical_id)
            except RemoteError:
                return

    def _is_offered(self) -> bool:
        found = self._client.capabilities()
        return found.release == _RELEASE and found.offers("Subscription", "update")

    def _subscription(self, name: str, logical_id: str, end: datetime) -> dict[str, Any]:
        return {
            "resourceType": "Subscription",
            "id": logical_id,
            "status": "requested",
            "end": end.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "reason": "Changes of back-pain care are brought back to their source.",
            "criteria": f"{name}?",
            "channel": {
                "type": "rest-hook",
                "endpoint": self._callback.url,
                "header": [self._callback.header],
            },
        }


def ensure_callback(url: str) -> str:
    """Return the URL of a callback; SettingsError where it is none that a server could call."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest.strip("/") or any(mark in url for mark in "?#@"):
        text = "A callback is an http or https URL without a query, a fragment or a user."
        raise SettingsError(NO_SUBSCRIPTIONS.issue(text))
    return url
