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
DAY_FORM = Message(8010, "structure", "Not a day", "Write it as YYYY-MM-DD.")
NOT_ONE_PATIENT = Message(
    8011, "business-rule", "Not one patient", "Choose one with --patient SYSTEM|VALUE."
)
PICTURE_UNWRITABLE = Message(
    8012, "conflict", "The picture cannot be written", "Choose another file with --svg."
)
NOT_ONE_ASSESSMENT = Message(
    8013, "not-found", "No assessment to draft from",
    "Give a file with an assessment; choose one of several with --assessment.",
)  # fmt: skip
SETTINGS_UNREADABLE = Message(
    8014, "structure", "The settings file cannot be used",
    "Write a table for each command and an entry for each option, as they are typed, in TOML.",
)  # fmt: skip
SINCE_FORM = Message(
    8021, "structure", "Not an instant", "Write 2026-03-02, or 2026-03-02T09:30:00+01:00."
)
REASON_TELLS = Message(
    8022, "security", "The reason would tell of a patient",
    "Say it without the record's values: who reads the audit trail need not know them.",
)  # fmt: skip
