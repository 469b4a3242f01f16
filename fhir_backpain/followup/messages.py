"""What follow-up has to say of the records that it reads from a server."""

from fhir_backpain.outcome import Message

PATIENT_UNKNOWN = Message(
    6151, "not-found", "No such patient", "Check system and value of the patient's identifier."
)
GOALS_AS_NOW = Message(
    6152,
    "incomplete",
    "Goals are shown as they are now",
    "Compare with the source, or let the server keep a history of Goal and CarePlan.",
    severity="warning",
)
