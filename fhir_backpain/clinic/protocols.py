"""How the clinic treats each kind of back pain: tables of findings, treatments and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Response = Literal["fast", "gradual", "partial", "none", "relapse", "surgical"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sign that is looked for; `likelihood` is that of finding it at the worst severity."""

    key: str
    likelihood: float
    sided: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """One kind of back pain: who has it, how it shows, what is done and how it goes on.

    `onset_weeks` and `ages` are ranges, both ends included. `leg` is leg pain as a share of back
    pain. `causes` are seen from the first visit, `differential` is refuted later. Treatments and
    medications go from conservative to invasive: first, techniques, injection, surgery.
    """

    key: str
    weight: int
    causes: tuple[str, ...]
    differential: str
    sided: bool
    ages: tuple[int, int]
    onset_weeks: tuple[int, int]
    severity: tuple[int, int]
    leg: float
    investigation: tuple[str, float]
    findings: tuple[Finding, ...]
    first: tuple[str, ...]
    techniques: tuple[str, ...]
    medications: tuple[str, ...]
    added_medication: str
    injection: str
    surgery: str
    responses: dict[Response, int]


_TENDER = Finding("tenderness", 0.8)
_SPASM = Finding("muscle-spasm", 0.6)
_MOVING = Finding("pain-on-movement", 0.95)
_POSTURE = Finding("abnormal-posture", 0.4)
_LEG_RAISE = Finding("straight-leg-raise", 0.95, sided=True)
_NUMB = Finding("reduced-sensation", 0.6, sided=True)
_WEAK = Finding("muscle-weakness", 0.4, sided=True)

