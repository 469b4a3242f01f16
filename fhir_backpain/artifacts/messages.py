"""What can be wrong with a shipped or configured file."""

from fhir_backpain.outcome import Message

FILE_MISSING = Message(
    1001, "not-found", "File not found", "Check the path; names are relative to the current folder."
)
YAML_UNREADABLE = Message(
    1002, "structure", "Not readable as YAML", "Correct the YAML at the place that is named."
)
KEY_TWICE = Message(
    1003, "duplicate", "The same key twice", "Keep one of the two; the second would hide the first."
)
WRONG_KIND = Message(
    1004, "structure", "Wrong kind of YAML value", "Write the value in the form that is named."
)
ENTRY_MISSING = Message(1005, "required", "A required entry is missing", "Add the entry.")
ENTRY_UNKNOWN = Message(
    1006, "structure", "Unknown entry", "Remove the entry or correct its spelling."
)
