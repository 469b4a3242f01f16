"""The parts of the built-in validator: narrative, references, dates, slices, value sets."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.errors import ArtifactError
from fhir_backpain.validation.resource.base_rules import load_base_rules
from fhir_backpain.validation.resource.conformance import Conformance, read_packages
from fhir_backpain.validation.resource.date_order import is_not_after
from fhir_backpain.validation.resource.narrative import unsafe_narrative
from fhir_backpain.validation.resource.pattern import holds_pattern, is_same
from fhir_backpain.validation.resource.reference import has_reference_form, target_types
from fhir_backpain.validation.resource.rule_book import RuleBook
from fhir_backpain.validation.resource.slicing import slice_of
from fhir_backpain.validation.resource.validator import BuiltInValidator
from fhir_backpain.validation.resource.value_set import ValueSets
from fhir_backpain.validation.resource.walk import walked

TYPES = frozenset({"Patient", "Group"})
BASE = "http://a.example/fhir"


def div(inner: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


@pytest.mark.parametrize(
    "inner",
    [
        "a", "<p>a &amp; b</p>", '<a href="https://a.example">x</a>', '<img src="#a" alt="x"/>',
        '<p style="color: red">a</p>', "<!-- note --><b>a</b>", '<p xml:lang="de" lang="de">a</p>',
    ],
)  # fmt: skip
def test_plain_xhtml_is_a_narrative(inner: str) -> None:
    assert unsafe_narrative(div(inner)) is None


@pytest.mark.parametrize(
    "text",
    [
        div(""), div("  "), div("<p>a"), "a", "<div>a</div>", "<p>a</p>", div("a") + "b",
        div("<script>a</script>"), div("<p onclick='x()'>a</p>"), div("<P>a</P>"),
        div('<a href="javascript:x()">a</a>'), div('<a href=" java&#115;cript:x()">a</a>'),
        div('<a href="JAVASCRIPT:x()">a</a>'), div('<a href="data:text/html,x">a</a>'),
        div("<iframe>a</iframe>"), div("<form>a</form>"), div("<object>a</object>"),
        div("<p formaction='x'>a</p>"), div("<svg>a</svg>"), div("a&nbsp;b"), div("<h:b>a</h:b>"),
        div('<p style="background: url(http://a.example)">a</p>'),
        div('<p style="width: expression(x)">a</p>'), div("<link href='x'/>"),
        '<!DOCTYPE div [<!ENTITY a "b">]>' + div("&a;"), '<?xml version="1.0"?>' + div("a"),
        div("<![CDATA[<script>]]>") + "<p/>", div("\x00"),
    ],
)  # fmt: skip
def test_what_runs_or_is_no_xhtml_is_refused(text: str) -> None:
    assert unsafe_narrative(text) is not None


@pytest.mark.parametrize(
    ("reference", "is_good"),
    [
        ("Patient/1", True), ("Patient/1/_history/2", True), (f"{BASE}/Patient/1", True),
        (f"{BASE}/Nothing/1", True), ("#a", True), ("#", True), ("urn:oid:1.2.3", True),
        ("Patient?identifier=1", True), ("mailto:a@b", True),
        ("Nothing/1", False), ("Patient", False), ("Patient/", False), ("Patient/a b", False),
        ("", False), ("urn:oid:x", False), ("urn:uuid:x", False), ("# a", False),
        ("Patient/" + "x" * 65, False), ("/Patient/1", False),
    ],
)  # fmt: skip
def test_the_form_of_references(reference: str, is_good: bool) -> None:
    assert has_reference_form(reference, TYPES) is is_good


@pytest.mark.parametrize(
    ("value", "types"),
    [
        ({"reference": "Patient/1"}, {"Patient"}), ({"reference": f"{BASE}/Group/1"}, {"Group"}),
        ({"reference": "#g"}, {"Group"}), ({"reference": "#x"}, set()),
        ({"reference": "Patient/1", "type": "Group"}, {"Patient", "Group"}),
        ({"type": "http://hl7.org/fhir/StructureDefinition/Group"}, {"Group"}),
        ({"reference": "urn:uuid:x"}, set()), ({"display": "x"}, set()), ({"reference": 1}, set()),
    ],
)  # fmt: skip
def test_what_a_reference_points_to(value: dict[str, Any], types: set[str]) -> None:
    assert target_types(value, {"g": "Group"}, TYPES) == types


@pytest.mark.parametrize(
    ("start", "end", "is_good"),
    [
        ("2024", "2024-03-04", True), ("2024-03-04", "2024-03-04", True),
        ("2024-03-04", "2024-03-03", False), ("2025", "2024-12-31T23:00:00Z", False),
        ("2024-03-04T10:00:00+02:00", "2024-03-04T08:30:00Z", True),
        ("2024-03-04T10:00:00Z", "2024-03-04T09:59:59.5Z", False),
        ("2024-03-04T23:59:60Z", "2024-03-05T00:00:00Z", True), ("x", "y", True),
        ("2024-03-04T1", "2024-03-04T2", True),
    ],
)  # fmt: skip
def test_the_order_of_dates(start: str, end: str, is_good: bool) -> None:
    assert is_not_after(start, end) is is_good


def test_true_is_not_one() -> None:
    assert not is_same(True, 1)
    assert not is_same({"a": [1]}, {"a": [True]})
    assert not is_same([1], [1, 2])
    assert is_same({"a": [1]}, {"a": [1]})
    assert not holds_pattern([{"a": 1}], {"a": 1})
    assert not holds_pattern({"a": 1}, [1])


def profile(*elements: dict[str, Any], kind: str = "Observation") -> dict[str, Any]:
    """Return a profile with a snapshot of the given elements."""
    root = {"id": kind, "path": kind}
    return {
        "resourceType": "StructureDefinition", "url": f"{BASE}/StructureDefinition/p",
        "kind": "resource", "type": kind, "derivation": "constraint",
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{kind}",
        "snapshot": {"element": [root, *elements]},
    }  # fmt: skip


def numbers(element_definitions: list[dict[str, Any]], resource: dict[str, Any]) -> list[int]:
    book = RuleBook(Conformance([profile(*element_definitions)]))
    book.check_inner = lambda *_: []
    content = book.profile(f"{BASE}/StructureDefinition/p")
    assert content is not None
    return [issue.number for issue in walked(book, content, resource, ("Observation",))]


def concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://a.example/s", "code": code}]}


def test_the_slices_of_a_profile() -> None:
    sliced = {
        "id": "Observation.category", "min": 1, "max": "3",
        "slicing": {"discriminator": [{"type": "pattern", "path": "$this"}], "rules": "closed"},
    }  # fmt: skip
    a = {"id": "Observation.category:a", "min": 1, "max": "1", "sliceName": "a",
         "patternCodeableConcept": concept("a")}  # fmt: skip
    b = {"id": "Observation.category:b", "min": 0, "max": "*", "sliceName": "b"}
    code = {"id": "Observation.category:b.text", "min": 1, "max": "1", "fixedString": "b"}
    by_text = {**sliced, "slicing": {
        "discriminator": [{"type": "value", "path": "text"}], "rules": "open"}}  # fmt: skip

    def resource(*codes: str) -> dict[str, Any]:
        categories = [concept(code) for code in codes]
        return {"resourceType": "Observation", "status": "final", "code": concept("x"),
                "category": categories}  # fmt: skip

    assert numbers([sliced, a], resource("a")) == []
    assert numbers([sliced, a], resource("a", "c")) == [4053]
    assert numbers([sliced, a], resource("a", "a")) == [4054]
    assert numbers([sliced, a], resource("a", "a", "a", "a")) == [4049, 4054]
    assert numbers([sliced, a], {**resource("a"), "category": []}) == [4047]
    assert numbers([sliced, a], {k: v for k, v in resource().items() if k != "category"}) == [4048]
    assert numbers([by_text, b, code], {**resource(), "category": [{"text": "b"}]}) == []
    assert numbers([by_text, {**b, "min": 1}, code], resource("c")) == [4054]


def test_a_slice_by_the_type_of_its_reference() -> None:
    base = load_base_rules()
    member = base.content("Observation").members["subject"]
    from fhir_backpain.validation.resource.element import Discriminator, Slice, Slicing

    one = Slice("patients", 0, 1, replace(member, targets=("Patient",)))
    slicing = Slicing((Discriminator("type", ("resolve()",)),), False, (one,))
    assert slice_of(slicing, {"reference": "Patient/1"}, base, {}) is one
    assert slice_of(slicing, {"reference": "Group/1"}, base, {}) is None


def test_fixed_values_types_and_invariants_of_a_profile() -> None:
    good = {"resourceType": "Observation", "status": "final", "code": concept("x"),
            "valueString": "a"}  # fmt: skip
    status = {"id": "Observation.status", "min": 1, "max": "1", "fixedCode": "amended"}
    value = {"id": "Observation.value[x]", "min": 1, "max": "1", "type": [{"code": "boolean"}]}
    day = {"id": "Observation.effective[x]", "min": 0, "max": "1", "constraint": [
        {"key": "us-core-1", "severity": "error", "human": "to the day"}]}  # fmt: skip
    none = {"id": "Observation.value[x]", "min": 0, "max": "0"}
    assert numbers([status], good) == [4052]
    assert numbers([value], good) == [4049]
    assert numbers([value], {k: v for k, v in good.items() if k != "valueString"}) == [4048]
    assert numbers([none], good) == [4049]
    assert numbers([day], {**good, "effectiveDateTime": "2024"}) == [4059]
    assert numbers([day], {**good, "effectiveDateTime": "2024-03-04"}) == []


def value_set(url: str, **compose: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", "url": f"{BASE}/{url}", "compose": compose}


def test_the_codes_of_value_sets() -> None:
    listed = {"system": "urn:s", "concept": [{"code": "a"}, {"code": "b"}]}
    nested = {"code": "p", "concept": [{"code": "q"}]}
    sets = ValueSets(
        load_base_rules(),
        Conformance([
            value_set("list", include=[listed]),
            value_set("less", include=[{"valueSet": [f"{BASE}/list"]}],
                      exclude=[{"system": "urn:s", "concept": [{"code": "a"}]}]),
            value_set("whole", include=[{"system": "urn:whole"}]),
            value_set("part", include=[{"system": "urn:part"}]),
            value_set("filter", include=[{"system": "urn:s", "filter": [{}]}]),
            value_set("self", include=[{"valueSet": [f"{BASE}/self"]}]),
            {"resourceType": "CodeSystem", "url": "urn:whole", "content": "complete",
             "concept": [nested]},
            {"resourceType": "CodeSystem", "url": "urn:part", "content": "fragment"},
        ]),
    )  # fmt: skip

    def codes(url: str) -> list[str] | None:
        found = sets.codes(f"{BASE}/{url}|1.0")
        return found and sorted(found.codes)

    assert codes("list") == ["a", "b"]
    assert codes("less") == ["b"]
    assert codes("whole") == ["p", "q"]
    assert [codes(url) for url in ("part", "filter", "self", "nosuch")] == [None] * 4
    assert sets.codes("http://hl7.org/fhir/ValueSet/observation-status|4.0.1") is not None


def test_packages_are_folders_and_archives(tmp_path: Path) -> None:
    folder = tmp_path / "ig"
    folder.mkdir()
    text = json.dumps(profile())
    (folder / "p.json").write_text(text)
    (folder / "broken.json").write_text('{"StructureDefinition"')
    archive = tmp_path / "ig.tgz"
    with tarfile.open(archive, "w:gz") as file:
        for name in ("package/p.json", "package/example/x.json"):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            file.addfile(member, io.BytesIO(text.encode()))
    for path in (folder, archive):
        assert read_packages([path]).profiles() == (f"{BASE}/StructureDefinition/p",)
        claim = {"meta": {"profile": [f"{BASE}/StructureDefinition/p"]}}
        patient = {"resourceType": "Patient", **claim}
        assert [i.number for i in BuiltInValidator([path]).validate(patient)] == [4063]
    for wrong in (tmp_path / "nosuch", folder / "p.json"):
        with pytest.raises(ArtifactError):
            read_packages([wrong])
