"""What can be lost on the way there."""

from fhir_backpain.outcome import Message

VALUE_LOST = Message(
    3090,
    "incomplete",
    "A value of a record that no resource carries",
    "Map the field where it is lost, list it under ignore with a reason, or map without --strict.",
)
