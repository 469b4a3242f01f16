"""Every code that is shipped or emitted is a verified one, and every owner is named."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from lark.exceptions import LarkError
from ucumvert import get_ucum_parser

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.definitions.definitions import RELEASES
from fhir_backpain.definitions.index_file import read_index
from fhir_backpain.fhir import canonical
from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.terminology.check_digit import is_loinc, is_sctid
from fhir_backpain.terminology.code_check import CodeCheck
from fhir_backpain.terminology.coded_value import coded_values
from fhir_backpain.terminology.concept import Concept, load_concepts
from tests.golden.case import cases
from tests.property.random_records import random_records

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "fhir_backpain/terminology/concepts.csv"
VERIFIED = ROOT.parent / "shared/terminology/terminology.csv"
MAPPINGS = sorted((ROOT / "mappings").rglob("*.yaml"))
CONCEPTS = list(load_concepts().values())

# The name under which NOTICE speaks of the owner of a system.
OWNERS = {
    canonical.LOINC: "LOINC",
    canonical.SNOMED_CT: "SNOMED CT",
    canonical.ICD_10_CM: "ICD-10-CM",
    canonical.RXNORM: "RxNorm",
    canonical.NUCC: "NUCC provider taxonomy",
    canonical.UCUM: "UCUM",
}
HL7 = ("http://terminology.hl7.org/CodeSystem/", "http://hl7.org/fhir/")
PACKAGE = sorted((profiles_folder() / "package").rglob("*.json"))

# What stands in the package though nothing emits it: a word of US Core that its own profile of
# Provenance fixes, and what a PlanDefinition says of itself. HL7's validator knows them.
SHIPPED_ALONE = [
    Concept(
        "provenance.transmitter",
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type",
        "transmitter",
        "Transmitter",
    ),
    Concept(
        "protocol.type",
        "http://terminology.hl7.org/CodeSystem/plan-definition-type",
        "clinical-protocol",
        "Clinical Protocol",
    ),
    Concept(
        "protocol.create",
        "http://terminology.hl7.org/CodeSystem/action-type",
        "create",
        "Create",
    ),
]


def rows(path: Path, key: str) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row[key]: row for row in csv.DictReader(stream)}


@pytest.mark.skipif(not VERIFIED.is_file(), reason="the table of verified codes is not here")
def test_every_shipped_concept_is_a_verified_one() -> None:
    verified = rows(VERIFIED, "concept_key")
    shipped = rows(TABLE, "key")
    assert shipped
    differing = [
        key
        for key, row in shipped.items()
        if key not in verified
        or any(row[name] != verified[key][name] for name in ("system", "code", "display"))
    ]
    assert differing == []
    unsure = [key for key in shipped if not verified[key]["status"].startswith("verified")]
    assert unsure == []


@pytest.mark.parametrize(
    "concept", [c for c in CONCEPTS if c.system == canonical.LOINC], ids=lambda c: c.key
)
def test_a_loinc_code_has_its_check_digit(concept: Concept) -> None:
    assert is_loinc(concept.code)


@pytest.mark.parametrize(
    "concept", [c for c in CONCEPTS if c.system == canonical.SNOMED_CT], ids=lambda c: c.key
)
def test_a_snomed_ct_code_has_its_check_digit(concept: Concept) -> None:
    assert is_sctid(concept.code)


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_a_mapping_names_concepts_by_key_and_holds_no_code(path: Path) -> None:
    # A source's DOI is no code, though it may look like one.
    text = re.sub(r"\bdoi:\S+", "", path.read_text("utf-8"))
    assert not [system for system in OWNERS if system in text]
    assert not [code for code in re.findall(r"\b(?:LA)?\d{1,7}-\d\b", text) if is_loinc(code)]
    assert not [code for code in re.findall(r"\b\d{6,18}\b", text) if is_sctid(code)]


def test_every_shipped_concept_is_used() -> None:
    library = load_library()
    texts = "\n".join(path.read_text("utf-8") for path in MAPPINGS)
    words = set(re.findall(r"[\w.-]+", texts))
    in_code = {concept.key for row in library.concept_maps["measure-category"].rows.values()
               for concept in row.concepts}  # fmt: skip
    assert {c.key for c in CONCEPTS} - words - in_code == set()


def test_the_notice_names_the_owner_of_every_system() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for system in {concept.system for concept in CONCEPTS}:
        if system == canonical.CODE_SYSTEM:
            continue
        name = "HL7 and FHIR" if system.startswith(HL7) else OWNERS[system]
        if system in OWNERS:
            name = OWNERS[system]
        assert f"\n{name}\n" in notice, system


def test_every_instrument_has_a_licence() -> None:
    for instrument in load_library().instruments.values():
        assert len(instrument.licence) > 15, instrument.key


def test_every_mapping_has_a_golden_case() -> None:
    mapper = load_mapper()
    stems = {path.name.removesuffix(".map.yaml") for path in ROOT.glob("mappings/*/*.map.yaml")}
    named = {rule.name.partition(" ")[0] for kind in ("assessment", "care-plan", "observation")
             for rule in mapper.rules(kind)}  # fmt: skip
    assert named == stems
    golden = {case.name for case in cases() if case.expected()}
    assert stems - golden == set()
    assert golden <= stems | {"assessment", "care-plan", "observation"}


def is_unit(code: str) -> bool:
    try:
        unit_parser().parse(code)
    except LarkError:
        return False
    return True


@cache
def unit_parser() -> Any:
    return get_ucum_parser()


def of_hl7() -> Iterator[Concept]:
    """Yield the codes of HL7's own systems in the definitions."""
    for release in RELEASES:
        index = read_index(files("fhir_backpain.definitions") / "data" / f"{release.lower()}.jsonl")
        for systems in index.value_sets.values():
            for system, codes in systems.items():
                if system.startswith(HL7):
                    yield from (Concept("", system, *row) for row in codes.items())


