"""A FHIR server that is awkward in every way that real ones are; each trait can be switched.

Not a sandbox: it keeps just enough to be written to, read and searched by identity.
"""

from __future__ import annotations

import copy
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.http_server import Answer, HttpServer, Request

TYPES = (
    "Patient", "Practitioner", "Organization", "Encounter", "Condition", "Observation", "Goal",
    "QuestionnaireResponse", "ServiceRequest", "MedicationRequest", "CareTeam", "CarePlan",
    "Provenance",
)  # fmt: skip
_KNOWN = ("identifier", "_tag", "_id", "_count")


@dataclass(slots=True)
class Traits:
    """How awkward the server is; the defaults are the worst that records still get through."""

    client_ids: bool = False
    tells_client_ids: bool = True
    conflict_status: int = 412
    bundle_limit: int | None = 25
    limit_status: int = 413
    tells_limit: bool = False
    transactions: bool = True
    conditional_create: bool = False
    conditional_update: bool = False
    ignores_unknown_parameters: bool = True
    ignores_identifier: bool = False
    posts_searches: bool = True
    search_lag: float = 0.0
    search_seconds: float = 0.0
    versions: bool = True
    token: str | None = None


class Refused(Exception):  # noqa: N818 - an answer, no fault of the server
    """An answer that is no success."""

    def __init__(self, status: int, text: str, code: str = "processing") -> None:
        super().__init__(text)
        self.status, self.text, self.code = status, text, code


@dataclass(slots=True)
class Version:
    """One version of a resource; without content where it was deleted."""

    id: str
    content: dict[str, Any] | None
    written: float


