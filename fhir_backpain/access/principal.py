"""Principals: the people and machines that a gateway knows, and what each of them may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["person", "machine"]
Role = Literal[
    "sender",  # a source: gives records, and asks what became of them
    "reader",  # looks, and changes nothing
    "operator",  # keeps the flow going: replays, discards, corrects
    "administrator",  # decides who may do what
]
ROLES: tuple[Role, ...] = get_args(Role)
Permission = Literal[
    "track",  # ask what became of what one has sent
    "send",  # give records
    "read",  # look at everything
    "operate",  # replay, discard, correct
    "administer",  # give and take access
]

_GIVES: dict[Role, frozenset[Permission]] = {
    "sender": frozenset(("track", "send")),
    "reader": frozenset(("track", "read")),
    "operator": frozenset(("track", "send", "read", "operate")),
    "administrator": frozenset(("track", "send", "read", "operate", "administer")),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a machine under a name that nobody else has.

    Instants are in UTC, as text. Without `expires_at` the access does not end by itself.
    """

    name: str
    kind: Kind
    role: Role
    created_at: str
    expires_at: str | None = None
    last_used_at: str | None = None

    def may(self, permission: Permission) -> bool:
        """True where the role gives the permission."""
        return permission in _GIVES[self.role]


LOCAL = Principal("local", "person", "administrator", "")
"""Whoever reaches a gateway on loopback that knows no principals: the machine's own user."""
