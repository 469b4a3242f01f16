"""Everything that is wrong with mappings, feeds and their shared files, for several releases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.cli.mapping.options import home_of
from fhir_backpain.cli.mapping.placeholder import placeholders
from fhir_backpain.errors import ArtifactError
from fhir_backpain.intake.feed_words import unknown_words
from fhir_backpain.mapping.feed import read_feed
from fhir_backpain.mapping.files import MappingFiles, is_mappings_folder, kind_of
from fhir_backpain.mapping.library import Library, library_of
from fhir_backpain.mapping.mapper import mapper_of
from fhir_backpain.outcome import Issue


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem; `releases` are those that have it, none where it does not depend on them."""

    issue: Issue
    releases: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON data with stable keys."""
        place = self.issue.mapping
        return {
            "file": place.file if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "severity": self.issue.severity,
            "number": f"FBP-{self.issue.number}",
            "text": self.issue.text,
            "next": self.issue.next_step,
            "releases": list(self.releases),
        }

    def __str__(self) -> str:
        """One line that editors can jump from: ``file:line:col: error FBP-…: text Next: …``."""
        only = f" (in {', '.join(self.releases)})" if self.releases else ""
        return f"{self.issue}{only}"


def check_paths(
    paths: Sequence[Path], releases: Sequence[str], mappings: Path | None
) -> list[Finding]:
    """Return what is wrong with folders of mappings and with single files, each thing once.

    Files are laid over the mappings folder to which they belong, together where it is the same.
    """
    found: dict[Issue, set[str]] = {}
    for files, feeds in _targets(paths, mappings, found):
        for release in releases:
            for issue in _compiled(files, release):
                found.setdefault(issue, set()).add(release)
        library = _library(files)
        for feed in feeds:
            for issue in check_feed(feed, library):
                found.setdefault(issue, set())
    left = [issue for path in _files_of(paths) for issue in placeholders(path)]
    return _told_once(found, releases, left)


def _told_once(
    found: dict[Issue, set[str]], releases: Sequence[str], left: list[Issue]
) -> list[Finding]:
    """Return the findings by place; on the line of a placeholder it is the only one."""
    unwritten = {(issue.mapping.file, issue.mapping.line) for issue in left if issue.mapping}
    findings = [Finding(_reachable(issue)) for issue in left]
    for issue, having in found.items():
        if issue.mapping and (issue.mapping.file, issue.mapping.line) in unwritten:
            continue
        some = having and having != set(releases)
        only = tuple(release for release in releases if release in having) if some else ()
        findings.append(Finding(_reachable(issue), only))
    return sorted(findings, key=_order)


def _order(finding: Finding) -> tuple[str, int, int]:
    place = finding.issue.mapping
    return (place.file, place.line, place.column) if place else ("", 0, 0)


def _reachable(issue: Issue) -> Issue:
    """Return the issue with a path from here; shipped files are named from the package's root."""
    place = issue.mapping
    if place is None or Path(place.file).exists():
        return issue
    shipped = mappings_folder().parent / place.file
    return replace(issue, mapping=replace(place, file=str(shipped))) if shipped.exists() else issue


def _targets(
    paths: Iterable[Path], mappings: Path | None, found: dict[Issue, set[str]]
) -> Iterator[tuple[MappingFiles, list[Path]]]:
    """Yield the files to compile together, with the feeds that go with them."""
    by_home: dict[Path | None, list[Path]] = {}
    for path in paths:
        if path.is_dir():
            feeds = sorted(path.rglob("*.feed.yaml"))
            only_feeds = feeds and not is_mappings_folder(path)
            yield MappingFiles.of(mappings if only_feeds else path), feeds
            continue
        try:
            kind = kind_of(path)
        except ArtifactError as error:
            found.update((issue, set()) for issue in error.issues)
            continue
        home = home_of(path, mappings)
        if kind == "feed":
            yield MappingFiles.of(home), [path]
        else:
            by_home.setdefault(home, []).append(path)
    for home, files in by_home.items():
        yield MappingFiles.of(home, files), []


def _compiled(files: MappingFiles, release: str) -> Sequence[Issue]:
    try:
        mapper_of(files, release)
    except ArtifactError as error:
        return error.issues
    return ()


def _library(files: MappingFiles) -> Library | None:
    try:
        return library_of(files)
    except ArtifactError:
        return None


def check_feed(path: Path, library: Library | None) -> Iterator[Issue]:
    """Yield what is wrong with a feed; its words are checked where there is a library."""
    try:
        feed = read_feed(path)
    except ArtifactError as error:
        yield from error.issues
        return
    if library is not None:
        yield from unknown_words(feed, library)


def _files_of(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*")) if path.is_dir() else (path,)
