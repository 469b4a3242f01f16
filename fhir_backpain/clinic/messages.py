"""The problems that the clinic reports."""

from fhir_backpain.outcome import Message

UNUSABLE_CLINIC = Message(
    9501, "value", "Unusable size or date", "Choose a number or a date within the range named."
)
