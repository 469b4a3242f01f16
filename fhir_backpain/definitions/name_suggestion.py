"""Names that may have been meant by a name that FHIR does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from fhir_backpain.definitions.element import Choice, ElementDefinition

_MOST = 5
_STEM_ENDS = "[x]"


def near_names(wrong_name: str, members: Mapping[str, ElementDefinition]) -> list[str]:
    """Return up to 5 names of `members`, the nearest first.

    A name with the stem of a choice and no type that is near to one of its types gives all.
    """
    choice = _meant_choice(wrong_name, members.values())
    if choice is None:
        return _close(wrong_name, members, 0.6)
    return _close(wrong_name, choice.names, 0.85) or list(choice.names)


def _close(wrong_name: str, names: Iterable[str], cutoff: float) -> list[str]:
    by_lower_case = {name.lower(): name for name in names}
    found = get_close_matches(wrong_name.lower(), by_lower_case, n=_MOST, cutoff=cutoff)
    return [by_lower_case[name] for name in found]


def _meant_choice(wrong_name: str, members: Iterable[ElementDefinition]) -> Choice | None:
    """Return the choice whose stem the name has: ``value`` or ``valueMoney`` for ``value[x]``."""
    for choice in _choices(members):
        rest = wrong_name.removeprefix(_stem(choice))
        if rest != wrong_name and (not rest or rest == _STEM_ENDS or rest[0].isupper()):
            return choice
    return None


def _choices(members: Iterable[ElementDefinition]) -> Iterator[Choice]:
    seen = {member.choice_of for member in members if member.choice_of}
    # The longer stem is the more exact one.
    yield from sorted(seen, key=lambda choice: (-len(_stem(choice)), choice.path))


def _stem(choice: Choice) -> str:
    return choice.path.rpartition(".")[2].removesuffix(_STEM_ENDS)
