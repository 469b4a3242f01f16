"""Who works at the clinic: invented people, one for each role."""

from __future__ import annotations

from typing import Any

STAFF_SYSTEM = "https://clinic.example/staff"

# Role: (staff number, name).
STAFF: dict[str, tuple[str, str]] = {
    "family-physician": ("S-101", "Dr. Fictiva Houseworth"),
    "rehabilitation-physician": ("S-102", "Dr. Inventius Rehaby"),
    "orthopaedic-surgeon": ("S-103", "Dr. Mocka Bonefield"),
    "neurosurgeon": ("S-104", "Dr. Pretendus Nervé"),
    "pain-specialist": ("S-105", "Dr. Samplina Eaße"),
    "physiotherapist": ("S-106", "Demo Mobilitz"),
    "chiropractor": ("S-107", "Exempla Cracksby"),
    "psychologist": ("S-108", "Dummy Thinkwell"),
    "acupuncturist": ("S-109", "Fakea Pointer"),
    "massage-therapist": ("S-110", "Testo Kneadham"),
    "occupational-therapist": ("S-111", "Placeholda Deskley"),
    "nurse-practitioner": ("S-112", "Mimica Carewell"),
    "radiologist": ("S-113", "Dr. Shadowa Picturely"),
}


def practitioner(role: str) -> dict[str, Any]:
    """Return the practitioner element of the clinic's person in that role."""
    number, name = STAFF[role]
    return {"identifier": {"system": STAFF_SYSTEM, "value": number}, "name": name}
