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
CONCEPT_FILE = Message(
    1104,
    "structure",
    "A mappings folder's own concepts cannot be read",
    "Write concepts.csv with the columns key,system,code,display, or a FHIR CodeSystem as JSON.",
)
CONCEPT_TWICE = Message(
    1105, "duplicate", "A concept key twice", "Give the folder's own concept another key."
)
MAP_UNKNOWN = Message(
    1103, "not-found", "Unknown concept map", "Name a file of mappings/concept-maps."
)
CHECK_DIGIT = Message(
    1106, "code-invalid", "A code with a wrong check digit", "Copy the code anew from its owner."
)
UNIT_UNREADABLE = Message(
    1107, "code-invalid", "A unit that UCUM does not have", "Write the unit as UCUM does."
)
CODE_UNVERIFIED = Message(
    1108,
    "code-invalid",
    "A code that is in no table of verified concepts",
    "Verify the code at its owner's and add it to concepts.csv, or use one that is there.",
)
DISPLAY_DIFFERS = Message(
    1109, "value", "A code shown by another name than its owner's", "Use the display of the table."
)
