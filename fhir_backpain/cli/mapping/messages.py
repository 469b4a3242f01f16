"""What can be wrong while mappings are written."""

from fhir_backpain.outcome import Message

MAPPING_UNKNOWN = Message(
    8201, "not-found", "No mapping of that name", "Name one of docs/reference/mappings.md."
)
PLACEHOLDER_LEFT = Message(
    8202, "required", "Still to be written", "Write what the line asks for, and remove 'EDIT'."
)
FILE_TAKEN = Message(
    8203, "conflict", "The file cannot be written", "Choose another name or another folder."
)
NAME_FORM = Message(8204, "structure", "Not a name", "Use small letters, digits and hyphens.")
RECORD_MISSING = Message(
    8205, "not-found", "No such record or row", "Give a --row that the file has; the first is 1."
)
NO_CASES = Message(
    8206,
    "not-found",
    "No golden cases",
    "Name a folder with <mapping>/<case>/source.json in it.",
)
CASE_BROKEN = Message(
    8207, "structure", "A golden case cannot be read", "Correct the case's files."
)
NOT_FHIR = Message(
    8208, "structure", "Neither a resource nor a Bundle", "Give FHIR resources or Bundles as JSON."
)
GIVEN_TWICE = Message(
    8209,
    "duplicate",
    "A resource is given twice",
    "Give one version of each resource; the latest was taken.",
    severity="warning",
)
