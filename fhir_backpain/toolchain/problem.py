"""What can go wrong around programs that are not ours, and the next step for each."""

from __future__ import annotations

from fhir_backpain.errors import BackpainError
from fhir_backpain.outcome import Message

TOOL_MISSING = Message(
    9901, "not-found", "Program missing", "Install it, put it on the PATH, and run this again."
)
REGISTRY_UNREACHABLE = Message(
    9902,
    "transient",
    "Package registry not reached",
    "Check the network and the proxy settings of Maven and npm, then run this again.",
)
RECIPE_FAILED = Message(
    9903, "exception", "Recipe failed", "Read the output above; the recipe may need a new version."
)
VALIDATOR_STOPPED = Message(
    9906, "exception", "Validator stopped", "Read the log named above; a larger heap often helps."
)
INPUT_NOT_FOUND = Message(9907, "not-found", "No such file or package", "Check the name.")
WRONG_SETTING = Message(9908, "value", "Setting not known", "Use one of the values named.")


class CounterpartError(BackpainError):
    """A counterpart (server or validator) cannot be made, started or talked to."""


class ToolMissingError(CounterpartError):
    """A program that the recipes need is not on this machine."""


class RegistryUnreachableError(CounterpartError):
    """The first download cannot be done now; nothing is wrong with the recipe."""
