"""Conditions: ``PATH is present``, ``PATH is WORD``, ``LIST.MEMBER has WORD``, with ``and``.

``PATH is in MAP`` was spelt out before: `word_set`.
"""

from __future__ import annotations

from collections.abc import Callable

from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.clause import Holding, read_clause, read_holding, split_clauses
from fhir_backpain.mapping.scope import Reach
from fhir_backpain.mapping.source_shape import Leaf, ListShape, ObjectShape
from fhir_backpain.outcome import MappingLocation

ReachOf = Callable[[str, MappingLocation], Reach]


def compile_condition(text: str, reach_of: ReachOf, where: MappingLocation) -> str:
    """Return the Python expression of a condition; raises MappingCheckError where unreadable."""
    clauses = [_clause(part, reach_of, where) for part in split_clauses(text)]
    return " and ".join(clauses)


def _clause(text: str, reach_of: ReachOf, where: MappingLocation) -> str:
    holding = read_holding(text)
    if holding is not None:
        return _holding(holding, reach_of, where)
    clause = read_clause(text)
    if clause is None:
        raise MappingCheckError(
            messages.CONDITION_WRONG.issue(f"'{text}' is not a condition.", mapping=where)
        )
    reach = reach_of(clause.path, where)
    word, negated = clause.word, clause.is_negated
    if word in ("present", "missing"):
        return reach.presence() if (word == "present") != negated else reach.absence()
    is_flag = isinstance(reach.shape, Leaf) and reach.shape.type == "boolean"
    if word in ("true", "false") and is_flag:
        return f"{reach.expression} is {'not ' if negated else ''}{word.title()}"
    for each in clause.words:
        _check_word(each, reach.shape, where)
    if not word:
        return f"{reach.expression} {'not in' if negated else 'in'} {clause.words!r}"
    return f"{reach.expression} {'!=' if negated else '=='} {word!r}"


def _holding(holding: Holding, reach_of: ReachOf, where: MappingLocation) -> str:
    reach = reach_of(holding.path, where)
    shape = reach.shape.item if isinstance(reach.shape, ListShape) else None
    member = shape.members.get(holding.member) if isinstance(shape, ObjectShape) else None
    if member is None:
        text = f"'{holding.path}' is no list whose elements have '{holding.member}'."
        raise MappingCheckError(messages.CONDITION_WRONG.issue(text, mapping=where))
    for word in holding.words:
        _check_word(word, member.shape, where)
    return f"any([one.{holding.member} in {holding.words!r} for one in {reach.expression}])"


def _check_word(word: str, shape: object, where: MappingLocation) -> None:
    if not isinstance(shape, Leaf) or shape.type not in ("string", "cell"):
        raise MappingCheckError(
            messages.CONDITION_WRONG.issue(
                f"'{word}' can never be there: the source has no words at that path.",
                mapping=where,
            )
        )
    if shape.words is not None and word not in shape.words:
        raise MappingCheckError(
            messages.CONDITION_WRONG.issue(
                f"'{word}' can never be there: the source has {', '.join(shape.words)}.",
                mapping=where,
                next_step="Use one of the words that the source schema lists.",
            )
        )
