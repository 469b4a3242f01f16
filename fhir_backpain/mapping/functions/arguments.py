"""Reads the arguments of a slot function, with findings at their own place."""

from __future__ import annotations

from fhir_backpain.artifacts.located_yaml import YamlList, YamlNode, YamlScalar
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.template import Slot


def refuse(slot: Slot, text: str) -> MappingCheckError:
    """Return (not raise) the check error of a wrong argument."""
    return MappingCheckError(messages.SLOT_ARGUMENT.issue(text, mapping=slot.location))


def text_of(slot: Slot, node: YamlNode) -> str:
    """Return a scalar argument as text, without the mark of a path."""
    if not isinstance(node, YamlScalar):
        raise refuse(slot, f"'={slot.function}' takes text here.")
    return node.text.removeprefix("=").strip()


def argument(slot: Slot) -> str:
    """Return the slot's main argument as text."""
    return text_of(slot, slot.argument)


def arguments(slot: Slot) -> list[str]:
    """Return the slot's main argument as one or several texts."""
    if isinstance(slot.argument, YamlList):
        return [text_of(slot, item) for item in slot.argument]
    return [argument(slot)]


def option(slot: Slot, name: str) -> str | None:
    """Return an option as text, or None."""
    node = slot.options.get(name)
    return None if node is None else text_of(slot, node)


def want_option(slot: Slot, name: str) -> str:
    """Return an option as text; raises MappingCheckError where it is missing."""
    text = option(slot, name)
    if text is None:
        raise refuse(slot, f"'={slot.function}' needs '{name}'.")
    return text


def only_options(slot: Slot, *known: str) -> None:
    """Raise MappingCheckError at an option that the function does not take."""
    for name in slot.options:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise refuse(slot, f"'={slot.function}' has no option '{name}'; it has: {listed}.")
