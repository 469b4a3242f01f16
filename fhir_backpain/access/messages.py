"""Every kind of problem that access reports, numbered 8150 to 8159."""

from __future__ import annotations

from fhir_backpain.outcome import Message

WRONG_NAME = Message(
    8151, "value", "Not a name of a principal",
    "Use 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter.",
)  # fmt: skip
NAME_TAKEN = Message(
    8152, "duplicate", "The name is in use",
    "Choose another, or take the access of this one away first.",
)  # fmt: skip
UNKNOWN_PRINCIPAL = Message(
    8153, "not-found", "Nobody has this name", "List them with 'fhir-backpain access list'.",
)  # fmt: skip
WEAK_PASSWORD = Message(
    8154, "value", "The password cannot be used", "Choose one of 12 to 256 characters.",
)  # fmt: skip
