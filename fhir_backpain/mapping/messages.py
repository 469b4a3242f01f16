"""What can be wrong with a mapping, and with a record while it is mapped."""

from fhir_backpain.outcome import Message

SLOT_UNKNOWN = Message(
    3001, "structure", "Unknown slot function", "Use one of the functions of the reference page."
)
SLOT_ARGUMENT = Message(
    3002, "structure", "Wrong argument of a slot", "Give the arguments that the function takes."
)
PATH_UNKNOWN = Message(
    3003, "not-found", "Unknown source path", "Use a field of the source, or correct the spelling."
)
PATH_KIND = Message(
    3004, "structure", "Wrong kind of source path", "Repeat over a list; copy from a single value."
)
FRAGMENT_UNKNOWN = Message(
    3005, "not-found", "Unknown fragment", "Name a fragment of mappings/shared."
)
CONDITION_WRONG = Message(
    3006,
    "structure",
    "Unreadable condition",
    "Write 'PATH is present', 'PATH is missing', 'PATH is WORD' or 'PATH is not WORD'.",
)
NAME_TWICE = Message(
    3007, "duplicate", "The same name twice", "Rename one of the two files' entries."
)
LEAF_UNMAPPED = Message(
    3008,
    "incomplete",
    "A source field is neither mapped nor ignored",
    "Map the field, or list it under ignore with a reason.",
)
WORD_UNMAPPED = Message(
    3009, "code-invalid", "A word has no row in the concept map", "Add a row to the concept map."
)
COMPILED_CODE = Message(
    3010, "exception", "The compiled mapping failed", "Report this with the mapping file."
)
PARAMETER_MISSING = Message(
    3020, "required", "A parameter is missing", "Give it: --set NAME=VALUE."
)
PARAMETER_UNKNOWN = Message(
    3021, "not-found", "Unknown parameter", "Declare it under parameters, or leave it out."
)
PARAMETER_VALUE = Message(
    3022, "value", "Wrong value of a parameter", "Give a value of the declared kind."
)
COLUMN_MISSING = Message(
    3023,
    "required",
    "A column is missing",
    "Export the column, or remove it from the feed mapping.",
)
COLUMN_UNKNOWN = Message(
    3024,
    "structure",
    "A column is neither mapped nor ignored",
    "Map the column, or list it under ignore with a reason.",
)
CELL_VALUE = Message(
    3025, "value", "A cell cannot be read", "Correct the cell, or the form that the feed declares."
)
IGNORED_USED = Message(
    3026, "business-rule", "Ignored and mapped at once", "Remove one of the two."
)
NOT_CLAIMED = Message(
    3030, "not-supported", "No rule claims a resource", "Map it, or leave it out of what is read."
)
ELEMENT_NOT_CLAIMED = Message(
    3031,
    "not-supported",
    "An element that no rule makes",
    "Extend the mapping, or accept that the record does not carry it.",
)
MODIFIER_UNKNOWN = Message(
    3032, "extension", "An unknown modifier extension", "Extend the mapping to understand it."
)
RECORD_FORM = Message(
    3035,
    "structure",
    "A record does not have the form of its type",
    "Check the record with 'fhir-backpain validate'.",
)
CONTRADICTION = Message(
    3033, "conflict", "Two resources of one record contradict", "Correct one of the two."
)
INCOMPLETE_RECORD = Message(
    3034, "incomplete", "A record cannot be rebuilt", "Read all resources of the record at once."
)
TARGET_UNKNOWN = Message(
    3040, "structure", "Unknown element", "Use an element that FHIR defines here."
)
TARGET_TYPE = Message(
    3041, "structure", "Wrong datatype", "Use a function that makes the element's datatype."
)
TARGET_MISSING = Message(
    3042, "required", "A mandatory element is missing", "Map the element, or give a literal."
)
TARGET_MAY_BE_EMPTY = Message(
    3043,
    "required",
    "A mandatory element may be empty",
    "Map it from a field that is always there, give an 'else', or add a 'when' to the rule.",
)
TARGET_CARDINALITY = Message(
    3044, "structure", "Wrong cardinality", "Write a list where the element repeats, else a value."
)
TARGET_CHOICE = Message(
    3045, "structure", "Two types of one choice", "Keep one of the two, or make both conditional."
)
CODE_OUTSIDE = Message(
    3046, "code-invalid", "A code outside a required binding", "Use a code of the value set."
)
UNREACHABLE = Message(
    3047, "business-rule", "It can never apply", "Remove it, or correct the condition or the order."
)
FILE_KIND = Message(
    3050,
    "structure",
    "Neither mapping, feed, instrument, concept map, fragments nor release",
    "Begin the file with the entry of its kind, or write one with 'fhir-backpain mapping new'.",
)
FOLDER_EMPTY = Message(
    3054,
    "not-found",
    "No mappings in the folder",
    "Name a mappings folder; 'fhir-backpain mapping new folder NAME' makes a copy of the shipped.",
)
RULES_CLASH = Message(
    3048, "business-rule", "Two rules with the same identity", "Give the two different keys."
)
PROFILE_UNKNOWN = Message(
    3060,
    "not-found",
    "Unknown profile",
    "Claim a profile that is there, or put it into the folder 'profiles' of the mappings.",
)
PROFILE_OF_ANOTHER_TYPE = Message(
    3061, "structure", "A profile of another resource type", "Claim a profile of the made type."
)
PROFILE_MISSING = Message(
    3062,
    "required",
    "An element that a claimed profile makes mandatory is missing",
    "Fill the element, or do not claim the profile.",
)
PROFILE_MAY_BE_EMPTY = Message(
    3063,
    "required",
    "An element that a claimed profile makes mandatory may be empty",
    "Map it from a field that is always there, or claim the profile only 'when' it is there.",
)
PROFILE_CARDINALITY = Message(
    3064,
    "structure",
    "More than a claimed profile allows",
    "Make no more than the profile allows, or do not claim it.",
)
PROFILE_FIXED = Message(
    3065,
    "value",
    "Another value than a claimed profile fixes",
    "Make the value that the profile fixes, or do not claim it.",
)
PROFILE_SLICE = Message(
    3066,
    "structure",
    "No item for a slice of a claimed profile",
    "Add an item that the slice takes, or do not claim the profile.",
)
PROFILE_BINDING = Message(
    3067,
    "code-invalid",
    "A code outside a value set that a claimed profile requires",
    "Use a code of the value set, or do not claim the profile.",
)
PROFILE_CHOICE = Message(
    3068,
    "structure",
    "A type that a claimed profile does not allow",
    "Use a type that the profile allows, or do not claim it.",
)
PROFILE_TARGET = Message(
    3069,
    "structure",
    "A reference that a claimed profile does not allow",
    "Refer to what the profile allows, or do not claim it.",
)
