"""What can go wrong in the demo."""

from fhir_backpain.outcome import Message

STEP_FAILED = Message(
    8901, "exception", "A step of the demo did not hold", "Report it with the folder demo-output."
)
FOLDER_TAKEN = Message(
    8902, "conflict", "The folder cannot be used", "Name another one with --folder."
)