def of_the_package() -> Iterator[Concept]:
    """Yield the concepts of the package's own code systems."""
    for path in PACKAGE:
        if path.name.startswith("CodeSystem-"):
            system = json.loads(path.read_text("utf-8"))
            for row in system["concept"]:
                yield Concept("", system["url"], row["code"], row["display"])


@cache
def check() -> CodeCheck:
    """Return the check of what is emitted: for a code of ours the table's display counts alone."""
    ours = {(concept.system, concept.code) for concept in CONCEPTS}
    others = [one for one in of_hl7() if (one.system, one.code) not in ours]
    return CodeCheck([*CONCEPTS, *others], is_unit)


@cache
def package_check() -> CodeCheck:
    ours = {(concept.system, concept.code) for concept in CONCEPTS}
    known = [*of_hl7(), *of_the_package(), *SHIPPED_ALONE]
    others = [one for one in known if (one.system, one.code) not in ours]
    return CodeCheck([*CONCEPTS, *others], is_unit)


def findings(check: CodeCheck, resources: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(issue.text for resource in resources for issue in check(resource))


@pytest.mark.parametrize(
    "concept", [c for c in CONCEPTS if c.system == canonical.UCUM], ids=lambda c: c.key
)
def test_a_unit_is_one_of_ucum(concept: Concept) -> None:
    assert is_unit(concept.code)


@pytest.mark.parametrize("code", ["mgg", "kg//m", "min/week", "points", "[score"])
def test_the_parser_refuses_what_is_no_unit(code: str) -> None:
    assert not is_unit(code)


def test_two_keys_of_one_code_have_the_same_display() -> None:
    displays: dict[tuple[str, str], set[str]] = {}
    for concept in CONCEPTS:
        displays.setdefault((concept.system, concept.code), set()).add(concept.display)
    assert [code for code, names in displays.items() if len(names) > 1] == []


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.stem)
def test_every_code_of_the_package_is_known(path: Path) -> None:
    assert findings(package_check(), [json.loads(path.read_text("utf-8"))]) == {}


def test_the_package_has_codes_of_every_kind() -> None:
    """Else the test above would prove little."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE:
        kind = path.name.partition("-")[0]
        values = coded_values(json.loads(path.read_text("utf-8")))
        found.setdefault(kind, set()).update(one.system for one in values)
    assert set(OWNERS) - {canonical.UCUM} <= found["ValueSet"]
    assert set(OWNERS) <= found["ConceptMap"]
    assert canonical.CODE_SYSTEM in found["CodeSystem"]
    assert {canonical.LOINC, canonical.SNOMED_CT, canonical.UCUM} <= found["Observation"]
    assert canonical.SNOMED_CT in found["StructureDefinition"]


def test_what_the_package_shows_alone_is_shown() -> None:
    shown = {
        (one.system, one.code)
        for path in PACKAGE
        for one in coded_values(json.loads(path.read_text("utf-8")))
    }
    assert {(one.system, one.code) for one in SHIPPED_ALONE} <= shown


def emitted(release: str) -> Iterator[dict[str, Any]]:
    """Yield what golden inputs, random records and the clinic's first patients become."""
    mapper = load_mapper(release=release)
    golden = [case.source() for case in cases()]
    clinic = Clinic(patients=20).history()
    texts = {one.text for record in [*golden, *random_records(), *clinic] for one in mapper(record)}
    yield from map(json.loads, texts)


@pytest.mark.parametrize("release", RELEASES)
def test_every_code_that_is_emitted_is_known(release: str) -> None:
    assert findings(check(), emitted(release)) == {}


def test_what_is_emitted_has_codes_of_every_owner() -> None:
    """Else the test above would prove little."""
    systems = {one.system for resource in emitted("R4") for one in coded_values(resource)}
    assert set(OWNERS) <= systems
