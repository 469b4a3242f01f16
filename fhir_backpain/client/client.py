"""A client of one FHIR server.

Every method raises a RemoteError that says what to do about it: TransientRemoteError (try again),
AmbiguousRemoteError (it may have been applied: read first), ConflictError (another version is
there) or PermanentRemoteError (the same request fails again). It carries the issues of the
server's OperationOutcome, the HTTP status and Retry-After in seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Self
from urllib.parse import quote, urlencode

import requests

from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.credentials import Credentials
from fhir_backpain.client.failure import ERRORS, Kind
from fhir_backpain.client.messages import UNREADABLE_ANSWER, WRONG_STATEMENT
from fhir_backpain.client.paging import entries_of_pages
from fhir_backpain.client.preflight import Preflight, look
from fhir_backpain.client.reply import Reply
from fhir_backpain.client.transport import Limits, Transport, make_session
from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.fhir.json_text import FHIR_JSON

Parameters = Sequence[tuple[str, str]]
_FRESH = {"Cache-Control": "no-cache"}
_FORM = "application/x-www-form-urlencoded"
_BODY = {"Content-Type": f"{FHIR_JSON}; charset=utf-8"}


class FhirClient:
    """Talks to the server at `base_url`; may be used by several threads.

    `timeout` is the longest silence and `deadline` the longest request in seconds, `max_bytes`
    the largest unpacked answer. Proxies and other settings of the environment count only with
    `trust_env`. A `session` of one's own is used as it is: its requests then end at the deadline
    only if it has the transport of `transport.make_session`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        credentials: Credentials | None = None,
        timeout: float = 30.0,
        deadline: float = 60.0,
        max_bytes: int = 64 * 1024 * 1024,
        trust_env: bool = False,
        ca_bundle: str | None = None,
        client_certificate: str | tuple[str, str] | None = None,
        session: requests.Session | None = None,
    ) -> None:
        self.base_url = parse_base_url(base_url)
        used = session or make_session(
            trust_env=trust_env, ca_bundle=ca_bundle, client_certificate=client_certificate
        )
        self._transport = Transport(used, Limits(timeout, deadline, max_bytes), credentials)
        self._lock = threading.Lock()
        self._capabilities: Capabilities | None = None
        self._preflight: Preflight | None = None

    def capabilities(self) -> Capabilities:
        """Return what the server can do; asked once.

        FHIR: http://hl7.org/fhir/R4/http.html#capabilities
        """
        with self._lock:
            if self._capabilities is None:
                statement = self._get("metadata").resource or {}
                if statement.get("resourceType") != "CapabilityStatement":
                    text = "metadata does not answer with a CapabilityStatement."
                    raise PermanentRemoteError(WRONG_STATEMENT.issue(text))
                self._capabilities = Capabilities(statement)
            return self._capabilities

    def preflight(self) -> Preflight:
        """Return how the server searches, looked at once; nothing is written."""
        with self._lock:
            if self._preflight is None:
                self._preflight = look(self)
            return self._preflight

    def read(self, resource_type: str, resource_id: str) -> Reply:
        """Return a resource as it is now; PermanentRemoteError 404 or 410 where there is none."""
        reply = self._get(_path(resource_type, resource_id), headers=_FRESH)
        resource = reply.resource or {}
        if (resource.get("resourceType"), resource.get("id")) != (resource_type, resource_id):
            text = f"{resource_type} was read, but the answer is not that resource."
            raise ERRORS["transient"](UNREADABLE_ANSWER.issue(text), status=reply.status)
        return reply

    def search(
        self,
        resource_type: str,
        parameters: Parameters = (),
        *,
        in_url: bool = False,
        max_pages: int = 10_000,
    ) -> Iterator[dict[str, Any]]:
        """Yield the entries of a search, page by page, never from a cache.

        The parameters go in the body, since they may identify a patient and URLs are logged;
        `in_url` is for servers that cannot do so. What was yielded before an error is not all.
        """
        query = urlencode(list(parameters))
        path = _path(resource_type)
        if in_url:
            first = self._get(f"{path}?{query}" if query else path, headers=_FRESH)
        else:
            headers = {**_FRESH, "Content-Type": _FORM}
            first = self._send("POST", f"{path}/_search", query.encode(), headers, reads_only=True)
        return self._pages(first, max_pages)

    def count(self, resource_type: str, parameters: Parameters = ()) -> int:
        """Return how many resources match, as the server counts them.

        Raises PermanentRemoteError where the server gives no total.
        """
        query = urlencode([*parameters, ("_summary", "count")])
        found = self._get(f"{_path(resource_type)}?{query}", headers=_FRESH)
        total = (found.resource or {}).get("total")
        if not isinstance(total, int):
            text = "The server gives no total for a count."
            raise ERRORS["permanent"](UNREADABLE_ANSWER.issue(text), status=found.status)
        return total

    def history(
        self, path: str = "", *, parameters: Parameters = (), max_pages: int = 10_000
    ) -> Iterator[dict[str, Any]]:
        """Yield the entries of the history of the server, of ``Type`` or of ``Type/id``."""
        where = _path(*[part for part in path.split("/") if part], "_history")
        query = urlencode(list(parameters))
        first = self._get(f"{where}?{query}" if query else where, headers=_FRESH)
        return self._pages(first, max_pages)

    def transaction(self, bundle: str) -> Reply:
        """Send a Bundle of type transaction; the reply's resource is the response Bundle."""
        return self._bundle(bundle)

    def batch(self, bundle: str, *, reads_only: bool = False) -> Reply:
        """Send a Bundle of type batch; each entry of the response has a status of its own.

        `reads_only` says that no entry writes: then no failure is ambiguous.
        """
        return self._bundle(bundle, reads_only=reads_only)

    def create(self, resource_type: str, text: str, *, if_none_exist: str | None = None) -> Reply:
        """Create a resource; the server gives it an id, which the reply's Location names.

        `if_none_exist` is a query: where one resource matches it, nothing is written (200).
        FHIR: http://hl7.org/fhir/R4/http.html#ccreate
        """
        headers = dict(_BODY)
        if if_none_exist is not None:
            headers["If-None-Exist"] = if_none_exist
        return self._send("POST", _path(resource_type), text.encode(), headers)

    def put(
        self, resource_type: str, resource_id: str, text: str, *, if_match: str | None = None
    ) -> Reply:
        """Update or create a resource at its id; `if_match` is the version that must be there."""
        headers = {**_BODY, **_matching(if_match)}
        return self._send("PUT", _path(resource_type, resource_id), text.encode(), headers)

    def put_where(self, resource_type: str, query: str, text: str) -> Reply:
        """Update what matches a query, or create it where nothing does (conditional update).

        FHIR: http://hl7.org/fhir/R4/http.html#cond-update
        """
        path = f"{_path(resource_type)}?{query}"
        return self._send("PUT", path, text.encode(), dict(_BODY))

    def delete(self, resource_type: str, resource_id: str, *, if_match: str | None = None) -> Reply:
        """Delete a resource; `if_match` is the version that must be there."""
        path = _path(resource_type, resource_id)
        return self._send("DELETE", path, None, _matching(if_match))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _bundle(self, bundle: str, *, reads_only: bool = False) -> Reply:
        reply = self._send("POST", "", bundle.encode(), _BODY, reads_only=reads_only)
        if (reply.resource or {}).get("resourceType") != "Bundle":
            text = f"The server answered {reply.status}, but not with a Bundle."
            kind: Kind = "transient" if reads_only else "ambiguous"
            raise ERRORS[kind](UNREADABLE_ANSWER.issue(text), status=reply.status)
        return reply

    def _pages(self, first: Reply, max_pages: int) -> Iterator[dict[str, Any]]:
        def follow(url: str) -> Reply:
            return self._transport.exchange("GET", url, headers=_FRESH, reads_only=True)

        return entries_of_pages(first, follow, self.base_url, max_pages)

    def _get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        return self._send("GET", path, None, headers or {}, reads_only=True)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        reads_only: bool = False,
    ) -> Reply:
        url = f"{self.base_url}/{path}" if path else self.base_url
        return self._transport.exchange(
            method, url, body=body, headers=headers, reads_only=reads_only
        )


def _matching(version: str | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'W/"{version}"'}


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)
