"""Every kind of problem that a record can have, numbered 4001 to 4039."""

from __future__ import annotations

from fhir_backpain.outcome import Message

NOT_AN_OBJECT = Message(
    4001, "structure", "Not a record", "Write the record as a JSON object in braces.",
)  # fmt: skip
UNKNOWN_RECORD = Message(
    4002, "not-supported", "Unknown record type", "Name one of the record types.",
)  # fmt: skip
MISSING_FIELD = Message(
    4003, "required", "A field is missing", "Add the field.",
)  # fmt: skip
UNKNOWN_FIELD = Message(
    4004, "structure", "Unknown field", "Correct the field's name, or leave the field out.",
)  # fmt: skip
WRONG_TYPE = Message(
    4005, "structure", "Wrong type", "Write the value as the type that is expected.",
)  # fmt: skip
NOT_IN_LIST = Message(
    4006, "code-invalid", "Not one of the allowed words", "Use one of the allowed words.",
)  # fmt: skip
WRONG_FORM = Message(
    4007, "value", "Wrong form", "Write the value in the form that is expected.",
)  # fmt: skip
NO_SUCH_DATE = Message(
    4008, "value", "No such date", "Correct the date: the calendar does not have it.",
)  # fmt: skip
WRONG_SIZE = Message(
    4009, "value", "Too short or too long", "Keep to the size that is allowed.",
)  # fmt: skip
OUT_OF_RANGE = Message(
    4010, "value", "Out of range", "Correct the number, or its scale or measure.",
)  # fmt: skip
ONE_OF = Message(
    4011, "invariant", "Not exactly one of several fields", "Give exactly one of these fields.",
)  # fmt: skip
NEEDS_FIELD = Message(
    4012, "required", "A field needs another one beside it", "Give both fields, or neither.",
)  # fmt: skip
SAME_KEY = Message(
    4020, "duplicate", "The same thing twice in one record",
    "Keep one of the two, or send the other in a record of its own.",
)  # fmt: skip
REVERSED_TIMES = Message(
    4021, "invariant", "The end is before the start", "Correct one of the two dates.",
)  # fmt: skip
NO_QUESTIONNAIRE = Message(
    4022, "not-found", "The questionnaire is not in the record",
    "Add the filled-in instrument under questionnaires, or leave the field out.",
)  # fmt: skip
UNKNOWN_KEY = Message(
    4023, "code-invalid", "Not a known key",
    "Use a key of the mapping's tables, or add it to them.",
)  # fmt: skip
WRONG_VALUE_KIND = Message(
    4024, "value", "The wrong kind of value",
    "Give a score, a level or a presence, as the measure or finding takes it.",
)  # fmt: skip
NO_AUTHOR = Message(
    4025, "required", "The author is not in the record",
    "Name the author of the record, or leave the field out.",
)  # fmt: skip
ITEMS_OUT_OF_ORDER = Message(
    4026, "structure", "Items out of order",
    "Give the items in the order in which the instrument has them.",
)  # fmt: skip
SCORE_CONTRADICTS = Message(
    4030, "invariant", "The score contradicts its answers",
    "Correct the score or the answers; send the score without 'questionnaire' where it was not "
    "computed from them.",
)  # fmt: skip
SCORE_UNCHECKED = Message(
    4031, "business-rule", "The score could not be held against its answers",
    "Send every answer, or the score alone. The record is taken as it is.", severity="warning",
)  # fmt: skip
SCORE_COMPUTABLE = Message(
    4032, "informational", "A score could be computed",
    "Send the score where it shall be in FHIR: only what is given is carried.",
    severity="information",
)  # fmt: skip
TWO_LEADS = Message(
    4033, "invariant", "More than one leads the care team",
    "Say 'lead' of one member of the team alone.",
)  # fmt: skip
AGAINST_THE_PLAN = Message(
    4034, "business-rule", "What is ordered must not be given, or is not wanted",
    "End the order, or the contraindication or preference. The record is taken as it is.",
    severity="warning",
)  # fmt: skip
INVASIVE_FIRST = Message(
    4035, "business-rule", "An invasive step without a conservative one before it",
    "Add what was tried before, name the plan that this one revises, or give the reason. "
    "The record is taken as it is.", severity="warning",
)  # fmt: skip
STEPS_OUT_OF_ORDER = Message(
    4036, "business-rule", "A conservative step below an invasive one",
    "List conservative steps first, or say by their start that they come after. "
    "The record is taken as it is.", severity="warning",
)  # fmt: skip
