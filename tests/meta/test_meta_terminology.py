"""Every code that is shipped is a verified one, and every owner is named."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from fhir_backpain.fhir import canonical
from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.terminology.check_digit import is_loinc, is_sctid
from fhir_backpain.terminology.concept import Concept, load_concepts
from tests.golden.case import cases

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
    text = path.read_text("utf-8")
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
