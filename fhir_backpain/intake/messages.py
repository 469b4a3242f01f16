"""What can be wrong with what is taken in."""

from fhir_backpain.outcome import Message

FEED_NEEDED = Message(
    2050, "required", "A table needs a feed mapping", "Name one: --feed FILE.feed.yaml."
)
MORE_ISSUES = Message(
    2051,
    "informational",
    "Not every issue is listed",
    "Correct the listed ones and run again, or raise the limit with --max-issues.",
    severity="information",
)
UNKNOWN_QUESTIONNAIRE = Message(
    2052,
    "not-found",
    "No instrument is behind the questionnaire",
    "Name one as https://fhir-backpain.org/fhir/Questionnaire/backpain-KEY, with the key of an "
    "instrument of docs/reference/instruments.md.",
)
RESPONSE_INCOMPLETE = Message(
    2053,
    "required",
    "The QuestionnaireResponse says too little",
    "Give status completed, authored, identifier, items, and the patient's identifier in subject.",
)
ANSWER_FORM = Message(
    2054,
    "value",
    "The answer is no number",
    "Answer with valueDecimal or valueInteger, or give the coding the extension ordinalValue.",
)
MODIFIED_RESPONSE = Message(
    2055,
    "extension",
    "The QuestionnaireResponse has a modifier extension",
    "Leave it out where it changes nothing; else the answers cannot be taken as they are.",
)
