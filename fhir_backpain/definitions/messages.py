"""What can be wrong with the index of FHIR definitions."""

from fhir_backpain.outcome import Message

RELEASE_UNKNOWN = Message(
    4801, "not-supported", "FHIR release not known", "Use one of the releases that are named."
)
INDEX_UNREADABLE = Message(
    4802,
    "exception",
    "The index of FHIR definitions cannot be read",
    "Install the package anew; its files are incomplete.",
)
PROFILE_UNREADABLE = Message(
    4803,
    "structure",
    "A profile cannot be read",
    "Give a StructureDefinition with a snapshot, as SUSHI writes it with --snapshot.",
)
