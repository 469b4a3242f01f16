"""The first contact with a server: what it can do decides how it is written to from then on."""

from __future__ import annotations

import json

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.preflight import Preflight
from fhir_backpain.errors import RemoteError
from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.assigned_access import AssigningServer
from fhir_backpain.sync.bundle_limit import BundleLimit
from fhir_backpain.sync.prepared import WRITTEN_TYPES
from fhir_backpain.sync.server_access import AccessFactory, ServerAccess
from fhir_backpain.sync.strategy import Mode, Strategy, choose, mode_of, needs_search

_IDS_REFUSED = 405


class Connection:
    """Asks a server once, and remembers what it has learned of it since, in the outbox."""

    def __init__(self, client: FhirClient, store: Store, server: str) -> None:
        self._client = client
        self._store = store
        self._name = f"server {server}"
        self._access: AccessFactory | None = None
        self._ids_refused = False
        self._known: str | None = None

    def access(self) -> AccessFactory:
        """Return how to write to the server; RemoteError where it cannot be asked or used."""
        if self._access is None:
            capabilities = self._client.capabilities()
            limit = BundleLimit(capabilities.bundle_limit)
            self._recall(capabilities, limit)
            self._access = self._choose(capabilities, mode_of(capabilities), limit)
        return self._access

    def remember(self) -> None:
        """Keep what was learned for the next process; only where it is new."""
        if self._access is None:
            return
        learned = self._learned(self._client.capabilities(), self._access.limit)
        if learned != self._known:
            self._store.keep_note(self._name, learned)
            self._known = learned

    def _recall(self, capabilities: Capabilities, limit: BundleLimit) -> None:
        self._known = self._store.note(self._name)
        note = json.loads(self._known or "{}")
        if note.get("software") != capabilities.software:  # another version may do otherwise
            return
        limit.told = limit.entries = note.get("bundle_limit") or limit.entries
        self._ids_refused = self._ids_refused or note.get("ids_refused") is True

    def _learned(self, capabilities: Capabilities, limit: BundleLimit) -> str:
        note = {
            "software": capabilities.software,
            "bundle_limit": limit.told,
            "ids_refused": self._ids_refused,
        }
        return json.dumps(note, sort_keys=True)

    def may_go_on(self, error: RemoteError) -> bool:
        """Take note of why a server refuses everything; True where another way is left.

        FHIR: 405 for an update as create, http://hl7.org/fhir/R4/http.html#upsert
        """
        if error.status != _IDS_REFUSED or isinstance(self._access, AssigningServer):
            return False
        self._ids_refused, self._access = True, None
        return True

    def _choose(self, capabilities: Capabilities, mode: Mode, limit: BundleLimit) -> AccessFactory:
        if needs_search(capabilities, WRITTEN_TYPES, ids_refused=self._ids_refused):
            preflight = self._client.preflight()
            refused = self._ids_refused
            return AssigningServer(
                self._client, choose(capabilities, preflight, mode, ids_refused=refused), limit
            )
        unversioned = frozenset(
            kind for kind in WRITTEN_TYPES if capabilities.versioning(kind) == "no-version"
        )
        return ServerAccess(self._client, mode, limit, unversioned)


def strategy_for(capabilities: Capabilities, preflight: Preflight) -> Strategy:
    """Return how records would be written to a server that says and shows this.

    Raises PermanentRemoteError where there is no safe way.
    """
    mode = mode_of(capabilities)
    if needs_search(capabilities, WRITTEN_TYPES, ids_refused=False):
        return choose(capabilities, preflight, mode)
    return Strategy(capabilities, mode, in_url=preflight.in_url)
