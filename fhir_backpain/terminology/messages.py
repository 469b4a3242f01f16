"""What can be wrong with terminology."""

from fhir_backpain.outcome import Message

CONCEPT_UNKNOWN = Message(
    1101,
    "code-invalid",
    "Unknown concept",
    "Use a key of concepts.csv or of the project's code system.",
)
CONCEPTS_BROKEN = Message(
    1102, "structure", "The concept table is broken", "Reinstall the package or restore the file."
)
MAP_UNKNOWN = Message(
    1103, "not-found", "Unknown concept map", "Name a file of mappings/concept-maps."
)
