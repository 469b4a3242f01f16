"""The physical examination and the questions about red flags."""

from __future__ import annotations

from typing import Any

from fhir_backpain.clinic.chance import Chance
from fhir_backpain.clinic.patient_story import PatientStory, Visit
from fhir_backpain.clinic.protocols import Finding
from fhir_backpain.clinic.trajectory import severity_at

# Likelihood that a flag is there when it is first asked for.
RED_FLAGS = {
    "cauda-equina": 0.0,
    "saddle-anesthesia": 0.004,
    "urinary-retention": 0.006,
    "fecal-incontinence": 0.0,
    "fever": 0.008,
    "night-sweats": 0.01,
    "night-pain": 0.06,
    "unexplained-weight-loss": 0.01,
    "history-of-cancer": 0.03,
    "trauma": 0.05,
    "osteoporosis": 0.03,
    "corticosteroid-therapy": 0.02,
    "immunosuppression": 0.01,
    "iv-drug-use": 0.004,
}
EMERGENCY_FLAGS = ("cauda-equina", "saddle-anesthesia", "urinary-retention")
"""Asked at every visit; the others are asked at the first one."""

# What is graded at both legs: finding, grade, the normal one, and the worse ones in order.
_GRADES = (
    ("ankle-dorsiflexion-strength", "strength", "5", ("4-plus", "4", "4-minus", "3")),
    ("great-toe-extension-strength", "strength", "5", ("4-plus", "4", "4-minus", "2")),
    ("patellar-reflex", "reflex", "normal", ("normal", "reduced")),
    ("achilles-reflex", "reflex", "normal", ("reduced", "absent")),
    ("sensation-l5", "sensation", "normal", ("reduced", "absent")),
    ("sensation-s1", "sensation", "normal", ("increased", "reduced")),
)
_OTHER_SIDE = {"left": "right", "right": "left"}


def examine(story: PatientStory, visit: Visit) -> list[dict[str, Any]]:
    """Return the findings of a visit; each finding and side stands once."""
    chance = story.chance("examination", visit.number)
    severity = severity_at(story, visit.at)
    findings: list[dict[str, Any]] = [
        {"finding": "lumbar-flexion", "value": _degrees(62 - 36 * severity, chance)},
        {"finding": "lumbar-extension", "value": _degrees(26 - 15 * severity, chance)},
    ]
    for finding in story.protocol.findings:
        findings.extend(_look_for(finding, story, severity, chance))
    return findings + _by_side(story, visit, severity)


def _by_side(story: PatientStory, visit: Visit, severity: float) -> list[dict[str, Any]]:
    """Return what is compared from side to side: bending; and the legs, where the pain goes there.

    The stronger the pain, the weaker the leg of its side.
    """
    chance = story.chance("examination", "sides", visit.number)
    found: list[dict[str, Any]] = [
        {"finding": "lumbar-lateral-flexion", "side": side, "value": _degrees(24 - spared, chance)}
        for side, spared in ((side, 10 * severity * (side == story.side)) for side in _OTHER_SIDE)
    ]
    if story.side is None or story.protocol.leg < 1:
        return found
    for finding, grade, normal, worse in _GRADES:
        there = chance.happens(0.75 * severity)
        affected = worse[min(len(worse) - 1, int(severity * chance.unit() * len(worse) * 1.2))]
        found += [
            {"finding": finding, "side": side, grade: affected if there and hurts else normal}
            for side, hurts in ((side, side == story.side) for side in _OTHER_SIDE)
        ]
    return found


def ask_red_flags(story: PatientStory, visit: Visit) -> list[dict[str, Any]]:
    """Return the flags asked for at a visit, each present or explicitly absent.

    A flag that was there at the first visit was cleared by the investigation that it led to.
    """
    if visit.number:
        return [{"flag": flag, "present": False} for flag in EMERGENCY_FLAGS]
    there = first_flags(story)
    return [
        {"flag": flag, "present": True, "note": "Asked twice; followed up the same day."}
        if flag in there
        else {"flag": flag, "present": False}
        for flag in RED_FLAGS
    ]


def first_flags(story: PatientStory) -> frozenset[str]:
    """Return the red flags that are present at the first visit; mostly none."""
    chance = story.chance("red-flags")
    return frozenset(flag for flag, likely in RED_FLAGS.items() if chance.happens(likely))


def _look_for(
    finding: Finding, story: PatientStory, severity: float, chance: Chance
) -> list[dict[str, Any]]:
    present = chance.happens(finding.likelihood * min(1.0, severity * 1.25))
    if not finding.sided or story.side is None:
        site = {"site": "lumbar-spine"} if finding.key == "tenderness" else {}
        return [{"finding": finding.key, **site, "present": present}]
    affected = {"finding": finding.key, "side": story.side, "present": present}
    other = {"finding": finding.key, "side": _OTHER_SIDE[story.side], "present": False}
    if finding.key == "straight-leg-raise":
        affected["note"] = f"Pain from {chance.between(6, 12) * 5} degrees on." if present else None
        return [{k: v for k, v in affected.items() if v is not None}, other]
    return [affected]


def _degrees(middle: float, chance: Chance) -> int:
    return max(5, round((middle + chance.spread(6)) / 5) * 5)
