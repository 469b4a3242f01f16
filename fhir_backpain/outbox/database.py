"""What the outbox needs of a database, so that its rules are written once for all of them.

Statements are written with `?` for each parameter, in the part of SQL that SQLite and PostgreSQL
share; where they differ, a `Session` has the text. Flags are 0 and 1 in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

Result = TypeVar("Result")
Columns = Mapping[str, type[int] | type[float] | type[str]]
Counter = Literal["entry", "token", "turn"]


class Given(NamedTuple):
    """Rows of the program as a table of a statement: its text, and its parameters."""

    sql: str
    parameters: list[Any]


class Rows(Protocol):
    """The answer to a statement."""

    def fetchone(self) -> Any:
        """Return the next row, None where there is none."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""


class Session(Protocol):
    """A connection while one thread has it, within a transaction or for queries."""

    lock: str
    """Stands at the end of a SELECT: its rows wait for, and are kept from, other writers."""
    lock_free: str
    """The same, but rows that another writer has are left out."""
    current_turn: str
    """An expression: the turn that was given last."""
    open_entries: str
    """Columns, patients in order (`place`, `patient`) and a limit: the first entries of each."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement."""

    def given(self, columns: Columns, rows: Iterable[Sequence[Any]]) -> Given:
        """Return rows as a table whose columns are named and typed."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows."""

    def take_numbers(self, counter: Counter, count: int) -> Sequence[int]:
        """Return numbers that no one had and no one else gets, each larger than the last."""

    def announce(self, server: str) -> None:
        """Tell the workers of all processes, once the transaction is durable, of new work."""


class Database(Protocol):
    """An open outbox. Raises OutboxError where the database fails."""

    def write(self, work: Callable[[Session], Result]) -> Result:
        """Return what `work` returns once all it did is durable; nothing of it is, if it raises.

        `work` may be run again where the database asks for it.
        """

    def read(self, work: Callable[[Session], Result]) -> Result:
        """Return what `work` returns, which only reads."""

    def survey(self, work: Callable[[Session], Result]) -> Result:
        """Return what `work` returns, which reads at length; all of it is of one moment.

        Nobody is kept from reading or writing meanwhile.
        """

    def close(self) -> None:
        """Close the database; closing twice is no error."""


class Presence(Protocol):
    """The proof that a worker is alive, for as long as it is open; `id` names the worker."""

    id: str

    def gone(self, session: Session, holders: Sequence[str]) -> list[str]:
        """Return those of some workers that are known to run no longer."""

    def close(self) -> None:
        """Leave; the leases of this worker are free from now on."""


def among(session: Session, kind: type[int] | type[str], values: Iterable[Any]) -> Given:
    """Return the condition of being one of some values: ``IN (...)``."""
    table = session.given({"item": kind}, [(value,) for value in values])
    return Given(f"IN (SELECT item FROM {table.sql} listed)", table.parameters)  # noqa: S608
