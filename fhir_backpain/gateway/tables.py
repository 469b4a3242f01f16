"""A clinic's own table, from a file on one's computer to the server, through the browser alone.

Three steps on one page: give the table; choose a mapping, or begin one from the header; correct
until nothing is wrong, and send.
"""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from fhir_backpain.errors import BackpainError, SourceError
from fhir_backpain.gateway.gate import needs, principal
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters, wrong_parameter
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.mapping_book import unwritten_issues
from fhir_backpain.gateway.messages import TABLE_ENCODING
from fhir_backpain.gateway.playground import MOST_TRIED, field
from fhir_backpain.gateway.queueing import ensure_may_send, queue
from fhir_backpain.gateway.services import services
from fhir_backpain.gateway.trial import Source, Trial, try_out
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.sources.csv_header import read_header

blueprint = Blueprint("tables", __name__)

TABLES = "/tables"
ENCODINGS = ("utf-8", "cp1252", "iso-8859-15", "utf-16")


@blueprint.get(TABLES)
@needs("read")
def show() -> Response:
    """Show the form."""
    ensure_accepts("text/html")
    ensure_parameters()
    return _page(Source(""))


@blueprint.post(TABLES)
@needs("read")
def submit() -> Response:
    """Take a step: ``begin`` or ``choose`` a mapping, ``try`` it, ``save`` it, or ``send``."""
    ensure_parameters()
    act = request.form.get("act", "try")
    try:
        source = _given()
        if act in ("begin", "choose"):
            source = _with_mapping(source, act)
    except (SourceError, UnicodeError) as error:
        return _page(Source(field("source"), field("feed")), status=422, wrong=_issues(error))
    if act == "save":
        return _saved(source.feed)
    if act != "send":
        return _page(source)
    ensure_may_send()
    trial = _trial(source, services().settings.max_records + 1)
    if any(issue.is_error for issue in trial.issues) or not source.is_table:
        services().refusals.note(trial.issues)
        return _page(source, status=422)
    try:
        return queue(trial.records, services())
    except BackpainError as error:
        return _page(source, status=422, refused=error.issues)


def _given() -> Source:
    """Return what the form holds; an uploaded file takes the place of the typed table."""
    source = Source(*(field(name) for name in ("source", "feed", "parameters")))
    file = request.files.get("file")
    content = file.stream.read() if file is not None else b""
    if not content:
        return source
    text = content.decode(_encoding()).removeprefix("\ufeff")
    return replace(source, text=text.replace("\r\n", "\n"))


def _with_mapping(source: Source, act: str) -> Source:
    book = services().mappings
    if act == "choose":
        book.feed(field("name"))
        return replace(source, feed=book.page(field("name")).text)
    makes = field("makes")
    if makes not in RECORD_TYPES:
        raise wrong_parameter("makes is no record type.")
    row = next((line for line in source.text.splitlines() if line.strip()), "")
    columns, _ = read_header(row, None, SourceLocation())
    return replace(source, feed=book.begin(columns, makes, _encoding()))


def _encoding() -> str:
    wished = field("encoding") or "utf-8"
    if wished not in ENCODINGS:
        raise wrong_parameter("encoding is none of those that the form offers.")
    return codecs.lookup(wished).name


def _issues(error: SourceError | UnicodeError) -> tuple[Issue, ...]:
    if isinstance(error, SourceError):
        return error.issues
    return (TABLE_ENCODING.issue("The file is not in the encoding that was chosen."),)


def _saved(text: str) -> Response:
    """Return the mapping as a file, for the mappings folder and for programs."""
    answer = Response(text, 200, content_type="application/yaml; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="my-table.feed.yaml"'
    return answer


def _trial(source: Source, most: int) -> Trial:
    """Return what would come of a table; what the mapping has not said yet comes first."""
    left = unwritten_issues(source.feed)
    if left:
        return Trial(problems=left)
    return try_out(source, services().mapper, most) if source.is_table else Trial()


def _page(source: Source, *, status: int = 200, **context: Any) -> Response:
    return page(
        "tables.html",
        status=status,
        source=source,
        trial=_trial(source, MOST_TRIED),
        feeds=services().mappings.feeds,
        record_types=RECORD_TYPES,
        encodings=ENCODINGS,
        encoding=field("encoding") or ENCODINGS[0],
        may_send=principal().may("send"),
        **context,
    )
