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
