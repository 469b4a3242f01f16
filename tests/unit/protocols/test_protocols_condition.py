"""Every form of a condition: held, not held, or not to be told."""

from __future__ import annotations

from typing import Any

import pytest
from protocols_world import assessment, earlier_plan, source

from fhir_backpain.errors import MappingSyntaxError
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.protocols.case import Case
from fhir_backpain.protocols.condition import read_condition

HERE = MappingLocation("p.yaml", 7, 3)
SCIATICA = {"cause": "sciatica", "certainty": "provisional"}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def holds(library: Library, text: str, *plans: dict[str, Any], **said: Any) -> bool | None:
    data = {name: value for name, value in assessment(**said).items() if value is not None}
    case = Case(source(data).data, plans, library.ranges)
    return read_condition(text, HERE, library).holds(case)


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("always", {}, True),
        ("cause is sciatica", {"causes": [SCIATICA]}, True),
        ("cause is low-back-strain, sciatica", {"causes": [SCIATICA]}, True),
        ("cause is low-back-strain", {"causes": [SCIATICA]}, False),
        ("cause is sciatica", {}, None),
        ("cause is sciatica", {"causes": [{**SCIATICA, "certainty": "refuted"}]}, False),
        ("cause is sciatica", {"causes": [{**SCIATICA, "status": "resolved"}]}, False),
        ("cause is confirmed as sciatica", {"causes": [SCIATICA]}, False),
        (
            "cause is confirmed as sciatica",
            {"causes": [{**SCIATICA, "certainty": "confirmed"}]},
            True,
        ),
        ("factor is stress", {"factors": [{"factor": "stress", "status": "active"}]}, True),
        ("factor is stress", {"factors": [{"factor": "stress", "status": "resolved"}]}, False),
        ("factor is stress", {}, None),
        ("finding foot-drop is present", {}, None),
        (
            "finding foot-drop is present",
            {"examination": [{"finding": "foot-drop", "side": "left", "present": False},
                             {"finding": "foot-drop", "side": "right", "present": True}]},
            True,
        ),
        (
            "finding foot-drop is present",
            {"examination": [{"finding": "foot-drop", "present": False}]},
            False,
        ),
        # The worst rating is 6 of 10, in the leg 4 of 10.
        ("pain at least 60 %", {}, True),
        ("pain at least 61 %", {}, False),
        ("leg pain at least 40 %", {}, True),
        ("leg pain at least 41 %", {}, False),
        ("pain at least 1 %", {"pain": {"onset": "2026-01-01"}}, None),
        (
            "leg pain at least 1 %",
            {"pain": {"ratings": [{"site": "low-back", "scale": "pain-nrs", "score": 6}]}},
            None,
        ),
        (
            "pain at least 55 %",
            {"pain": {"ratings": [{"site": "low-back", "scale": "pain-vas", "score": 55}]}},
            True,
        ),
        ("odi at least 44", {}, True),
        ("odi at least 44.5", {}, False),
        ("odi at most 44", {}, True),
        ("odi at most 43", {}, False),
        ("rmdq at least 1", {}, None),
        ("startback-risk is medium, high", {}, True),
        ("startback-risk is low", {}, False),
        ("startback-risk is low", {"scores": None}, None),
        # The pain began 14 weeks ago.
        ("duration at least 14 weeks", {}, True),
        ("duration at least 15 weeks", {}, False),
        ("duration below 15 weeks", {}, True),
        ("duration below 14 weeks", {}, False),
        ("duration at least 1 weeks", {"pain": None}, None),
        # Some day of November: 13 to 17 weeks.
        ("duration at least 13 weeks", {"pain": {"onset": "2025-11"}}, True),
        ("duration at least 15 weeks", {"pain": {"onset": "2025-11"}}, None),
        ("duration at least 18 weeks", {"pain": {"onset": "2025-11"}}, False),
        ("duration below 15 weeks", {"pain": {"onset": "2025-11"}}, None),
        ("duration below 18 weeks", {"pain": {"onset": "2025-11"}}, True),
        ("duration below 13 weeks", {"pain": {"onset": "2025-11"}}, False),
        ("duration at least 8 weeks", {"pain": {"onset": "2025"}}, True),
        ("duration at least 9 weeks", {"pain": {"onset": "2025"}}, None),
        # One of two is enough; what is not known does not make it false.
        ("startback-risk is low or odi at least 40", {}, True),
        ("startback-risk is low or odi at least 45", {}, False),
        ("startback-risk is low or rmdq at least 5", {}, None),
        ("rmdq at least 5 or odi at least 40", {}, True),
    ],
)  # fmt: skip
def test_what_a_condition_comes_to(
    library: Library, text: str, said: dict[str, Any], expected: bool | None
) -> None:
    assert holds(library, text, **said) is expected


def test_what_was_tried_is_in_earlier_plans(library: Library) -> None:
    text = "tried exercise-therapy, massage"
    assert holds(library, text) is None
    assert holds(library, text, earlier_plan("massage")) is True
    assert holds(library, text, earlier_plan("massage", status="draft")) is False
    assert holds(library, text, earlier_plan("acupuncture")) is False


@pytest.mark.parametrize(
    ("text", "number", "told"),
    [
        ("when it hurts", 1202, "'when it hurts' is no condition"),
        ("always or odi at", 1202, "'odi at' is no condition"),
        ("cause is backache", 1203, "no cause 'backache'"),
        ("factor is bad-luck", 1203, "no factor 'bad-luck'"),
        ("finding odi is present", 1203, "no finding 'odi'"),
        ("tried magic", 1203, "no treatment 'magic'"),
        ("odx at least 4", 1203, "no measure 'odx'"),
        ("startback-risk is grave", 1203, "no level 'startback-risk grave'"),
    ],
)
def test_a_condition_that_cannot_be_read_is_told_with_its_line(
    library: Library, text: str, number: int, told: str
) -> None:
    with pytest.raises(MappingSyntaxError) as error:
        read_condition(text, HERE, library)
    (issue,) = error.value.issues
    assert (issue.number, issue.mapping) == (number, HERE)
    assert told in issue.text
