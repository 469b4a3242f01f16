"""What can be wrong with a command."""

from fhir_backpain.outcome import Message

SERVER_UNKNOWN = Message(
    8001, "not-found", "Unknown server", "Give a base URL, or one of the names that 'doctor' lists."
)
PARAMETER_FORM = Message(8002, "structure", "Unreadable parameter", "Write it as NAME=VALUE.")
TOKEN_UNREADABLE = Message(
    8003, "not-found", "The token file cannot be read", "Check the path and its permissions."
)
UNEXPECTED = Message(
    8005, "exception", "An unexpected fault", "Report it with the command and this number."
)
PROFILES_BROKEN = Message(
    8006, "not-found", "The profiles cannot be read", "Reinstall the package or restore the files."
)
PACKAGE_UNWRITABLE = Message(
    8007, "conflict", "The package cannot be written", "Choose another file with --out."
)
SMART_UNREADABLE = Message(
    8008, "structure", "The SMART file cannot be used",
    "Write client_id and key_file into it, as texts in TOML.",
)  # fmt: skip
WRONG_EDIT = Message(
    8009, "conflict", "The edited record cannot take the entry's place",
    "Leave record, id, source and patient.identifier as they are, one record in the file.",
)  # fmt: skip
