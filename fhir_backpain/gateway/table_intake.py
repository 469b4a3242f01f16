"""A table that was sent, and the mapping that tells what its columns mean."""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import request

from fhir_backpain.errors import ArtifactError, SettingsError
from fhir_backpain.gateway.guard import CSV, wrong_parameter
from fhir_backpain.gateway.mapping_book import MOST_TEXT, MappingBook, feed_of
from fhir_backpain.gateway.messages import NO_MAPPING, NO_TABLE, WRONG_MEDIA
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.mapping.feed import Feed
from fhir_backpain.mapping.table import TableReader
from fhir_backpain.outcome import Issue
from fhir_backpain.record import Reading
from fhir_backpain.validation.record import RecordChecker

_PACKED = b"\x1f\x8b"


@dataclass(slots=True)
class SentTable:
    """The bytes of a table, the feed mapping of it, and the values of the feed's parameters.

    `issues` are complete once every row was read: what is wrong with the columns, and warnings.
    """

    content: bytes
    feed: Feed
    parameters: dict[str, str]
    issues: list[Issue]

    @classmethod
    def of_request(cls, kind: str, book: MappingBook) -> SentTable:
        """Return the table of a request of media type `kind`, CSV or a form.

        ProblemError 400, 404, 415 or 422 where table, mapping or parameters are missing or wrong.
        """
        if kind == CSV:
            feed = _feed(request.args.get("mapping"), None, book)
            content = request.get_data(cache=True)
            _ensure_encoding(feed)
        else:
            sent = request.files.get("mapping")
            text = sent.stream.read(MOST_TEXT + 1) if sent is not None else None
            name = request.form.get("mapping") or request.args.get("mapping")
            content = _uploaded()
            feed = _feed(name, text, book)
        settings = [*request.args.getlist("set"), *request.form.getlist("set")]
        return cls.of_content(content, feed, settled(feed, settings))

    @classmethod
    def of_content(cls, content: bytes, feed: Feed, parameters: dict[str, str]) -> SentTable:
        """Return a table; ProblemError 415 where it is compressed: no one knows how large."""
        if content.startswith(_PACKED):
            raise ProblemError(WRONG_MEDIA.issue("The table is compressed."), status=415)
        return cls(content, feed, parameters, [])

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the mapping names."""
        return self.feed.columns | {one.path for one in self.feed.ignored}

    def readings(self, checker: RecordChecker) -> Iterator[Reading]:
        """Yield a checked record or a rejection for each row; SourceError for an unusable table."""
        with tempfile.TemporaryDirectory(prefix="fhir-backpain-") as folder:
            path = Path(folder) / "table.csv"
            path.write_bytes(self.content)
            table = TableReader(path, self.feed, self.parameters, checker.check)
            yield from table
            self.issues += table.issues


def settled(feed: Feed, settings: Iterable[str]) -> dict[str, str]:
    """Return a feed's parameters from NAME=VALUE; ProblemError where they are not those it has."""
    try:
        return feed.settle_parameters(dict(map(_named, settings)))
    except SettingsError as error:
        raise ProblemError(error.issues, status=422) from error


def _feed(name: str | None, sent: bytes | None, book: MappingBook) -> Feed:
    if sent is not None:
        try:
            if len(sent) > MOST_TEXT:
                raise ProblemError(WRONG_MEDIA.issue("The mapping is too long."), status=413)
            return feed_of(sent.decode())
        except UnicodeDecodeError:
            text = "The mapping is not UTF-8."
            raise ProblemError(WRONG_MEDIA.issue(text), status=415) from None
        except ArtifactError as error:
            raise ProblemError(error.issues, status=422) from error
    if not name:
        raise ProblemError(NO_MAPPING.issue("The request names no mapping."))
    return book.feed(name)


def _uploaded() -> bytes:
    table = request.files.get("table")
    if table is None:
        raise ProblemError(NO_TABLE.issue("There is no part 'table'."))
    return table.stream.read()


def _ensure_encoding(feed: Feed) -> None:
    """Raise ProblemError 415 where the request tells another encoding than the mapping."""
    told = request.mimetype_params.get("charset")
    try:
        if told is None or codecs.lookup(told).name == codecs.lookup(feed.form.encoding).name:
            return
    except (LookupError, ValueError):
        pass
    text = "The character set is not the encoding that the mapping gives."
    raise ProblemError(WRONG_MEDIA.issue(text), status=415)


def _named(setting: str) -> tuple[str, str]:
    name, sign, value = setting.partition("=")
    if not sign:
        raise wrong_parameter("set is not NAME=VALUE.")
    return name.strip(), value.strip()
