from typing import Any

import pytest

from fhir_backpain.fhir.meta import without_meta


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
