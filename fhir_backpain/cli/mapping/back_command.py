"""mapping back: FHIR resources to records, with an account of every element."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.mapping import messages
from fhir_backpain.cli.mapping.options import release_option
from fhir_backpain.cli.options import mappings_option
from fhir_backpain.cli.output import put_json, say, say_issues
from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.mapping.reverse.unmapper import Unmapped
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import RejectedRecord
from fhir_backpain.sources.records import open_records

Resource = dict[str, Any]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@click.command("back")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--report", "as_report", is_flag=True, help="Print the account as JSON instead.")
@release_option
@mappings_option
@click.pass_context
def command(
    context: click.Context,
    files: tuple[str, ...],
    as_report: bool,
    release: str,
    mappings: Path | None,
) -> None:
    """Read FHIR resources or Bundles and print the records that they came from, as NDJSON.

    \b
    Examples:
      fhir-backpain mapping back bundles.ndjson > records.ndjson
      fhir-backpain mapping back patient.json observations.json --report
      fhir-backpain map visits.ndjson | fhir-backpain mapping back -

    All files are read together, since a record's resources may be in several. Every element
    that is in no record is reported.

    \b
    Exit codes:
      0  every element of every resource is in a record
      1  something was not mapped back
      2  wrong arguments or mapping files
    """
    mapper = load_mapper(mappings, release)
    given = _Given()
    for file in files:
        given.read(file)
    found = mapper.from_fhir(given.resources.values())
    issues = [*given.issues, *found.issues]
    if as_report:
        put_json(_report(found, issues))
    else:
        for record in found.records:
            click.echo(json_text.dump(record))
    say_issues(issues)
    say(f"{len(found.records)} records of {len(given.resources)} resources.")
    is_whole = found.is_lossless and not any(issue.is_error for issue in issues)
    context.exit(ExitCode.DONE if is_whole else ExitCode.DATA_PROBLEMS)


def _report(found: Unmapped, issues: Iterable[Issue]) -> dict[str, Any]:
    return {
        "records": len(found.records),
        "leaves": found.leaves,
        "leavesUnmapped": found.leaves_unmapped,
        "lossless": found.is_lossless,
        "issues": [issue.to_fhir() for issue in issues],
    }


class _Given:
    """The resources of all files by address, and what was wrong with the files."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.issues: list[Issue] = []

    def read(self, file: str) -> None:
        """Take in one file."""
        try:
            for reading in open_records(file):
                if isinstance(reading, RejectedRecord):
                    self.issues += reading.issues
                else:
                    for resource in self._resources(reading.data, reading.location):
                        self._add(resource, reading.location)
        except SourceError as error:
            self.issues += error.issues

    def _resources(self, data: Resource, place: SourceLocation) -> Iterator[Resource]:
        if data.get("resourceType") != "Bundle":
            yield data
            return
        entries = data.get("entry", [])
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            inside = entry.get("resource") if isinstance(entry, dict) else None
            search = entry.get("search") if isinstance(entry, dict) else None
            # A search set may tell of its own search: that is not of any record.
            if isinstance(search, dict) and search.get("mode") == "outcome":
                continue
            if isinstance(inside, dict):
                yield inside
            else:
                text = "The entry of the Bundle has no resource."
                here = place.at(pointer=f"/entry/{index}")
                self.issues.append(messages.NOT_FHIR.issue(text, source=here))

    def _add(self, resource: Resource, place: SourceLocation) -> None:
        kind, id_ = resource.get("resourceType"), resource.get("id")
        if not isinstance(kind, str) or not isinstance(id_, str):
            text = "There is no resource with resourceType and id."
            self.issues.append(messages.NOT_FHIR.issue(text, source=place))
            return
        url = f"{kind}/{id_}"
        known = self.resources.get(url)
        if known is not None and known != resource:
            text = f"{url} is given in two versions."
            self.issues.append(messages.GIVEN_TWICE.issue(text, source=place))
        if known is None or _updated(resource) >= _updated(known):
            self.resources[url] = resource


def _updated(resource: Resource) -> datetime:
    """Return when a version was written, long ago where it does not say so."""
    meta = resource.get("meta")
    text = meta.get("lastUpdated") if isinstance(meta, dict) else None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return _LONG_AGO
    return moment if moment.tzinfo else _LONG_AGO
