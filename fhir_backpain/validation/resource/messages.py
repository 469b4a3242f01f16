"""Every kind of problem that a FHIR resource can have, numbered 4041 to 4079."""

from __future__ import annotations

from fhir_backpain.outcome import Message

NO_RESOURCE = Message(
    4041, "structure", "Not a FHIR resource", "Give a JSON object with a resourceType."
)
TYPE_UNKNOWN = Message(
    4042, "not-supported", "Unknown resource type",
    "Use a resource type that the adapter holds definitions of, or HL7's validator.",
)  # fmt: skip
ELEMENT_WRONG = Message(
    4043, "structure", "An element is not what FHIR asks for", "Correct the element that is named."
)
ELEMENT_UNKNOWN = Message(
    4044, "structure", "Unknown element", "Correct the element's name, or leave it out."
)
KIND_WRONG = Message(
    4045, "structure", "Wrong kind of JSON value", "Write the value as the kind that is expected."
)
FORM_WRONG = Message(
    4046, "value", "Not the form of its datatype", "Write the value in the form of its datatype."
)
EMPTY = Message(
    4047, "structure", "Empty value", "Give the value, or leave the element out."
)  # fmt: skip
TOO_FEW = Message(4048, "required", "An element is missing", "Add the element.")
TOO_MANY = Message(
    4049, "structure", "Too many values", "Keep to the number of values that is allowed."
)
ONE_TYPE = Message(
    4050, "structure", "Several types of one choice", "Keep one of the elements that are named."
)
CODE_OUTSIDE = Message(
    4051, "code-invalid", "Code outside a required value set", "Use a code of the value set."
)
NOT_FIXED = Message(
    4052, "value", "Not the value that the profile fixes", "Write the value that the profile fixes."
)
NO_SLICE = Message(
    4053, "structure", "An item that no slice takes",
    "Keep to the kinds of items that the profile lists.",
)  # fmt: skip
SLICE_COUNT = Message(
    4054, "required", "Too few or too many items of a slice",
    "Give as many items of this kind as the profile asks for.",
)  # fmt: skip
REFERENCE_FORM = Message(
    4055, "value", "Not the form of a reference",
    "Write Type/id, an absolute URL, urn:uuid:, urn:oid: or #id.",
)  # fmt: skip
REFERENCE_TARGET = Message(
    4056, "structure", "A reference to the wrong type", "Refer to one of the types that are named."
)
MODIFIER_UNKNOWN = Message(
    4057, "extension", "Unknown modifier extension",
    "Do not use this resource: its meaning may be changed. Ask the sender what the extension says.",
)  # fmt: skip
NARRATIVE_UNSAFE = Message(
    4058, "security", "Narrative with active or foreign content",
    "Leave only the plain XHTML that FHIR allows in a narrative.",
)  # fmt: skip
INVARIANT_BROKEN = Message(
    4059, "invariant", "A rule of FHIR or of the profile is broken", "Correct what the rule names."
)
INVARIANT_WARNED = Message(
    4060, "invariant", "A recommendation is not followed", "Follow it where you can.",
    severity="warning",
)  # fmt: skip
PROFILE_NOT_HELD = Message(
    4061, "informational", "The profile's rules are not held here",
    "Load the package with --ig, or use HL7's validator.", severity="information",
)  # fmt: skip
PROFILE_UNKNOWN = Message(
    4062, "not-found", "There is no such profile", "Correct the URL, or load its package with --ig."
)
PROFILE_TYPE = Message(
    4063, "structure", "The profile is one of another resource type",
    "Claim only profiles of the resource's own type.",
)  # fmt: skip
PACKAGE_UNREADABLE = Message(
    4064, "exception", "A package of profiles cannot be read",
    "Give a folder of conformance resources, or a FHIR package file (.tgz).",
)  # fmt: skip
TOO_DEEP = Message(4065, "too-costly", "Nested too deeply", "Flatten the resource.")
