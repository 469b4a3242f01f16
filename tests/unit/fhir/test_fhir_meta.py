from typing import Any

import pytest

from fhir_backpain.fhir.meta import (
    ID_TAG,
    tagged_id,
    version_of,
    with_own_source,
    without_id_tag,
    without_meta,
)


@pytest.mark.parametrize(
    ("meta", "kept"),
    [
        ({}, None),
        ({"versionId": "1", "lastUpdated": "now"}, None),
        ({"versionId": "1", "profile": ["p"]}, {"profile": ["p"]}),
        ({"source": "s"}, {"source": "s"}),
        ("no object", None),
    ],
)
def test_named_elements_go_and_an_empty_meta_with_them(meta: Any, kept: Any) -> None:
    resource = {"resourceType": "Patient", "meta": meta, "id": "a"}
    expected = {"resourceType": "Patient", "id": "a"} | ({} if kept is None else {"meta": kept})
    assert without_meta(resource, ("versionId", "lastUpdated")) == expected
    assert resource["meta"] == meta


def test_a_resource_without_meta_stays_as_it_is() -> None:
    assert without_meta({"id": "a"}, ("versionId",)) == {"id": "a"}


@pytest.mark.parametrize("meta", [None, "no object", {}, {"versionId": 3}, {"tag": "x"}])
def test_a_meta_that_says_nothing_of_use_is_no_fault(meta: Any) -> None:
    resource = {"id": "a"} if meta is None else {"id": "a", "meta": meta}
    assert version_of(resource) is None
    assert tagged_id(resource) is None
    assert without_id_tag(with_own_source(resource))["id"] == "a"


@pytest.mark.parametrize(
    ("noted", "own"),
    [
        ("https://clinic.example#Zb1", {"meta": {"source": "https://clinic.example"}}),
        ("https://clinic.example", {"meta": {"source": "https://clinic.example"}}),
        ("#Zb1", {}),
    ],
)
def test_the_source_is_told_as_the_client_said_it(noted: str, own: dict[str, Any]) -> None:
    assert with_own_source({"meta": {"source": noted}}) == own


def test_the_tag_of_our_id_goes_and_others_stay() -> None:
    other = {"system": "urn:x", "code": "y"}
    resource = {"meta": {"tag": [{"system": ID_TAG, "code": "own"}, other]}}
    assert tagged_id(resource) == "own"
    assert without_id_tag(resource) == {"meta": {"tag": [other]}}
    assert without_id_tag({"meta": {"tag": [{"system": ID_TAG, "code": "own"}]}}) == {}
