"""What can be wrong with telling of oneself."""

from fhir_backpain.outcome import Message

LOG_UNWRITABLE = Message(
    8020, "no-store", "The log cannot be written", "Check the path and the rights on its folder.",
)  # fmt: skip
