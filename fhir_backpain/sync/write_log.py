"""A line of log for each request that writes, with the id that the server's own log has too."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from fhir_backpain.errors import RemoteError
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.bundle import Answer
from fhir_backpain.sync.composition import Change
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.server_access import Access, AccessFactory, Held
from fhir_backpain.telemetry.correlation import correlated
from fhir_backpain.telemetry.event import log
from fhir_backpain.telemetry.fault import numbers_of

_logger = logging.getLogger(__name__)


class LoggedAccess:
    """An `Access` that tells of its writes: how many changes, how long, how it ended."""

    def __init__(self, access: Access, server: str) -> None:
        self._access = access
        self._server = server
        self.mode = access.mode
        self.limit = access.limit

    def write(self, changes: Sequence[Change]) -> Answer:
        """Write and delete resources; RemoteError where the request as a whole went wrong."""
        begun = time.monotonic()
        with correlated() as request:
            try:
                answer = self._access.write(changes)
            except RemoteError as error:
                self._log(changes, request, begun, status=error.status, error=error)
                raise
        self._log(changes, request, begun, answer=answer)
        return answer

    def read(self, urls: Sequence[str]) -> dict[str, Held]:
        """Return what the server holds at each URL now."""
        return self._access.read(urls)

    def may_miss(self, url: str) -> bool:
        """True where "absent" may mean that a search does not show the resource yet."""
        return self._access.may_miss(url)

    def matches_versions(self, resource_type: str) -> bool:
        """True where updates of the type name the version that they replace."""
        return self._access.matches_versions(resource_type)

    def server_id(self, url: str) -> str | None:
        """Return the id that the server gave the resource; None where it has ours."""
        return self._access.server_id(url)

    def _log(
        self,
        changes: Sequence[Change],
        request: str,
        begun: float,
        *,
        status: int | None = None,
        answer: Answer | None = None,
        error: RemoteError | None = None,
    ) -> None:
        level = logging.INFO if error is None else logging.WARNING
        log(
            _logger, level, "bundle", server=self._server, mode=self.mode, size=len(changes),
            written=None if answer is None else len(answer.written),
            failed=None if answer is None else len(answer.failed),
            status=status if answer is None or self.mode == "put" else 200,
            messages=None if error is None else numbers_of(error),
            ms=round((time.monotonic() - begun) * 1000, 1), request=request,
        )  # fmt: skip


class LoggedAccessFactory:
    """Makes accesses that tell of their writes."""

    def __init__(self, factory: AccessFactory, server: str) -> None:
        self._factory = factory
        self._server = server
        self.limit = factory.limit
        self.mode = factory.mode
        self.follows_references = factory.follows_references

    def for_delivery(self, records: Iterable[Prepared], rows: Iterable[LedgerRow]) -> Access:
        """Return the access for some records."""
        return LoggedAccess(self._factory.for_delivery(records, rows), self._server)
