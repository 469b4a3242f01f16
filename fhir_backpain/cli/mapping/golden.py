"""Golden cases: what a mapping makes of a record, written down once and read by a person.

A case is a folder ``<name>/<case>`` with ``source.json`` and ``expected.r4.json``, also
``expected.r4b.json`` and ``expected.r5.json`` where they are there. `name` is a mapping, whose
resources alone are expected, or a record type: all its resources. Where the record cannot come
back from its resources, ``one-way.txt`` says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_backpain.cli.mapping import messages
from fhir_backpain.cli.mapping.json_difference import difference, resource_difference
from fhir_backpain.errors import SettingsError, SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.validation.record import RecordChecker


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One case for one FHIR release."""

    name: str
    folder: Path
    release: str = "R4"

    @property
    def expected_file(self) -> Path:
        """The file that says what must be made."""
        return self.folder / f"expected.{self.release.lower()}.json"

    def source(self) -> dict[str, Any]:
        """Return the record; raises SettingsError where it is none."""
        data = _read(self.folder / "source.json")
        if not isinstance(data, dict) or data.get("record") not in RECORD_TYPES:
            raise _broken(self.folder / "source.json", "There is no record in it.")
        return data

    def expected(self) -> list[dict[str, Any]]:
        """Return the resources that must be made; none where nothing is said yet."""
        if not self.expected_file.is_file():
            return []
        found = _read(self.expected_file)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise _broken(self.expected_file, "There is no list of resources in it.")
        return found

    def made(self, mapper: Mapper) -> list[dict[str, Any]]:
        """Return what is made: by the mapping of the case's name, or by every mapping."""
        return [json_text.parse(item.text) for item in self._made(mapper, of_name=True)]

    def _made(self, mapper: Mapper, *, of_name: bool) -> list[Any]:
        everything = of_name and self.name in RECORD_TYPES
        return [
            item
            for item in mapper(self.source())
            if everything or (item.rule == self.name) == of_name
        ]

    def wrong_source(self, mapper: Mapper) -> list[str]:
        """Return what is wrong with the record; it must be one that is taken."""
        library = mapper.library
        checker = RecordChecker(library.vocabulary, library.ranges, library.instruments)
        found = checker.check(self.source())
        return [f"source.json: {issue}" for issue in found if issue.is_error]

    def way_there(self, mapper: Mapper) -> list[str]:
        """Return the lines in which what is made differs from what is expected."""
        if not self.expected_file.is_file():
            return [f"{self.expected_file.name} is not there", *self._new(mapper)]
        return list(resource_difference(self.expected(), self.made(mapper)))

    def _new(self, mapper: Mapper) -> Iterator[str]:
        return resource_difference([], self.made(mapper))

    def way_back(self, mapper: Mapper) -> list[str]:
        """Return the lines in which the record that comes back differs from the normal form.

        What other mappings make of the record is added to the resources that are expected.
        """
        others = () if self.name in RECORD_TYPES else self._made(mapper, of_name=False)
        resources = [*self.expected(), *(json_text.parse(item.text) for item in others)]
        source = self.source()
        back = mapper.from_fhir(resources)
        ours = [one for one in back.records if one.get("id") == source["id"]]
        errors = [str(issue) for issue in back.issues if issue.is_error]
        if not ours:
            return ["the record does not come back", *errors]
        return [*difference(mapper.normal_form(source), ours[0], source["record"]), *errors]

    def one_way(self) -> str | None:
        """Return why the record cannot come back, where the case's one-way.txt says so."""
        path = self.folder / "one-way.txt"
        return path.read_text("utf-8").strip() if path.is_file() else None

    def accept(self, mapper: Mapper) -> None:
        """Write what is made as what is expected."""
        text = json_text.pretty(self.made(mapper))
        self.expected_file.write_text(text + "\n", "utf-8")

    def __str__(self) -> str:
        release = "" if self.release == "R4" else f" ({self.release})"
        return f"{self.name}/{self.folder.name}{release}"


def find_cases(root: Path, releases: tuple[str, ...] = ("R4", "R4B", "R5")) -> list[GoldenCase]:
    """Return every case below a folder, found by walking it, R4 always and others as written."""
    cases = [
        GoldenCase(path.parent.parent.name, path.parent, release)
        for path in sorted(root.glob("*/*/source.json"))
        for release in releases
    ]
    return [case for case in cases if case.release == "R4" or case.expected_file.is_file()]


def _read(path: Path) -> Any:
    try:
        return json_text.parse(path.read_bytes())
    except OSError as problem:
        raise _broken(path, f"It cannot be read: {type(problem).__name__}.") from None
    except SourceError as error:
        issues = [issue.moved_to(SourceLocation(file=str(path))) for issue in error.issues]
        raise SettingsError(issues) from None


def _broken(path: Path, text: str) -> SettingsError:
    place = SourceLocation(file=str(path))
    return SettingsError(messages.CASE_BROKEN.issue(text, source=place))
