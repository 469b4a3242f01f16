"""The keyring of a gateway: principals and sessions, beside the outbox in its database.

So all processes that share an outbox know the same people and machines, and what is taken away is
gone for all of them at once. Nothing in the database opens the gateway: secrets are hashed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_backpain.access import messages
from fhir_backpain.access.principal import Kind, Principal, Role
from fhir_backpain.access.secret import (
    LONGEST_PASSWORD,
    NO_PASSWORD,
    SHORTEST_PASSWORD,
    hash_of,
    is_password,
    is_same,
    new_key,
    new_token,
    password_hash,
    token_parts,
)
from fhir_backpain.errors import SettingsError
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.database import Database, Session
from fhir_backpain.outcome import Message

SESSION_HOURS = 12
"""How long a person stays signed in."""
MOST_FAILURES = 5
"""Wrong passwords after which a name has to wait, longer each time."""

_LONGEST_WAIT = timedelta(minutes=15)
# A use is noted once in a while only: it costs a write.
_NOTED_EVERY = timedelta(minutes=5)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_COLUMNS = "name, kind, role, created_at, expires_at, last_used_at"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session; `form_key` proves that a form was made by a page of the session."""

    principal: Principal
    form_key: str


class Keyring:
    """Principals and sessions in the database of an outbox. OutboxError where that fails."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._now = now

    def is_empty(self) -> bool:
        """True where no principal was ever made, or all were taken away."""
        return self._read("SELECT 1 FROM principal LIMIT 1") is None

    def principals(self) -> list[Principal]:
        """Return all principals, sorted by name."""
        sql = f"SELECT {_COLUMNS} FROM principal ORDER BY name"  # noqa: S608
        rows = self._database.read(lambda session: session.execute(sql).fetchall())
        return [Principal(*row) for row in rows]

    def add_machine(self, name: str, role: Role, lifetime: timedelta | None = None) -> str:
        """Make a machine known and return its token, which cannot be had again.

        SettingsError for a name that cannot be used.
        """
        token, number, digest = new_token()
        self._add(name, "machine", role, lifetime, number, digest)
        return token

    def add_person(self, name: str, role: Role, password: str) -> None:
        """Make a person known; SettingsError for a name or password that cannot be used."""
        self._add(name, "person", role, None, None, password_hash(_checked(password)))

    def set_password(self, name: str, password: str) -> None:
        """Give a person another password, and end their sessions."""
        digest = password_hash(_checked(password))

        def work(session: Session) -> bool:
            changed = session.execute(
                "UPDATE principal SET secret = ?, failures = 0, wait_until = NULL"
                " WHERE name = ? AND kind = 'person' AND secret <> ? RETURNING name",
                (digest, name, NO_PASSWORD),
            )
            if changed.fetchone() is None:
                return False
            session.execute("DELETE FROM session WHERE principal = ?", (name,))
            return True

        _ensure(self._database.write(work), messages.UNKNOWN_PRINCIPAL, f"No person is '{name}'.")

    def remove(self, name: str) -> None:
        """Take all access of a principal away, at once."""

        def work(session: Session) -> bool:
            session.execute("DELETE FROM session WHERE principal = ?", (name,))
            gone = session.execute("DELETE FROM principal WHERE name = ? RETURNING name", (name,))
            return gone.fetchone() is not None

        _ensure(self._database.write(work), messages.UNKNOWN_PRINCIPAL, f"Nobody is '{name}'.")

    def by_token(self, token: str) -> Principal | None:
        """Return the machine whose token it is, None where it is nobody's or has ended."""
        parts = token_parts(token)
        if parts is None:
            return None
        row = self._read(
            f"SELECT secret, {_COLUMNS} FROM principal WHERE token = ?",  # noqa: S608
            parts[0],
        )
        if row is None or not is_same(parts[1], row[0]):
            return None
        found = Principal(*row[1:])
        if found.expires_at is not None and found.expires_at <= self._at():
            return None
        self._note_use(found)
        return found

    def sign_in(self, name: str, password: str) -> str | None:
        """Return the key of a new session, None where name and password do not belong together.

        After a few failures a name has to wait; a right password does not help meanwhile, and
        nothing tells which of the two was wrong.
        """
        row = self._read(
            "SELECT secret, wait_until FROM principal WHERE name = ? AND kind = 'person'", name
        )
        right = is_password(password[: LONGEST_PASSWORD + 1], row[0] if row else None)
        if row is None or (row[1] is not None and row[1] > self._at()):
            return None
        if not right:
            self._database.write(lambda session: self._note_failure(session, name))
            return None
        key = new_key()
        self._database.write(lambda session: self._begin(session, name, key))
        return key

    def sign_in_known(self, name: str, role: Role) -> str:
        """Return the key of a new session for whom an identity provider has proven who it is.

        The person is made known under the name, without a password, and has the role from now on.
        SettingsError for a name that belongs to a machine, or to a person who has a password.
        """
        _ensure(_NAME.fullmatch(name), messages.WRONG_NAME, "The name cannot be used.")
        key = new_key()

        def work(session: Session) -> bool:
            kept = session.execute(
                "INSERT INTO principal (name, kind, role, secret, created_at, failures)"
                " VALUES (?, 'person', ?, ?, ?, 0)"
                " ON CONFLICT (name) DO UPDATE SET role = excluded.role"
                " WHERE principal.kind = 'person' AND principal.secret = excluded.secret"
                " RETURNING name",
                (name, role, NO_PASSWORD, self._at()),
            )
            if kept.fetchone() is None:
                return False
            self._begin(session, name, key)
            return True

        taken = f"'{name}' is known already, and not by the identity provider."
        _ensure(self._database.write(work), messages.NAME_TAKEN, taken)
        return key

    def by_session(self, key: str) -> SignedIn | None:
        """Return whose session it is, None where it has ended or never was."""
        columns = ", ".join(f"p.{name}" for name in _COLUMNS.split(", "))
        row = self._read(
            f"SELECT s.form_key, {columns} FROM session s JOIN principal p"  # noqa: S608
            " ON p.name = s.principal WHERE s.key_hash = ? AND s.expires_at > ?",
            hash_of(key),
            self._at(),
        )
        return None if row is None else SignedIn(Principal(*row[1:]), row[0])

    def sign_out(self, key: str) -> None:
        """End a session."""
        self._database.write(
            lambda session: session.execute(
                "DELETE FROM session WHERE key_hash = ?", (hash_of(key),)
            )
        )

    def _add(
        self,
        name: str,
        kind: Kind,
        role: Role,
        lifetime: timedelta | None,
        token: str | None,
        secret: str,
    ) -> None:
        _ensure(_NAME.fullmatch(name), messages.WRONG_NAME, "The name cannot be used.")
        expires_at = None if lifetime is None else self._at(lifetime)
        row = (name, kind, role, token, secret, self._at(), expires_at)

        def work(session: Session) -> bool:
            made = session.execute(
                "INSERT INTO principal (name, kind, role, token, secret, created_at, expires_at,"
                " failures) VALUES (?, ?, ?, ?, ?, ?, ?, 0)"
                " ON CONFLICT DO NOTHING RETURNING name",
                row,
            )
            return made.fetchone() is not None

        _ensure(self._database.write(work), messages.NAME_TAKEN, f"'{name}' is known already.")

    def _begin(self, session: Session, name: str, key: str) -> None:
        at = self._at()
        session.execute("DELETE FROM session WHERE expires_at <= ?", (at,))
        session.execute(
            "UPDATE principal SET failures = 0, wait_until = NULL, last_used_at = ? WHERE name = ?",
            (at, name),
        )
        session.execute(
            "INSERT INTO session (key_hash, principal, form_key, created_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (hash_of(key), name, new_key(), at, self._at(timedelta(hours=SESSION_HOURS))),
        )

    def _note_failure(self, session: Session, name: str) -> None:
        row = session.execute(
            "UPDATE principal SET failures = failures + 1 WHERE name = ? RETURNING failures",
            (name,),
        ).fetchone()
        over = 0 if row is None else row[0] - MOST_FAILURES
        if over >= 0:
            wait = min(timedelta(seconds=30) * 2 ** min(over, 10), _LONGEST_WAIT)
            session.execute(
                "UPDATE principal SET wait_until = ? WHERE name = ?", (self._at(wait), name)
            )

    def _note_use(self, principal: Principal) -> None:
        if (principal.last_used_at or "") < self._at(-_NOTED_EVERY):
            self._database.write(
                lambda session: session.execute(
                    "UPDATE principal SET last_used_at = ? WHERE name = ?",
                    (self._at(), principal.name),
                )
            )

    def _read(self, sql: str, *arguments: str) -> Any:
        return self._database.read(lambda session: session.execute(sql, arguments).fetchone())

    def _at(self, later: timedelta = timedelta()) -> str:
        return format_instant(self._now() + later)


def _checked(password: str) -> str:
    fits = SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
    _ensure(fits, messages.WEAK_PASSWORD, "The password is too short or too long.")
    return password


def _ensure(holds: object, message: Message, text: str) -> None:
    if not holds:
        raise SettingsError(message.issue(text))
