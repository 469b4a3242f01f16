"""The entries of a batch or transaction Bundle: read in, and answered in the same order.

FHIR: http://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from fhir_backpain.outcome import Outcome
from fhir_backpain.sandbox.bundle_text import write_bundle, write_entry
from fhir_backpain.sandbox.exchange import Answer, Interaction
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import INVALID_ENTRY
from fhir_backpain.sandbox.parameters import parse_query

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
_HEADERS = ("ifMatch", "ifNoneMatch", "ifNoneExist", "fullUrl")


@dataclass(slots=True)
class Entry:
    """One entry: its place, its fullUrl and the interaction that it asks for."""

    index: int
    full_url: str | None
    request: Interaction


def read_entry(index: int, element: Any, request: Interaction) -> Entry:
    """Return the entry of `element`; InteractionError 400 names what is wrong with it."""
    try:
        return _read(index, element, request)
    except InteractionError as error:
        raise error.in_entry(index) from error


def entry_elements(bundle: dict[str, Any]) -> list[Any]:
    """Return Bundle.entry, which may be absent; InteractionError 400 where it is no array."""
    elements = bundle.get("entry", [])
    if not isinstance(elements, list):
        text = "Bundle.entry is not an array."
        raise InteractionError.of(400, INVALID_ENTRY, text, expression="Bundle.entry")
    return elements


def answer_text(kind: str, answers: Sequence[Answer], request: Interaction) -> str:
    """Return the response Bundle of type `kind`, one entry for each answer in their order."""
    entries = [_entry_text(answer, request) for answer in answers]
    omitted = request.quirks.omitted_entries
    entries = [text for index, text in enumerate(entries) if index not in omitted]
    if request.quirks.reversed_entries:
        entries.reverse()
    return write_bundle({"type": kind}, entries)


def refused(error: InteractionError) -> Answer:
    """Return the answer that a batch gives for an entry that failed."""
    return Answer(error.status, issues=error.issues)


def _read(index: int, element: Any, request: Interaction) -> Entry:
    if not isinstance(element, dict) or not isinstance(element.get("request"), dict):
        raise _invalid("it has no request.")
    wanted = element["request"]
    method, url = wanted.get("method"), wanted.get("url")
    if method not in _METHODS:
        raise _invalid(f"request.method is not one of {', '.join(_METHODS)}.")
    if not isinstance(url, str):
        raise _invalid("request.url is missing.")
    resource = element.get("resource")
    if method in ("POST", "PUT") and not isinstance(resource, dict):
        raise _invalid(f"a {method} needs a resource.")
    texts = {name: wanted.get(name) for name in _HEADERS[:3]} | {"fullUrl": element.get("fullUrl")}
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise _invalid(f"{name} is not a string.")
    path, _, query = url.removeprefix(request.base + "/").partition("?")
    interaction = replace(
        request,
        method=method,
        path=tuple(unquote(part) for part in path.strip("/").split("/")),
        parameters=parse_query(query) if query else (),
        body=resource if method in ("POST", "PUT") else None,
        if_match=texts["ifMatch"],
        if_none_match=texts["ifNoneMatch"],
        if_none_exist=texts["ifNoneExist"],
    )
    return Entry(index, texts["fullUrl"], interaction)


def _invalid(text: str) -> InteractionError:
    return InteractionError.of(400, INVALID_ENTRY, text)


def _entry_text(answer: Answer, request: Interaction) -> str:
    response: dict[str, Any] = {"status": f"{answer.status} {_phrase(answer.status)}".strip()}
    version = answer.version
    full_url = None
    if version is not None:
        response |= {"etag": version.etag, "lastModified": version.last_updated}
        if not version.deleted:
            full_url = f"{request.base}/{version.type}/{version.id}"
            response["location"] = version.location
    failed = any(issue.is_error for issue in answer.issues)
    if answer.issues and (failed or request.returning == "OperationOutcome"):
        response["outcome"] = Outcome(answer.issues).to_fhir()
    # A write shows its resource on request only; a read or search always has one to show.
    shown = not answer.wrote or request.returning == "representation"
    return write_entry(full_url, answer.content if shown else None, response=response)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