PROTOCOLS = (
    Protocol(
        key="strain",
        weight=34,
        causes=("low-back-strain",),
        differential="facet-pain",
        sided=False,
        ages=(21, 58),
        onset_weeks=(1, 6),
        severity=(45, 80),
        leg=0.1,
        investigation=("xray-lumbar", 0.08),
        findings=(_TENDER, _SPASM, _MOVING, _POSTURE, Finding("straight-leg-raise", 0.05)),
        first=("self-care-education", "lifting-education", "exercise-therapy", "massage"),
        techniques=("chiropractic-manipulation", "stretching", "physical-therapy"),
        medications=("ibuprofen-200mg", "cyclobenzaprine-5mg"),
        added_medication="acetaminophen-500mg",
        injection="referral-pain-specialist",
        surgery="referral-pain-specialist",
        responses={"fast": 60, "gradual": 24, "partial": 8, "none": 2, "relapse": 6},
    ),
    Protocol(
        key="herniation",
        weight=24,
        causes=("disc-herniation-radiculopathy", "sciatica"),
        differential="spondylolisthesis",
        sided=True,
        ages=(28, 62),
        onset_weeks=(3, 26),
        severity=(60, 92),
        leg=1.1,
        investigation=("mri-lumbar", 0.8),
        findings=(
            _LEG_RAISE,
            Finding("crossed-straight-leg-raise", 0.3),
            Finding("slump", 0.85, sided=True),
            _NUMB,
            _WEAK,
            Finding("foot-drop", 0.06, sided=True),
            Finding("antalgic-gait", 0.5),
            _MOVING,
        ),
        first=("pain-education", "physical-therapy", "core-stabilisation"),
        techniques=("chiropractic-manipulation", "acupuncture", "cbt"),
        medications=("naproxen-500mg", "gabapentin-300mg"),
        added_medication="tramadol-50mg",
        injection="nerve-root-block",
        surgery="lumbar-discectomy",
        responses={
            "fast": 24,
            "gradual": 36,
            "partial": 18,
            "none": 6,
            "relapse": 8,
            "surgical": 8,
        },
    ),
    Protocol(
        key="stenosis",
        weight=14,
        causes=("spinal-stenosis",),
        differential="disc-herniation",
        sided=False,
        ages=(56, 83),
        onset_weeks=(20, 150),
        severity=(50, 82),
        leg=0.8,
        investigation=("mri-lumbar", 0.9),
        findings=(
            Finding("neurogenic-claudication", 0.95),
            Finding("abnormal-gait", 0.5),
            _POSTURE,
            Finding("hyperreflexia", 0.04),
            _TENDER,
        ),
        first=("exercise-education", "physical-therapy", "posture-training"),
        techniques=("massage", "acupuncture", "strength-exercise"),
        medications=("acetaminophen-500mg", "naproxen-500mg"),
        added_medication="gabapentin-300mg",
        injection="epidural-injection",
        surgery="laminectomy",
        responses={
            "fast": 8,
            "gradual": 34,
            "partial": 32,
            "none": 10,
            "relapse": 6,
            "surgical": 10,
        },
    ),
    Protocol(
        key="degeneration",
        weight=16,
        causes=("disc-degeneration", "chronic-low-back-pain"),
        differential="radiculopathy",
        sided=False,
        ages=(38, 74),
        onset_weeks=(26, 260),
        severity=(42, 78),
        leg=0.3,
        investigation=("mri-lumbar", 0.5),
        findings=(_TENDER, _MOVING, _SPASM, _POSTURE, Finding("straight-leg-raise", 0.08)),
        first=("pain-education", "exercise-therapy", "ergonomics-education"),
        techniques=("cbt", "acupuncture", "strength-exercise"),
        medications=("ibuprofen-600mg", "acetaminophen-500mg"),
        added_medication="duloxetine-30mg",
        injection="epidural-injection",
        surgery="lumbar-fusion",
        responses={
            "fast": 10,
            "gradual": 34,
            "partial": 34,
            "none": 14,
            "relapse": 5,
            "surgical": 3,
        },
    ),
    Protocol(
        key="facet",
        weight=12,
        causes=("facet-pain",),
        differential="nonspecific-low-back-pain",
        sided=True,
        ages=(35, 72),
        onset_weeks=(8, 100),
        severity=(45, 80),
        leg=0.15,
        investigation=("xray-lumbar-flexion-extension", 0.5),
        findings=(_TENDER, _SPASM, _MOVING, Finding("abnormal-gait", 0.1)),
        first=("ergonomics-education", "core-stabilisation", "chiropractic-manipulation"),
        techniques=("massage", "physical-therapy", "acupuncture"),
        medications=("naproxen-500mg", "cyclobenzaprine-5mg"),
        added_medication="duloxetine-30mg",
        injection="facet-denervation",
        surgery="referral-pain-specialist",
        responses={"fast": 22, "gradual": 38, "partial": 24, "none": 10, "relapse": 6},
    ),
)

# Severity as a share of the first visit's, by weeks after it.
RECOVERY: dict[Response, tuple[tuple[int, float], ...]] = {
    "fast": ((0, 1.0), (6, 0.42), (13, 0.22), (26, 0.14), (54, 0.10)),
    "gradual": ((0, 1.0), (6, 0.80), (13, 0.60), (26, 0.42), (54, 0.30)),
    "partial": ((0, 1.0), (6, 0.88), (13, 0.76), (26, 0.67), (54, 0.62)),
    "none": ((0, 1.0), (6, 0.97), (13, 1.00), (26, 0.97), (54, 1.02)),
    "relapse": ((0, 1.0), (6, 0.50), (13, 0.35), (26, 0.78), (54, 0.50)),
    "surgical": ((0, 1.0), (6, 0.98), (13, 0.96), (26, 0.95), (30, 0.60), (54, 0.30)),
}

Step = Literal["wind-down", "exercise", "dose", "technique", "injection", "surgery"]

# What a plan revision changes, by the follow-up at which it is written (1 is six weeks).
ESCALATION: dict[Response, dict[int, Step]] = {
    "fast": {1: "exercise", 2: "wind-down"},
    "gradual": {1: "exercise", 3: "wind-down"},
    "partial": {1: "dose", 2: "technique"},
    "none": {1: "dose", 2: "technique", 3: "injection"},
    "relapse": {2: "wind-down", 3: "technique"},
    "surgical": {1: "technique", 2: "injection", 3: "surgery"},
}
