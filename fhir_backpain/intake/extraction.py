"""From a filled-in questionnaire to an assessment record with its answers and their scores.

FHIR: http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhir_backpain.errors import ValidationFailed
from fhir_backpain.instruments.instrument import Instrument
from fhir_backpain.instruments.scoring import Missing, score
from fhir_backpain.intake.messages import (
    ANSWER_FORM,
    MODIFIED_RESPONSE,
    RESPONSE_INCOMPLETE,
    UNKNOWN_QUESTIONNAIRE,
)
from fhir_backpain.mapping.reverse.address import read_address
from fhir_backpain.outcome import Issue

_ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
_DONE = ("completed", "amended")
_TEST = "HTEST"
_DEPTH = 20

Resource = Mapping[str, Any]


def assessment_of(response: Resource, instruments: Mapping[str, Instrument]) -> dict[str, Any]:
    """Return the assessment record that a QuestionnaireResponse comes to; still to be checked.

    Needed are a questionnaire of an instrument here, a status that says it is done, the patient's
    identifier in `subject`, `authored`, and an identifier or id. Each answer is a number, or a
    coding with an ordinal value. Scores are computed where the instrument's rule is known.

    Numbers must be int or Decimal. Raises ValidationFailed with everything that is missing.
    """
    problems = list(_modified(response, "QuestionnaireResponse"))
    instrument = instruments.get(_instrument_key(response))
    if instrument is None:
        text = "The questionnaire is of no instrument that is known here."
        where = "QuestionnaireResponse.questionnaire"
        problems.append(UNKNOWN_QUESTIONNAIRE.issue(text, expression=where))
    source, record_id = _named(response)
    patient = _identifier(_member(response, "subject").get("identifier"))
    problems += _missing(response, source, record_id, patient)
    items = list(_answers(response, problems))
    if problems or instrument is None or patient is None:
        raise ValidationFailed(problems)
    return {
        "record": "assessment",
        "id": record_id,
        "source": source,
        "recorded_at": response["authored"],
        **({"test_data": True} if _is_test(response) else {}),
        "patient": {"identifier": {"system": patient[0], "value": patient[1]}},
        "assessed_at": response["authored"],
        "questionnaires": [{"instrument": instrument.key, "items": items}],
        **_scored(instrument, items),
    }


def _modified(value: Any, path: str) -> Iterator[Issue]:
    """Yield an issue for each modifier extension: none is known, and it may turn the meaning."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _modified(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "modifierExtension":
                text = "A modifier extension that is not known can change the meaning."
                yield MODIFIED_RESPONSE.issue(text, expression=path)
            else:
                yield from _modified(item, f"{path}.{name}")


def _missing(
    response: Resource,
    source: str | None,
    record_id: str | None,
    patient: tuple[str, str] | None,
) -> Iterator[Issue]:
    needed = {
        "status": response.get("status") in _DONE,
        "authored": isinstance(response.get("authored"), str),
        "identifier": bool(source and record_id),
        "subject.identifier": patient is not None,
        "item": bool(response.get("item")),
    }
    texts = {
        "status": "It is not said that the questionnaire was filled in to its end.",
        "identifier": "Nothing names the response: its identifier, or id and meta.source.",
    }
    for element, is_there in needed.items():
        if not is_there:
            text = texts.get(element, f"There is no {element} that could be read.")
            where = f"QuestionnaireResponse.{element}"
            yield RESPONSE_INCOMPLETE.issue(text, expression=where)


def _instrument_key(response: Resource) -> str:
    canonical = str(response.get("questionnaire", "")).partition("|")[0]
    return canonical.rpartition("/Questionnaire/")[2].removeprefix("backpain-")


def _named(response: Resource) -> tuple[str | None, str | None]:
    """Return source and id of the record; those of a record of ours where it names one."""
    own = read_address(response.get("identifier"))
    if own is not None and own.record_id is not None:
        return own.source, own.record_id
    identifier = _identifier(response.get("identifier"))
    if identifier is not None:
        return identifier
    source, logical_id = _member(response, "meta").get("source"), response.get("id")
    return (
        source if isinstance(source, str) else None,
        logical_id if isinstance(logical_id, str) else None,
    )


def _answers(response: Resource, problems: list[Issue]) -> Iterator[dict[str, Any]]:
    for item, where in _items(response.get("item"), "QuestionnaireResponse.item", 0):
        answers = item.get("answer")
        if not answers:
            continue
        answer = answers[0] if isinstance(answers, list) and len(answers) == 1 else None
        value = _number(answer) if isinstance(answer, dict) else None
        if value is None or not isinstance(item.get("linkId"), str):
            text = "The answer is not one number, nor a coding with an ordinal value."
            problems.append(ANSWER_FORM.issue(text, expression=f"{where}.answer"))
        else:
            yield {"id": item["linkId"], "value": value}


def _items(items: Any, path: str, depth: int) -> Iterator[tuple[dict[str, Any], str]]:
    if not isinstance(items, list) or depth > _DEPTH:
        return
    for index, item in enumerate(items):
        if isinstance(item, dict):
            where = f"{path}[{index}]"
            yield item, where
            yield from _items(item.get("item"), f"{where}.item", depth + 1)


def _number(answer: Resource) -> Decimal | int | None:
    for name in ("valueDecimal", "valueInteger"):
        value = answer.get(name)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return value
    extensions = _member(answer, "valueCoding").get("extension")
    for extension in extensions if isinstance(extensions, list) else []:
        if isinstance(extension, dict) and extension.get("url") == _ORDINAL:
            return _number(extension)
    return None


def _scored(instrument: Instrument, items: list[dict[str, Any]]) -> dict[str, Any]:
    found = score(instrument, {item["id"]: item["value"] for item in items})
    scores = [
        {
            "measure": measure,
            "level" if isinstance(value, str) else "score": value,
            "questionnaire": instrument.key,
        }
        for measure, value in found.items()
        if not isinstance(value, Missing)
    ]
    return {"scores": scores} if scores else {}


def _is_test(response: Resource) -> bool:
    labels = _member(response, "meta").get("security")
    return isinstance(labels, list) and any(
        isinstance(one, dict) and one.get("code") == _TEST for one in labels
    )


def _identifier(value: Any) -> tuple[str, str] | None:
    found = value if isinstance(value, dict) else {}
    system, text = found.get("system"), found.get("value")
    if isinstance(system, str) and isinstance(text, str) and system and text:
        return system, text
    return None


def _member(element: Resource, name: str) -> Resource:
    found = element.get(name)
    return found if isinstance(found, dict) else {}
