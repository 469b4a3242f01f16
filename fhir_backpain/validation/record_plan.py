"""A care plan's parts held against each other: who leads, what must not be given, what comes first.

Only the plan itself is seen: what an earlier plan tried is not, so that a plan which names the one
that it revises is not asked for conservative steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from fhir_backpain.outcome import Issue
from fhir_backpain.validation.record_date import is_before
from fhir_backpain.validation.record_entry import Path, entries, text_of
from fhir_backpain.validation.record_messages import (
    AGAINST_THE_PLAN,
    INVASIVE_FIRST,
    STEPS_OUT_OF_ORDER,
    TWO_LEADS,
)
from fhir_backpain.validation.record_problem import issue_at
from fhir_backpain.validation.record_vocabulary import Vocabulary

Entries = list[tuple[Path, dict[str, Any]]]

_ORDERS = (("activities", "treatment"), ("medications", "medication"))
# An order in one of these still leads to something being done.
_OPEN = ("draft", "active", "on-hold")


def plan_amiss(data: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Issue]:
    """Yield what does not fit together in a care plan; all but two leads are warnings.

    Kind of the vocabulary: ``invasive treatment``. Without it steps are not told apart.
    """
    yield from _second_leads(data)
    yield from _against(data)
    invasive = vocabulary.get("invasive treatment")
    if invasive is not None:
        yield from _invasive_first(data, invasive)
        yield from _out_of_order(data, invasive)


def _second_leads(data: dict[str, Any]) -> Iterator[Issue]:
    leads = [path for path, member in entries(data, "care_team") if member.get("lead") is True]
    for path in leads[1:]:
        text = "Another member above leads the care team already."
        yield issue_at(TWO_LEADS, text, (*path, "lead"))


def _against(data: dict[str, Any]) -> Iterator[Issue]:
    barred = [one for _, one in entries(data, "contraindications") if one.get("status") == "active"]
    unwanted = [one for _, one in entries(data, "preferences") if one.get("stance") == "declines"]
    for names, field in _ORDERS:
        for path, order in _open(data, names):
            word = text_of(order, field)
            for against, why in ((barred, "contraindicated"), (unwanted, "declined")):
                if word is not None and any(text_of(one, field) == word for one in against):
                    text = f"The plan itself says that this {field} is {why}."
                    yield issue_at(AGAINST_THE_PLAN, text, (*path, field))


def _invasive_first(data: dict[str, Any], invasive: Collection[str]) -> Iterator[Issue]:
    """An invasive step needs something before it, at least the reason why there is nothing."""
    if "reason" in data or "revision_of" in data or "medications" in data:
        return
    if any(text_of(one, "treatment") not in invasive for _, one in entries(data, "activities")):
        return
    for path, activity in _open(data, "activities"):
        if "reason" not in activity:
            text = "The plan holds no conservative step, no earlier plan and no reason."
            yield issue_at(INVASIVE_FIRST, text, (*path, "treatment"))


def _out_of_order(data: dict[str, Any], invasive: Collection[str]) -> Iterator[Issue]:
    above: list[dict[str, Any]] = []
    for path, activity in _open(data, "activities"):
        if text_of(activity, "treatment") in invasive:
            above.append(activity)
        elif any(not _follows(activity, one) for one in above):
            text = "The step stands below an invasive one and does not start after it."
            yield issue_at(STEPS_OUT_OF_ORDER, text, path)


def _follows(activity: dict[str, Any], other: dict[str, Any]) -> bool:
    start, earlier = text_of(activity, "start"), text_of(other, "start")
    return start is not None and earlier is not None and is_before(earlier, start)


def _open(data: dict[str, Any], name: str) -> Entries:
    return [(path, one) for path, one in entries(data, name) if one.get("status") in _OPEN]
