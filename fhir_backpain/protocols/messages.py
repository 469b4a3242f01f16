"""What can be wrong with a protocol, or with what it is to be applied to."""

from fhir_backpain.outcome import Message

PROTOCOL_UNKNOWN = Message(
    1201, "not-found", "No such protocol", "Choose one that 'fhir-backpain protocol list' shows."
)
CONDITION_UNREADABLE = Message(
    1202, "structure", "Unreadable condition", "Write it in one of the forms that are named."
)
WORD_UNKNOWN = Message(
    1203, "code-invalid", "Unknown word in a protocol", "Use a word that records may use."
)
SOURCE_UNKNOWN = Message(
    1204, "not-found", "Unknown source in a protocol", "Add the source to sources.yaml."
)
NOT_FOR_THIS = Message(
    4601,
    "business-rule",
    "The protocol is not for this assessment",
    "Choose another protocol, or record in the assessment what is missing.",
)
