"""Bundles of updates out, response Bundles in: only what an answer proves counts as written.

FHIR: http://hl7.org/fhir/R4/http.html#transaction-response
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any, Literal

from fhir_backpain.client.failure import ERRORS, classify_status, message_of_status
from fhir_backpain.client.operation_outcome import read_issues
from fhir_backpain.client.reply import Reply, parse_etag
from fhir_backpain.errors import AmbiguousRemoteError, RemoteError
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.composition import Change
from fhir_backpain.sync.messages import NOT_PROVEN

BundleType = Literal["transaction", "batch"]

_STATUS = re.compile(r"\s*([1-5][0-9][0-9])(?![0-9])", re.ASCII)
_LOCATION = re.compile(
    r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?/?$"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A write that the server has confirmed."""

    version_id: str | None
    created: bool


@dataclass(slots=True)
class Answer:
    """What became of writes, by relative URL: each is in exactly one of the two."""

    written: dict[str, Written] = field(default_factory=dict)
    failed: dict[str, RemoteError] = field(default_factory=dict)


def write_updates(changes: Sequence[Change], kind: BundleType, base_url: str) -> str:
    """Return the text of a Bundle that puts each resource at its own id, or deletes it."""
    entries = ",".join(_entry_text(change, base_url) for change in changes)
    return f'{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}'


def write_reads(urls: Sequence[str]) -> str:
    """Return the text of a batch Bundle that reads resources."""
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    return json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})


def read_answer(changes: Sequence[Change], reply: Reply) -> Answer:
    """Return what the response Bundle proves of each write.

    An entry counts for the URL in its location. One without a location counts by its place,
    if the answer has as many entries as were sent and none of them is out of its place.
    """
    entries = entries_of(reply)
    by_url = {change.url: change for change in changes}
    urls = list(by_url)
    located = [located_url(entry) for entry in entries]
    in_place = len(entries) == len(urls) and all(
        found in (None, url) for found, url in zip(located, urls, strict=True)
    )
    answer = Answer()
    for index, entry in enumerate(entries):
        url = located[index] or (urls[index] if in_place else None)
        if url in by_url and url not in answer.written and url not in answer.failed:
            note_entry(answer, by_url[url], entry, reply)
    for url in urls:
        if url not in answer.written and url not in answer.failed:
            answer.failed[url] = not_proven(reply)
    return answer


def place_in_resource(issue: Issue, changes: Sequence[Change]) -> str | None:
    """Return the FHIRPath of an issue within the resource rather than within the Bundle."""
    found = re.match(r"Bundle\.entry\[(\d+)\](?:\.resource)?(.*)", issue.expression or "")
    if found is None:
        return issue.expression
    index = int(found[1])
    if index >= len(changes):
        return issue.expression
    rest = re.sub(r"^\.ofType\([A-Za-z]+\)|^/\*[^*]*\*/", "", found[2])
    return changes[index].type + (rest if rest.startswith(".") else "")


def response_of(entry: dict[str, Any]) -> dict[str, Any]:
    """Return Bundle.entry.response, empty where there is none."""
    response = entry.get("response")
    return response if isinstance(response, dict) else {}


def status_of(entry: dict[str, Any]) -> int | None:
    """Return the number that Bundle.entry.response.status begins with."""
    found = _STATUS.match(str(response_of(entry).get("status", "")))
    return int(found[1]) if found else None


def is_gone(change: Change, status: int | None) -> bool:
    """True where the status says that what was to be deleted is not there."""
    return change.text is None and status in (404, 410)


def _entry_text(change: Change, base_url: str) -> str:
    method = "DELETE" if change.text is None else "PUT"
    asked = f'"request":{{"method":"{method}","url":{_quoted(change.url)}'
    if change.if_match is not None:
        version = f'W/"{change.if_match}"'
        asked += f',"ifMatch":{_quoted(version)}'
    if change.text is None:
        return f"{{{asked}}}}}"
    full_url = _quoted(f"{base_url}/{change.url}")
    return f'{{"fullUrl":{full_url},"resource":{change.text},{asked}}}}}'


def entries_of(reply: Reply) -> list[dict[str, Any]]:
    """Return Bundle.entry, an empty one for each that is none."""
    entries = (reply.resource or {}).get("entry")
    return [
        entry if isinstance(entry, dict) else {}
        for entry in (entries if isinstance(entries, list) else [])
    ]


def located_url(entry: dict[str, Any]) -> str | None:
    """Return the relative URL in Bundle.entry.response.location."""
    return relative_url(response_of(entry).get("location"))


def relative_url(location: Any) -> str | None:
    """Return ``Type/id`` of a location.

    >>> relative_url("https://fhir.example/r4/Patient/17/_history/3")
    'Patient/17'
    """
    found = _LOCATION.search(location) if isinstance(location, str) else None
    return found[1] if found else None


def not_proven(reply: Reply) -> AmbiguousRemoteError:
    """Return the error of a write that an answer does not speak of."""
    issue = NOT_PROVEN.issue("The server's answer does not name each resource.")
    return AmbiguousRemoteError(issue, status=reply.status)


def note_entry(answer: Answer, change: Change, entry: dict[str, Any], reply: Reply) -> None:
    """Put down what an entry of the response proves of a change, if it has a status."""
    response, status = response_of(entry), status_of(entry)
    if status is None:
        return
    kind = classify_status(status, reads_only=False)
    if kind == "ok" or is_gone(change, status):
        found = _LOCATION.search(str(response.get("location", "")))
        version_id = parse_etag(response.get("etag")) or (found[2] if found else None)
        answer.written[change.url] = Written(version_id, created=status == 201)
        return
    message = message_of_status(status)
    issues = read_issues(response.get("outcome"), message, status)
    answer.failed[change.url] = ERRORS[kind](
        issues or [message.issue(f"The server answered {status} for the entry.")],
        status=status,
        retry_after=reply.retry_after,
    )
