"""Records use the keys that the code tables map, and no clinical code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fhir_backpain.clinic

Records = list[dict[str, Any]]

WORDS = {
    "scale": "pain-nrs pain-vas pain-nrs-week pain-faces",
    "measure": (
        "odi rmdq qbpds psfs ndi peg bpi-interference bpi-severity eq5d-index eq5d-vas sf12-pcs"
        " sf12-mcs startback-total startback-distress startback-risk phq2 phq9 gad7 pcs tsk11"
        " fabq-pa fabq-work promis-pf-t promis-pain-interference-t promis-sleep-t"
        " promis-depression-t promis-anxiety-t promis-global-physical-t promis-global-mental-t"
        " activity-minutes body-weight body-height bmi pain-nrs pain-nrs-week"
    ),
    "instrument": "rmdq odi phq9 phq2 gad7 peg startback eq5d tsk11 pcs",
    "finding": (
        "straight-leg-raise crossed-straight-leg-raise slump lumbar-flexion lumbar-extension"
        " tenderness muscle-spasm reduced-sensation muscle-weakness foot-drop hyperreflexia"
        " antalgic-gait abnormal-gait abnormal-posture pain-on-movement neurogenic-claudication"
        " lumbar-lateral-flexion ankle-dorsiflexion-strength great-toe-extension-strength"
        " patellar-reflex achilles-reflex sensation-l5 sensation-s1"
    ),
    "aspect": (
        "circumstances quality pattern aggravated-by relieved-by previous-episodes"
        " previous-treatment radiation"
    ),
    "procedure": (
        "nerve-root-block epidural-injection facet-denervation lumbar-discectomy laminectomy"
        " lumbar-fusion"
    ),
    "flag": (
        "cauda-equina urinary-retention fecal-incontinence saddle-anesthesia fever night-sweats"
        " night-pain unexplained-weight-loss history-of-cancer trauma osteoporosis"
        " corticosteroid-therapy immunosuppression iv-drug-use"
    ),
    "cause": (
        "low-back-strain disc-herniation disc-herniation-radiculopathy spinal-stenosis"
        " disc-degeneration radiculopathy sciatica spondylolisthesis facet-pain lumbar-fracture"
        " cauda-equina nonspecific-low-back-pain chronic-low-back-pain facet-arthropathy"
    ),
    "factor": "poor-posture obesity overweight sedentary-lifestyle lack-of-exercise stress",
    "test": (
        "mri-lumbar mri-lumbar-contrast ct-lumbar xray-lumbar xray-lumbar-flexion-extension"
        " discography-lumbar nerve-conduction diagnostic-nerve-root-block"
    ),
    "treatment": (
        "physical-therapy exercise-therapy strength-exercise stretching core-stabilisation"
        " posture-training chiropractic-manipulation acupuncture massage cbt pain-education"
        " self-care-education exercise-education ergonomics-education lifting-education"
        " weight-management smoking-cessation epidural-injection nerve-root-block"
        " facet-denervation lumbar-discectomy laminectomy lumbar-fusion referral-physiotherapy"
        " referral-pain-specialist referral-chiropractor urgent-referral"
    ),
    "medication": (
        "ibuprofen-200mg ibuprofen-600mg naproxen-500mg acetaminophen-500mg duloxetine-30mg"
        " gabapentin-300mg tramadol-50mg cyclobenzaprine-5mg oxycodone-5mg"
    ),
}


def _words(element: Any) -> Iterator[tuple[str, str]]:
    if isinstance(element, dict):
        for name, value in element.items():
            if name in WORDS and isinstance(value, str):
                yield name, value
            yield from _words(value)
    elif isinstance(element, list):
        for value in element:
            yield from _words(value)


def test_only_agreed_keys_are_used(records: Records) -> None:
    used: dict[str, set[str]] = {name: set() for name in WORDS}
    for record in records:
        for name, word in _words(record):
            used[name].add(word)
    for name, words in used.items():
        assert words, name
        assert words <= set(WORDS[name].split()), name


def test_no_clinical_code_is_typed_in() -> None:
    folder = Path(fhir_backpain.clinic.__file__).parent
    code = re.compile(r"\b(\d{1,5}-\d|[A-Z]\d{2}\.\d+|\d{6,18})\b|loinc|snomed|rxnorm", re.I)
    for path in folder.glob("*.py"):
        assert not code.search(path.read_text("utf-8").replace("RFC 4180", "")), path.name
