"""The audit trail as FHIR: HL7's own validator finds nothing wrong with any kind of line."""

from __future__ import annotations

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.outbox.act import ACTIONS, TrailItem
from fhir_backpain.outbox.audit_event import audit_event

AT = "2026-03-02T09:30:00.000Z"
SERVER = "https://fhir.example/r4"
ENTRY = "2f0c9a1e-0d4f-4b6c-8b57-0f6c5f1f7a11"


def test_every_line_is_a_valid_audit_event(hl7_validator: hl7.Validator) -> None:
    acts = [
        TrailItem(AT, "act", "anna@clinic", "command", action, SERVER, ENTRY,
                  because="the profile was corrected", detail={"gone": 2})
        for action in ACTIONS
    ]  # fmt: skip
    bare = TrailItem(AT, "act", "anna@clinic", "engine", "migrated")
    attempts = [
        TrailItem(AT, "attempt", None, "engine", state, SERVER, ENTRY, 1, 422, ("FBP-6009",))
        for state in ("sent", "queued", "unclear", "held", "conflict", "rejected")
    ]
    for item in (*acts, bare, *attempts):
        found = [one for one in hl7_validator.validate(dump(audit_event(item)).encode())
                 if one.severity in ("error", "fatal")]  # fmt: skip
        assert found == [], item
