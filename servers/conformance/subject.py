"""What a conformance run holds against HL7's validator: the package, and all that is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.demo.walk import EDITS
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from servers.conformance.shape import one_of_each
from tests.property.random_records import random_records

R4, R5 = "4.0.1", "5.0.0"
_RELEASES = {R4: "R4", R5: "R5"}


@dataclass(frozen=True, slots=True)
class Subject:
    """Some resources of one FHIR version, each text once.

    `made` is how many resources there were, `distinct` how many texts; `texts` are those that are
    judged. `together` says that they go to the validator in Bundles.
    """

    name: str
    version: str
    made: int
    distinct: int
    texts: tuple[str, ...]
    together: bool = True


def subjects(*, short: bool = False) -> Iterator[Subject]:
    """Yield what a run judges: every resource, or in short form one of each shape of the demo."""
    package = profiles_folder() / "package"
    yield _files("package", package)
    yield _files("examples", package / "example")
    for version, release in _RELEASES.items():
        mapper = load_mapper(release=release)
        yield _made(f"demo, {release}", version, mapper, demo_records(), short=short)
        yield _made(f"random records, {release}", version, mapper, random_records())


def demo_records() -> Iterator[dict[str, Any]]:
    """Yield every version of every record of the demo's clinic, the edited ones too."""
    clinic = Clinic()
    yield from clinic.history()
    yield from clinic.revised(EDITS).records()


def _files(name: str, folder: Path) -> Subject:
    texts = tuple(file.read_text("utf-8") for file in sorted(folder.glob("*-*.json")))
    return Subject(name, R4, len(texts), len(texts), texts, together=False)


def _made(
    name: str,
    version: str,
    mapper: Mapper,
    records: Iterable[dict[str, Any]],
    *,
    short: bool = False,
) -> Subject:
    made = [one.text for record in records for one in mapper(record)]
    distinct = list(dict.fromkeys(made))
    texts = one_of_each(distinct) if short else distinct
    return Subject(name, version, len(made), len(distinct), tuple(texts))
