"""Acts: what people and the program did to entries and settings, each told once for good."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fhir_backpain.errors import SettingsError
from fhir_backpain.outbox.messages import WRONG_REASON

Action = Literal[
    "migrated",  # the schema of the outbox was made, or brought up to date
    "bound",  # the first record for a server was queued
    "replayed",  # an entry was queued once more
    "discarded",  # an entry was taken out
    "edited",  # a corrected record took the place of an entry
    "resolved",  # a person decided who wins where both sides have changed a record
    "full-feed",  # a feed that holds all was read to its end
    "retired",  # a record that its feed no longer holds was queued to be taken back
    "taken-back",  # the server has let resources go that the record no longer makes
    "exported",  # a record's data were written out
    "shown",  # a record's data were shown
]
ACTIONS: tuple[Action, ...] = get_args(Action)
Via = Literal["command", "gateway", "engine", "library"]

BY_ENGINE: frozenset[Action] = frozenset(("migrated", "bound", "taken-back"))
"""What nobody asks for in so many words: it follows from what is asked for."""

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user of the operating system and a machine, and by way of what."""

    name: str
    via: Via


@dataclass(frozen=True, slots=True)
class Act:
    """One act that is to be told: no value of a patient is in it.

    `entry` is a tracking id, `because` the reason that a person gave, `detail` numbers and words
    of the program, `by` who it was where that is not who opened the outbox. SettingsError for a
    reason that is no line of text.
    """

    action: Action
    entry: str | None = None
    server: str | None = None
    because: str | None = None
    detail: Mapping[str, str | int] = field(default_factory=dict)
    by: Actor | None = None

    def __post_init__(self) -> None:
        reason = self.because
        if reason is not None and not (reason.isprintable() and 0 < len(reason) <= _LONGEST_REASON):
            text = f"The reason is not one line of 1 to {_LONGEST_REASON} characters."
            raise SettingsError(WRONG_REASON.issue(text))


@dataclass(frozen=True, slots=True)
class TrailItem:
    """One line of the trail: an act, or an attempt to send, which is the program's.

    `what` is an action, or the state that an attempt led to; `number` counts the attempts of an
    entry and is None for an act. `messages` are numbers as in ``FBP-6051``.
    """

    at: str
    kind: Literal["act", "attempt"]
    actor: str | None
    via: Via
    what: str
    server: str | None = None
    entry: str | None = None
    number: int | None = None
    status: int | None = None
    messages: tuple[str, ...] = ()
    because: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def actor_of_process(via: Via) -> Actor:
    """Return who runs this process, as the operating system knows it."""
    user = os.geteuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:  # a container may run under a number that has no name
        name = str(user)
    return Actor(f"{name}@{socket.gethostname()}", via)
