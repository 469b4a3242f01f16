"""The mappings of the installation by name, and those that a request brings along.

A name is looked up, never made part of a path.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.located_yaml import parse_yaml
from fhir_backpain.errors import ArtifactError, MappingCheckError
from fhir_backpain.gateway.messages import TOO_COMPLEX, UNKNOWN_MAPPING, UNWRITTEN
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.intake.feed_skeleton import feed_text, unwritten
from fhir_backpain.intake.feed_words import unknown_words
from fhir_backpain.mapping.check.record_target import record_findings
from fhir_backpain.mapping.feed import Feed, compile_feed, read_feed
from fhir_backpain.mapping.files import MappingFiles
from fhir_backpain.mapping.mapper import Mapper, mapper_of
from fhir_backpain.outcome import Issue, MappingLocation
from fhir_backpain.record import RECORD_TYPES

MOST_TEXT = 256 * 1024
"""How long the text of a mapping may be that a request brings along."""

_SENT = "mapping.yaml"
_MOST_DRAFTS = 4


@dataclass(frozen=True, slots=True)
class Page:
    """One mapping: ``feed`` from tables to records, or ``mapping`` from records to resources."""

    name: str
    kind: str
    sources: tuple[str, ...]
    makes: str
    path: Path

    @property
    def text(self) -> str:
        """The YAML text of its file."""
        return self.path.read_text(encoding="utf-8")


class MappingBook:
    """The mappings of a folder (by default the shipped one), read once.

    Raises ArtifactError where a feed mapping cannot be used.
    """

    def __init__(self, mapper: Mapper, folder: Path | None = None) -> None:
        self._mapper = mapper
        self._files = MappingFiles.of(folder)
        self._feeds: dict[str, Feed] = {}
        self._drafts: dict[bytes, Mapper] = {}
        self._lock = threading.Lock()
        found = [*self._of_feeds(), *self._of_records()]
        self._pages = {page.name: page for page in sorted(found, key=lambda page: page.name)}

    @property
    def pages(self) -> tuple[Page, ...]:
        """All mappings, sorted by name."""
        return tuple(self._pages.values())

    @property
    def feeds(self) -> tuple[str, ...]:
        """The names of the feed mappings, sorted."""
        return tuple(sorted(self._feeds))

    def page(self, name: str) -> Page:
        """Return a mapping; ProblemError 404 where there is none."""
        found = self._pages.get(name)
        if found is None:
            raise ProblemError(UNKNOWN_MAPPING.issue("No mapping has this name."))
        return found

    def feed(self, name: str) -> Feed:
        """Return a feed mapping; ProblemError 404 where there is none."""
        found = self._feeds.get(name)
        if found is None:
            raise ProblemError(UNKNOWN_MAPPING.issue("No feed mapping has this name."))
        return found

    def check(self, text: str) -> tuple[Issue, ...]:
        """Return what is wrong with the text of a mapping, each at its line; () where nothing is.

        It is checked together with the rest of the installation, which stays as it is.
        """
        try:
            if self.is_feed(text):
                return tuple(unknown_words(feed_of(text), self._mapper.library))
            self.with_text(text)
        except ArtifactError as error:
            return tuple(_renamed(issue) for issue in error.issues)
        return ()

    def is_feed(self, text: str) -> bool:
        """True where a text is a feed mapping; ArtifactError where it is no YAML."""
        return "feed" in parse_yaml(text, _SENT)

    def with_text(self, text: str) -> Mapper:
        """Return a mapper in which a mapping's text stands in the place of the one of its name.

        Raises ArtifactError with everything that is wrong. Takes about a second.
        """
        key = blake2b(text.encode(), digest_size=16).digest()
        with self._lock:
            found = self._drafts.get(key)
        if found is None:
            with _written(text) as path, _bounded():
                found = mapper_of(MappingFiles.of(self._files.root, [path]))
            with self._lock:
                self._drafts[key] = found
                while len(self._drafts) > _MOST_DRAFTS:
                    del self._drafts[next(iter(self._drafts))]
        return found

    def begin(self, columns: Sequence[str], makes: str, encoding: str) -> str:
        """Return the text of a new feed mapping for a table with these columns."""
        measures = self._mapper.library.concept_maps["measure-unit"].rows
        return feed_text("my-table", makes, columns, measures, encoding)

    def _of_feeds(self) -> Iterator[Page]:
        for path in self._files.base("feed"):
            feed = read_feed(path)
            self._feeds[feed.name] = feed
            yield Page(feed.name, "feed", ("table",), feed.makes, path)

    def _of_records(self) -> Iterator[Page]:
        paths = {path.name.removesuffix(".map.yaml"): path for path in self._files.base("mapping")}
        declared = {
            one.name: one for name in RECORD_TYPES for one in self._mapper.declarations(name)
        }
        for name, one in declared.items():
            if name in paths:
                yield Page(name, "mapping", one.sources, one.makes, paths[name])


def feed_of(text: str) -> Feed:
    """Return the feed mapping of a text; ArtifactError with what is wrong, each at its line."""
    with _bounded():
        feed = compile_feed(parse_yaml(text, _SENT))
    kinds = {parameter.name: parameter.kind for parameter in feed.parameters}
    problems = list(record_findings(feed.template, feed.makes, kinds))
    if problems:
        raise MappingCheckError(problems)
    return feed


def unwritten_issues(text: str) -> list[Issue]:
    """Return an issue for each mark that a begun mapping has left for its author."""
    return [
        UNWRITTEN.issue(
            f"Still to be written: {wanted}.", mapping=MappingLocation(_SENT, line, column)
        )
        for line, column, wanted in unwritten(text)
    ]


def page_to_json(page: Page) -> dict[str, Any]:
    """Return what is told of a mapping wherever it is listed."""
    return {
        "name": page.name,
        "kind": page.kind,
        "sources": list(page.sources),
        "makes": page.makes,
        "url": f"/api/v1/mappings/{page.name}",
    }


@contextmanager
def _bounded() -> Iterator[None]:
    """Tell what no compiler of Python takes as a problem of the mapping."""
    try:
        yield
    except (RecursionError, MemoryError):
        place = MappingLocation(_SENT, 1)
        text = "A part of the mapping is too long or too deep."
        raise MappingCheckError(TOO_COMPLEX.issue(text, mapping=place)) from None


@contextmanager
def _written(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fhir-backpain-") as folder:
        path = Path(folder) / _SENT
        path.write_text(text, encoding="utf-8")
        yield path


def _renamed(issue: Issue) -> Issue:
    """Return an issue that names the sent text alone, not where it was put for a moment."""
    place = issue.mapping
    if place is None or not Path(place.file).is_absolute():
        return issue
    return replace(issue, mapping=replace(place, file=Path(place.file).name))
