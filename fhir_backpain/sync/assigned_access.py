"""Writing to a server that assigns ids itself: resources are found by their identifiers.

The rest of the sending knows ids of ours alone; here they become the server's, and back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.errors import (
    ConflictError,
    PermanentRemoteError,
    RemoteError,
    TransientRemoteError,
)
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.fhir.meta import version_of, without_id_tag
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.address_book import AddressBook, references_in
from fhir_backpain.sync.bundle import (
    Answer,
    Written,
    entries_of,
    is_gone,
    located_url,
    not_proven,
    note_entry,
    relative_url,
    status_of,
)
from fhir_backpain.sync.bundle_limit import BundleLimit
from fhir_backpain.sync.composition import Change
from fhir_backpain.sync.identity_query import IdentityQuery, identity_of, tagged
from fhir_backpain.sync.messages import NO_TARGET, SEARCH_WRONG, SEVERAL_MATCH
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.server_access import Access, Held, read_one
from fhir_backpain.sync.strategy import Mode, Strategy

_UPDATED = 200


@dataclass(frozen=True, slots=True)
class _Draft:
    """A change as the server is to see it; `there` is None where it has no id for it yet."""

    change: Change
    there: str | None
    if_match: str | None
    query: IdentityQuery | None
    resource: dict[str, Any] | None

    @property
    def type(self) -> str:
        return self.change.type


class AssigningServer:
    """A server that assigns ids; makes the access for each delivery."""

    follows_references = True

    def __init__(
        self, client: FhirClient, strategy: Strategy, limit: BundleLimit | None = None
    ) -> None:
        self._client = client
        self.strategy = strategy
        self.mode: Mode = strategy.mode
        self.limit = limit or BundleLimit()

    def for_delivery(self, records: Iterable[Prepared], rows: Iterable[LedgerRow]) -> Access:
        """Return the access for some records, given the ledger rows of all that they speak of."""
        texts = {
            made.url: made.text
            for record in records
            for made in (*record.lost, *(one.made for one in record.resources.values()))
        }
        queries = {url: identity_of(json.loads(text)) for url, text in texts.items()}
        return AssignedAccess(self._client, self.strategy, self.limit, AddressBook(rows), queries)


class AssignedAccess:
    """The access of one delivery; used by one thread, network only."""

    def __init__(
        self,
        client: FhirClient,
        strategy: Strategy,
        limit: BundleLimit,
        book: AddressBook,
        queries: dict[str, IdentityQuery],
    ) -> None:
        self._client = client
        self._strategy = strategy
        self._book = book
        self._queries = queries
        self._versions: dict[str, str | None] = {}
        self.limit = limit
        self.mode: Mode = strategy.mode

    def may_miss(self, url: str) -> bool:
        """True where only a search can show the resource, and none else guards its creation."""
        kind = url.partition("/")[0]
        return self._book.there(url) is None and self._strategy.may_miss(kind)

    def matches_versions(self, resource_type: str) -> bool:
        """True where updates of the type name the version that they replace."""
        return self._strategy.matches_versions(resource_type)

    def server_id(self, url: str) -> str | None:
        """Return the id that the server gave the resource; None where it has ours."""
        there = self._book.there(url)
        return there.partition("/")[2] if there is not None and there != url else None

    def read(self, urls: Sequence[str]) -> dict[str, Held]:
        """Return what the server holds, as if it had our ids; RemoteError where not to be had."""
        return {url: self._read_one(url) for url in urls}

    def write(self, changes: Sequence[Change]) -> Answer:
        """Write and delete resources; RemoteError where the request as a whole went wrong."""
        if self.mode == "transaction":
            return self._transact(changes)
        return self._send_each(changes)

    def _read_one(self, url: str) -> Held:
        there = self._book.there(url)
        if there is None and self._strategy.takes_our_ids(url.partition("/")[0]):
            there = url
        if there is None:
            found = self._find(url)
            if len(found) != 1:
                return "several" if found else "absent"
            (held,) = found
            self._book.learn(url, f"{held['resourceType']}/{held['id']}")
        else:
            shown = read_one(self._client, there)
            if not isinstance(shown, dict):
                return shown
            held = shown
        return without_id_tag(self._book.incoming(held, url))

    def _find(self, url: str) -> list[dict[str, Any]]:
        """Return what bears the identity of a resource; nothing where that is not known."""
        query = self._queries.get(url)
        if query is None:
            return []
        kind = url.partition("/")[0]
        found = []
        for entry in self._client.search(kind, [query.criterion], in_url=self._strategy.in_url):
            resource = entry.get("resource")
            if not isinstance(resource, dict) or resource.get("resourceType") != kind:
                continue
            if not query.fits(resource):
                text = f"A search of {kind} by identifier returned another {kind}."
                raise PermanentRemoteError(SEARCH_WRONG.issue(text))
            found.append(resource)
        return found

    def _locate(self, change: Change) -> None:
        """Search for what the ledger does not know, unless the server itself does so."""
        kind, strategy = change.type, self._strategy
        asked = change.text is None or strategy.may_miss(kind)
        if not asked or strategy.takes_our_ids(kind) or self._book.there(change.url) is not None:
            return
        held = self._only(change.url)
        if held is not None:
            self._book.learn(change.url, f"{kind}/{held['id']}")
            self._versions[change.url] = version_of(held)

    def _draft(self, change: Change, new: frozenset[str]) -> _Draft:
        """Return a change as the server is to see it; RemoteError where it cannot be sent."""
        there = self._book.there(change.url)
        if there is None and self._strategy.takes_our_ids(change.type):
            there = change.url
        match = change.if_match or self._versions.get(change.url)
        match = match if self._strategy.matches_versions(change.type) else None
        query = self._queries.get(change.url)
        if change.text is None:
            return _Draft(change, there, match, query, None)
        resource = json.loads(change.text, parse_float=Decimal)
        query = query or identity_of(resource)
        self._check_targets(resource, new)
        outgoing = self._book.outgoing(tagged(resource), new)
        outgoing.pop("id")
        if there is not None:
            outgoing["id"] = there.partition("/")[2]
        return _Draft(change, there, match, query, outgoing)

    def _only(self, url: str) -> dict[str, Any] | None:
        found = self._find(url)
        if len(found) > 1:
            text = f"{len(found)} resources of type {url.partition('/')[0]} have the identifier."
            raise ConflictError(SEVERAL_MATCH.issue(text))
        return found[0] if found else None

    def _check_targets(self, resource: dict[str, Any], new: frozenset[str]) -> None:
        for url in references_in(resource):
            kind = url.partition("/")[0]
            known = url in new or self._book.there(url) or self._strategy.takes_our_ids(kind)
            if not known:
                text = f"The server has no {kind} that the {resource['resourceType']} refers to."
                raise PermanentRemoteError(NO_TARGET.issue(text))

    def _transact(self, changes: Sequence[Change]) -> Answer:
        for change in changes:
            self._locate(change)
        new = frozenset(
            change.url for change in changes if change.text is not None and self._is_new(change)
        )
        drafts = [self._draft(change, new) for change in changes]
        sent = [one for one in drafts if one.resource is not None or one.there is not None]
        absent = {one.change.url: Written(None, created=False) for one in drafts if one not in sent}
        if not sent:
            return Answer(absent)
        reply = self._client.transaction(dump(self._bundle(sent)))
        answer, existing = self._answer(sent, reply)
        answer.written |= absent
        return _merged(answer, self.write(existing)) if existing else answer

    def _is_new(self, change: Change) -> bool:
        own = self._strategy.takes_our_ids(change.type)
        return not own and self._book.there(change.url) is None

    def _bundle(self, drafts: Sequence[_Draft]) -> dict[str, Any]:
        entries = [self._entry(draft) for draft in drafts]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    def _entry(self, draft: _Draft) -> dict[str, Any]:
        request: dict[str, Any] = {"url": draft.there or draft.type}
        if draft.resource is None:
            request["method"] = "DELETE"
        elif draft.there is not None:
            request["method"] = "PUT"
        elif self._strategy.way(draft.type) == "conditional-update" and draft.query:
            request |= {"method": "PUT", "url": f"{draft.type}?{draft.query.text}"}
        else:
            request["method"] = "POST"
            if self._strategy.capabilities.conditional_create(draft.type) and draft.query:
                request["ifNoneExist"] = draft.query.text
        if draft.if_match is not None:
            request["ifMatch"] = f'W/"{draft.if_match}"'
        if draft.resource is None:
            return {"request": request}
        own = f"urn:uuid:{draft.change.url.partition('/')[2]}"
        full_url = f"{self._client.base_url}/{draft.there}" if draft.there else own
        return {"fullUrl": full_url, "resource": draft.resource, "request": request}

    def _answer(self, sent: Sequence[_Draft], reply: Reply) -> tuple[Answer, list[Change]]:
        """Return what the answer proves, entry by entry in their order, and what was there."""
        entries, answer, existing = entries_of(reply), Answer(), list[Change]()
        located = [located_url(entry) for entry in entries]
        if len(entries) != len(sent) or not all(map(_is_in_place, sent, located)):
            return Answer(failed={one.change.url: not_proven(reply) for one in sent}), []
        for draft, entry, there in zip(sent, entries, located, strict=True):
            url = draft.change.url
            posted = draft.there is None and self._strategy.way(draft.type) == "search"
            if there is not None:
                self._book.learn(url, there)
            if posted and status_of(entry) == _UPDATED and there is not None:
                existing.append(draft.change)
                continue
            note_entry(answer, draft.change, entry, reply)
            self._check_place(answer, draft, reply)
        return answer, existing

    def _check_place(self, answer: Answer, draft: _Draft, reply: Reply) -> None:
        """Take a write for unproven where the server does not say which id it gave."""
        url = draft.change.url
        written = url in answer.written and draft.resource is not None
        if written and draft.there is None and self._book.there(url) is None:
            del answer.written[url]
            answer.failed[url] = not_proven(reply)

    def _send_each(self, changes: Sequence[Change]) -> Answer:
        answer = Answer()
        for index, change in enumerate(changes):
            cause = _cause(change, answer)
            if cause is not None:
                answer.failed[change.url] = cause
                continue
            try:
                self._send_one(answer, change)
            except (PermanentRemoteError, ConflictError) as error:
                if is_gone(change, error.status):
                    answer.written[change.url] = Written(None, created=False)
                else:
                    answer.failed[change.url] = error
            except RemoteError as error:
                if not answer.written:
                    raise
                answer.failed[change.url] = error
                rest = TransientRemoteError(error.issues, retry_after=error.retry_after)
                answer.failed |= {one.url: rest for one in changes[index + 1 :]}
                break
        return answer

    def _send_one(self, answer: Answer, change: Change) -> None:
        self._locate(change)
        draft = self._draft(change, frozenset())
        kind, client = draft.type, self._client
        if draft.resource is None:
            if draft.there is not None:
                client.delete(kind, draft.there.partition("/")[2], if_match=draft.if_match)
            answer.written[change.url] = Written(None, created=False)
            return
        text = dump(draft.resource)
        if draft.there is not None:
            name = draft.there.partition("/")[2]
            reply = client.put(kind, name, text, if_match=draft.if_match)
            self._book.learn(change.url, draft.there)
        elif self._strategy.way(kind) == "conditional-update" and draft.query:
            reply = client.put_where(kind, draft.query.text, text)
        else:
            offered = self._strategy.capabilities.conditional_create(kind)
            query = draft.query.text if offered and draft.query else None
            reply = client.create(kind, text, if_none_exist=query)
        self._learn(change.url, reply)
        if draft.there is None and self._strategy.way(kind) == "search" and reply.status == 200:
            if self._book.there(change.url) is None:
                raise not_proven(reply)
            self._send_one(answer, change)  # it was there already: now it is updated
            return
        answer.written[change.url] = Written(reply.version_id, reply.status == 201)
        self._check_place(answer, draft, reply)

    def _learn(self, url: str, reply: Reply) -> None:
        there = relative_url(reply.headers.get("Location"))
        resource = reply.resource or {}
        if there is None and resource.get("resourceType") == url.partition("/")[0]:
            there = f"{resource['resourceType']}/{resource.get('id')}"
        if there is not None and there.partition("/")[0] == url.partition("/")[0]:
            self._book.learn(url, there)


def _is_in_place(draft: _Draft, located: str | None) -> bool:
    if located is None:
        return draft.there is not None
    return located == draft.there if draft.there else located.startswith(f"{draft.type}/")


def _merged(one: Answer, other: Answer) -> Answer:
    return Answer({**one.written, **other.written}, {**one.failed, **other.failed})


def _cause(change: Change, answer: Answer) -> RemoteError | None:
    """Return why a change cannot be sent: what it refers to has failed."""
    if change.text is None or not answer.failed:
        return None
    wanted = references_in(json.loads(change.text))
    return next((answer.failed[url] for url in wanted if url in answer.failed), None)