@dataclass(slots=True)
class Held:
    """All that the server holds: the versions of each resource, oldest first, by relative URL."""

    versions: dict[str, list[Version]] = field(default_factory=dict)

    def live(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the resources that were not deleted."""
        for url, versions in self.versions.items():
            if versions[-1].content is not None:
                yield url, versions[-1].content


class AwkwardServer(HttpServer):
    """Runs within a ``with`` block; `requests` are (method, path, body) in their order."""

    def __init__(self, **traits: Any) -> None:
        super().__init__()
        self.traits = Traits(**traits)
        self.held = Held()
        self.requests: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """The FHIR base URL."""
        return f"{self.root}/fhir"

    def live(self, resource_type: str) -> list[dict[str, Any]]:
        """Return the live resources of a type."""
        with self._lock:
            found = [one for url, one in self.held.live() if url.startswith(f"{resource_type}/")]
            return copy.deepcopy(found)

    def edit(self, url: str, **changes: Any) -> None:
        """Change a resource as somebody else would."""
        with self._lock:
            content = self.held.versions[url][-1].content
            assert content is not None
            self._store({**content, **changes}, url)

    def remove(self, url: str) -> None:
        """Delete a resource as somebody else would."""
        with self._lock:
            self._delete(url)

    def respond(self, request: Request) -> Answer:
        """Answer one request."""
        body = request.body.decode()
        try:
            status, shown, told = self._answer(
                request.method, request.target, request.headers, body
            )
        except Refused as refused:
            status, told = refused.status, {}
            issue = {"severity": "error", "code": refused.code, "diagnostics": refused.text}
            shown = {"resourceType": "OperationOutcome", "issue": [issue]}
        content = json.dumps(shown).encode() if shown is not None else b""
        return Answer(status, {"Content-Type": "application/fhir+json", **told}, content)

    def _answer(
        self, method: str, target: str, headers: dict[str, str], body: str
    ) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        parts = urlsplit(target)
        path = [part for part in parts.path.removeprefix("/fhir").split("/") if part]
        query = parse_qsl(parts.query)
        self.requests.append((method, target, body))
        wanted = self.traits.token
        if wanted is not None and headers.get("authorization") != f"Bearer {wanted}":
            raise Refused(401, "The token is not valid.", "login")
        if method == "GET" and path == ["metadata"]:
            return 200, self._statement(), {}
        if self._is_search(method, path):
            found = self._search(path[0], query or parse_qsl(body))
            return 200, found, {}
        if path[1:] == ["_search"]:
            raise Refused(405, "Searches stand in the URL.", "not-supported")
        with self._lock:
            if method == "POST" and not path:
                return 200, self._bundle(json.loads(body)), {}
            resource = json.loads(body) if body else None
            status, shown, url = self._one(method, path, query, resource, headers)
            return status, shown, self._headers(url)

    def _is_search(self, method: str, path: list[str]) -> bool:
        return (method == "GET" and len(path) == 1) or (
            method == "POST" and path[1:] == ["_search"] and self.traits.posts_searches
        )

    def _one(
        self,
        method: str,
        path: list[str],
        query: list[tuple[str, str]],
        resource: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> tuple[int, dict[str, Any] | None, str | None]:
        if "_history" in path or not path or path[0] not in TYPES:
            raise Refused(404, "There is no such thing here.", "not-found")
        url = "/".join(path)
        if method == "GET" and len(path) == 2:
            return 200, self._current(url), url
        if method == "DELETE" and len(path) == 2:
            self._match(url, headers.get("if-match"))
            return 204, None, self._delete(url)
        if method == "POST" and len(path) == 1 and resource is not None:
            return self._create(resource, headers.get("if-none-exist"))
        if method == "PUT" and resource is not None:
            return self._put(path, query, resource, headers.get("if-match"))
        raise Refused(405, "This is not done here.", "not-supported")

    def _put(
        self,
        path: list[str],
        query: list[tuple[str, str]],
        resource: dict[str, Any],
        if_match: str | None,
    ) -> tuple[int, dict[str, Any] | None, str | None]:
        if len(path) == 1:
            if not self.traits.conditional_update:
                raise Refused(405, "Updates need an id.", "not-supported")
            url = self._only(path[0], query)
            if url is None:
                return self._create(resource, None)
        else:
            url = "/".join(path)
        there = self.held.versions.get(url)
        if there is None and not self.traits.client_ids:
            raise Refused(405, "Ids are given by the server.", "not-supported")
        self._match(url, if_match)
        new = there is None or there[-1].content is None
        self._store({**resource, "id": url.partition("/")[2]}, url)
        return 201 if new else 200, self._current(url), url

    def _create(
        self, resource: dict[str, Any], if_none_exist: str | None
    ) -> tuple[int, dict[str, Any] | None, str | None]:
        kind = resource["resourceType"]
        if if_none_exist is not None:
            if not self.traits.conditional_create:
                raise Refused(412, "If-None-Exist is not supported.", "not-supported")
            there = self._only(kind, parse_qsl(if_none_exist))
            if there is not None:
                return 200, self._current(there), there
        url = f"{kind}/{uuid.uuid4().hex[:12]}"
        self._store({**resource, "id": url.partition("/")[2]}, url)
        return 201, self._current(url), url

    def _only(self, kind: str, query: list[tuple[str, str]]) -> str | None:
        found = self._matches(kind, query, time.monotonic())
        if len(found) > 1:
            raise Refused(412, f"The criteria match {len(found)} resources.", "multiple-matches")
        return f"{kind}/{found[0]['id']}" if found else None

    def _match(self, url: str, if_match: str | None) -> None:
        if if_match is None:
            return
        there = self.held.versions.get(url)
        current = there[-1] if there else None
        live = current is not None and current.content is not None
        if not live or current is None or if_match != f'W/"{current.id}"':
            raise Refused(self.traits.conflict_status, "Another version is here.", "conflict")

    def _current(self, url: str) -> dict[str, Any]:
        there = self.held.versions.get(url)
        if there is None:
            raise Refused(404, "There is no such resource.", "not-found")
        if there[-1].content is None:
            raise Refused(410, "The resource was deleted.", "deleted")
        return there[-1].content

    def _store(self, resource: dict[str, Any], url: str) -> None:
        for target in re.findall(r'"reference": "([^"]+)"', json.dumps(resource)):
            there = self.held.versions.get(target)
            if there is None or there[-1].content is None:
                raise Refused(400, "A reference leads nowhere.", "invalid")
        version = str(uuid.uuid4())
        meta = {**resource.get("meta", {}), "lastUpdated": "2024-05-01T00:00:00Z"}
        if self.traits.versions:
            meta["versionId"] = version
        content = {**resource, "meta": meta}
        self.held.versions.setdefault(url, []).append(Version(version, content, time.monotonic()))

    def _delete(self, url: str) -> str:
        if url in self.held.versions:
            version = Version(str(uuid.uuid4()), None, time.monotonic())
            self.held.versions[url].append(version)
        return url

    def _headers(self, url: str | None) -> dict[str, str]:
        there = self.held.versions.get(url or "")
        if url is None or there is None:
            return {}
        location = {"Location": f"{self.base_url}/{url}"}
        return {**location, "ETag": f'W/"{there[-1].id}"'} if self.traits.versions else location

    def _bundle(self, bundle: dict[str, Any]) -> dict[str, Any]:
        entries = bundle["entry"]
        limit = self.traits.bundle_limit
        if limit is not None and len(entries) > limit:
            raise Refused(self.traits.limit_status, f"A Bundle has at most {limit} entries.")
        if bundle["type"] != "transaction" or not self.traits.transactions:
            raise Refused(405, "This kind of Bundle is not taken.", "not-supported")
        before = copy.deepcopy(self.held)
        try:
            answers = self._transact(entries)
        except Refused:
            self.held = before
            raise
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def _transact(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Carry out creates in the order of their references, whatever the order of entries."""
        answers: dict[int, dict[str, Any]] = {}
        places: dict[str, str] = {}
        left = list(range(len(entries)))
        while left:
            ready = [n for n in left if not _unresolved(entries[n], places)]
            if not ready:
                raise Refused(400, "A reference leads nowhere.", "invalid")
            for index in ready:
                answers[index], url = self._entry(_resolved(entries[index], places))
                places[entries[index].get("fullUrl", "")] = url
                left.remove(index)
        return [answers[index] for index in range(len(entries))]

    def _entry(self, entry: dict[str, Any]) -> tuple[dict[str, Any], str]:
        request = entry["request"]
        parts = urlsplit(request["url"])
        headers = {"if-match": request.get("ifMatch"), "if-none-exist": request.get("ifNoneExist")}
        given = {name: text for name, text in headers.items() if text is not None}
        path, query = parts.path.split("/"), parse_qsl(parts.query)
        status, _, url = self._one(request["method"], path, query, entry.get("resource"), given)
        told = self._headers(url)
        names = {"Location": "location", "ETag": "etag"}
        return {
            "response": {"status": str(status), **{names[n]: text for n, text in told.items()}}
        }, url or ""

    def _search(self, kind: str, query: list[tuple[str, str]]) -> dict[str, Any]:
        time.sleep(self.traits.search_seconds)
        with self._lock:
            found = self._matches(kind, query, time.monotonic() - self.traits.search_lag)
            entries = [{"resource": copy.deepcopy(one)} for one in found]
        return {"resourceType": "Bundle", "type": "searchset", "entry": entries}

    def _matches(
        self, kind: str, query: list[tuple[str, str]], until: float
    ) -> list[dict[str, Any]]:
        """Return what matches; a search does not show what was written after `until`."""
        found = [
            one for url, one in self.held.live()
            if url.startswith(f"{kind}/") and self.held.versions[url][0].written <= until
        ]  # fmt: skip
        for name, value in query:
            if name not in _KNOWN and not self.traits.ignores_unknown_parameters:
                raise Refused(400, "The search parameter is unknown.", "not-supported")
            if name in ("identifier", "_tag") and not self.traits.ignores_identifier:
                found = [one for one in found if value in _tokens(one, name)]
        return found

    def _statement(self) -> dict[str, Any]:
        traits = self.traits
        bundles: list[dict[str, Any]] = [{"code": "transaction"}] if traits.transactions else []
        if traits.tells_limit and bundles:
            bundles[0]["documentation"] = f"At most {traits.bundle_limit} entries."
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "software": {"name": "awkward", "version": "1"},
            "rest": [
                {
                    "mode": "server",
                    "interaction": bundles,
                    "resource": [self._resource(kind) for kind in TYPES],
                }
            ],
        }

    def _resource(self, kind: str) -> dict[str, Any]:
        traits = self.traits
        codes = ("create", "read", "update", "delete", "search-type")
        told = {"updateCreate": traits.client_ids} if traits.tells_client_ids else {}
        return {
            "type": kind,
            "interaction": [{"code": code} for code in codes],
            "versioning": "versioned-update" if traits.versions else "no-version",
            "conditionalCreate": traits.conditional_create,
            "conditionalUpdate": traits.conditional_update,
            "conditionalDelete": "not-supported",
            **told,
        }


def _tokens(resource: dict[str, Any], name: str) -> set[str]:
    if name == "_tag":
        tags = resource.get("meta", {}).get("tag", [])
        return {f"{tag.get('system')}|{tag.get('code')}" for tag in tags}
    listed = resource.get("identifier", [])
    elements = listed if isinstance(listed, list) else [listed]
    return {f"{one.get('system')}|{one.get('value')}" for one in elements}


def _temporary(entry: dict[str, Any]) -> set[str]:
    return set(re.findall(r'"reference": "(urn:uuid:[^"]+)"', json.dumps(entry.get("resource"))))


def _unresolved(entry: dict[str, Any], places: dict[str, str]) -> bool:
    own = {entry.get("fullUrl", "")}
    return not _temporary(entry) - own <= places.keys()


def _resolved(entry: dict[str, Any], places: dict[str, str]) -> dict[str, Any]:
    text = json.dumps(entry)
    for name in _temporary(entry):
        text = text.replace(f'"reference": "{name}"', f'"reference": "{places[name]}"')
    resolved: dict[str, Any] = json.loads(text)
    return resolved
