"""How far a pull has come: versions found, deliveries planned, conflicts that wait.

What is planned is durable before anything is delivered, and no version is planned twice.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import dump, parse
from fhir_backpain.pull.change import Change
from fhir_backpain.pull.delivery import (
    Delivery,
    Finding,
    delivery_key,
    delivery_text,
    key_text,
)
from fhir_backpain.pull.instant import Instant
from fhir_backpain.pull.messages import STATE_OF_ANOTHER
from fhir_backpain.pull.plan import Conflict, Fate, Pending, Plan
from fhir_backpain.pull.state_file import StateFile


class PullState:
    """The state file of one server and sink. Every method is atomic; one process at a time.

    Raises OutboxError where the file cannot be used, SettingsError where it belongs to another
    server or sink.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = StateFile(Path(path))

    def bind(self, server: str, sink: str) -> None:
        """Tie the state to a server and sink for good."""
        with self._file.writing() as connection:
            for name, value in (("server", server), ("sink", sink)):
                connection.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, value))
                if _setting(connection, name) != value:
                    text = f"The state {self._file.path} belongs to another {name}."
                    raise SettingsError(STATE_OF_ANOTHER.issue(text))

    @property
    def server(self) -> str:
        """The server that the state belongs to; empty before the first run."""
        with self._file.reading() as connection:
            return _setting(connection, "server") or ""

    # What the server tells

    def place(self, feed: str) -> tuple[Instant | None, int]:
        """Return up to when a feed was read to its end, and how often."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT place, polls FROM feed WHERE name = ?", (feed,))
            found: tuple[Instant | None, int] = row.fetchone() or (None, 0)
            return found

    def finish(self, feed: str, place: Instant | None) -> None:
        """Note that a feed was read to its end."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO feed VALUES (?, ?, 1) ON CONFLICT (name) DO UPDATE"
                " SET place = max(ifnull(place, 0), ifnull(excluded.place, 0)), polls = polls + 1",
                (feed, place),
            )

    def forget(self, keep: Instant) -> None:
        """Drop versions that no feed can tell of again: settled ones from before `keep`."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM version WHERE instant > 0 AND instant < ? AND fate <> 'pending'",
                (keep,),
            )

    def unknown(self, changes: Sequence[Change]) -> list[Change]:
        """Return those versions that were not found before, each once."""
        first = {(change.url, change.version): change for change in reversed(changes)}
        with self._file.reading() as connection:
            return [one for one in first.values() if not _knows(connection, one)][::-1]

    def note(self, found: Iterable[tuple[Change, Fate, str]]) -> None:
        """Keep versions with their fate and the relative URL of their patient."""
        with self._file.writing() as connection:
            for change, fate, patient in found:
                _put_version(connection, change, fate, patient)

    def pending_patients(self) -> list[str]:
        """Return the patients with pending versions, the longest pending first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT patient FROM version WHERE fate = 'pending' GROUP BY patient"
                " ORDER BY min(seq)"
            )
            return [patient for (patient,) in rows]

    def pending(self, patient: str) -> list[Pending]:
        """Return a patient's resources with pending versions."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT url, version, deleted FROM version WHERE fate = 'pending' AND patient = ?"
                " ORDER BY seq",
                (patient,),
            )
            found: dict[str, Pending] = {}
            for url, version, deleted in rows:
                one = found.setdefault(url, Pending(url))
                one.versions.append(version)
                if deleted and one.deleted is None:
                    one.deleted = version
            return list(found.values())

    def adopt(self, url: str, patient: str, record: str | None) -> None:
        """Note whose a resource was, for the versions that are pending."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE version SET patient = ? WHERE url = ? AND fate = 'pending'", (patient, url)
            )
            if record is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO member VALUES (?, ?, ?)", (url, record, patient)
                )

    def set_foreign(self, url: str) -> None:
        """Give up a deleted resource of which nobody can say whose it was."""
        with self._file.writing() as connection:
            _settle(connection, url, "foreign")

    def is_settled(self, url: str, version: str) -> bool:
        """True where a version was found and has its fate."""
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT 1 FROM version WHERE url = ? AND version = ? AND fate <> 'pending'",
                (url, version),
            )
            return found.fetchone() is not None

    def fates(self) -> Counter[str]:
        """Return how many of the versions that are still remembered have each fate."""
        with self._file.reading() as connection:
            return Counter(
                dict(connection.execute("SELECT fate, count(*) FROM version GROUP BY fate"))
            )

    # What the records came to

    def member(self, url: str) -> tuple[str, str] | None:
        """Return the record and the patient that a resource belonged to when it was last seen."""
        row: tuple[str, str] | None = self._one(
            "SELECT record, patient FROM member WHERE url = ?", url
        )
        return row

    def known_content(self, record: str, entry: str) -> str | None:
        """Return the hash of what the sink was given last of a record.

        None where it was given nothing, or where `entry`, the newest of the outbox, has come
        since: then the source has gone on from there.
        """
        row = self._one("SELECT content_hash, entry FROM record WHERE key = ?", record)
        return None if row is None or row[1] != entry else str(row[0])

    def plan(self, plan: Plan, at: str) -> Counter[str]:
        """Keep what becomes of a patient's versions, all of it or nothing; count their fates."""
        fates: Counter[str] = Counter()
        with self._file.writing() as connection:
            for change, fate in plan.current.values():
                fates[fate] += _put_version(connection, change, fate, plan.patient)
            for url in [*plan.current, *plan.overtaken]:
                fates["overtaken"] += _settle(connection, url, "overtaken")
            connection.executemany(
                "INSERT OR REPLACE INTO member VALUES (?, ?, ?)",
                [(url, record, plan.patient) for url, record in plan.members.items()],
            )
            for finding, entry in plan.deliver:
                key, digest = key_text(finding.key), finding.content_hash
                _deliver(connection, key, digest, finding.to_text(), entry)
            for finding, differs in plan.park:
                _park(connection, finding, differs, at, None)
            for finding in plan.overrule:
                _park(connection, finding, [], at, "source")
        return +fates

    # What goes to the sink

    def planned(self, limit: int) -> list[Delivery]:
        """Return the next deliveries, in order."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT seq, key, body FROM delivery WHERE state = 'planned' ORDER BY seq LIMIT ?",
                (limit,),
            )
            return [Delivery(seq, key, parse(body)) for seq, key, body in rows]

    def delivered(self, seqs: Iterable[int], lengths: Mapping[str, int] | None = None) -> None:
        """Note that deliveries are at the sink, and how long its files are now."""
        with self._file.writing() as connection:
            connection.executemany(
                "UPDATE delivery SET state = 'delivered', body = NULL WHERE seq = ?",
                [(seq,) for seq in seqs],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO sink_file VALUES (?, ?)", list((lengths or {}).items())
            )

    def refused(self, seq: int) -> None:
        """Set a delivery aside that the receiver will not take."""
        with self._file.writing() as connection:
            connection.execute("UPDATE delivery SET state = 'refused' WHERE seq = ?", (seq,))

    def retry_refused(self) -> int:
        """Queue the deliveries again that were refused; return how many."""
        with self._file.writing() as connection:
            done = connection.execute(
                "UPDATE delivery SET state = 'planned' WHERE state = 'refused'"
            )
            return done.rowcount

    def delivery_counts(self) -> Counter[str]:
        """Return how many deliveries are planned, delivered and refused."""
        with self._file.reading() as connection:
            return Counter(
                dict(connection.execute("SELECT state, count(*) FROM delivery GROUP BY state"))
            )

    def length(self, path: str) -> int:
        """Return up to where a file holds deliveries that are marked as such."""
        row = self._one("SELECT length FROM sink_file WHERE path = ?", path)
        return 0 if row is None else int(row[0])

    # What a person decides

    def conflicts(self) -> list[Conflict]:
        """Return the conflicts that wait, the oldest first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT id, record, differs, body, found_at FROM conflict"
                " WHERE ruling IS NULL ORDER BY id"
            )
            return [
                Conflict(
                    number, record, tuple(parse(differs)), tuple(parse(body)["versions"]), found_at
                )
                for number, record, differs, body, found_at in rows
            ]

    def take_server(self, number: int, entry: str) -> None:
        """End a conflict: what the server says is delivered.

        `entry` is the record's newest in the outbox, empty where there is none.
        """
        with self._file.writing() as connection:
            row = connection.execute(
                "SELECT record, content_hash, body FROM conflict WHERE id = ?", (number,)
            ).fetchone()
            if row is not None:
                record, digest, finding = row
                _deliver(connection, record, digest, finding, entry)

    def take_source(self, number: int) -> None:
        """Rule that the source wins a conflict; it ends once its version is on the server."""
        with self._file.writing() as connection:
            connection.execute("UPDATE conflict SET ruling = 'source' WHERE id = ?", (number,))

    def rulings(self) -> list[str]:
        """Return the records of conflicts that the source has won and that have not ended."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT record FROM conflict WHERE ruling = 'source'")
            return [record for (record,) in rows]

    def end_conflict(self, record: str) -> None:
        """Forget the conflict of a record."""
        with self._file.writing() as connection:
            _forget_conflict(connection, record)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _one(self, sql: str, argument: str) -> Any:
        with self._file.reading() as connection:
            return connection.execute(sql, (argument,)).fetchone()


def _setting(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def _knows(connection: sqlite3.Connection, change: Change) -> bool:
    row = connection.execute(
        "SELECT 1 FROM version WHERE url = ? AND version = ?", (change.url, change.version)
    )
    return row.fetchone() is not None


def _put_version(connection: sqlite3.Connection, change: Change, fate: str, patient: str) -> int:
    """Keep a version with its fate; a settled one keeps its own. Return how many were changed."""
    done = connection.execute(
        "INSERT INTO version (url, version, instant, deleted, patient, fate)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (url, version) DO UPDATE SET fate = excluded.fate"
        " WHERE fate = 'pending'",
        (change.url, change.version, change.instant, change.resource is None, patient, fate),
    )
    return done.rowcount


def _settle(connection: sqlite3.Connection, url: str, fate: Fate) -> int:
    """Give all pending versions of a resource a fate; return how many there were."""
    return connection.execute(
        "UPDATE version SET fate = ? WHERE url = ? AND fate = 'pending'", (fate, url)
    ).rowcount


def _deliver(
    connection: sqlite3.Connection, record: str, digest: str, finding: str, entry: str
) -> None:
    row = connection.execute("SELECT revision FROM record WHERE key = ?", (record,)).fetchone()
    revision = (row[0] if row else 0) + 1
    key = delivery_key(str(_setting(connection, "server")), record, revision, digest)
    connection.execute(
        "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", (record, digest, revision, entry)
    )
    connection.execute(
        "INSERT INTO delivery (key, record, state, body) VALUES (?, ?, 'planned', ?)",
        (key, record, delivery_text(finding, key, revision)),
    )
    _forget_conflict(connection, record)


def _park(
    connection: sqlite3.Connection,
    finding: Finding,
    differs: list[str],
    at: str,
    ruling: str | None,
) -> None:
    from_json = (key_text(finding.key), finding.change, finding.content_hash, finding.to_text())
    connection.execute(
        "INSERT INTO conflict (record, change, content_hash, body, differs, found_at, ruling)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record) DO UPDATE SET"
        " change = excluded.change, content_hash = excluded.content_hash, body = excluded.body,"
        " differs = excluded.differs, ruling = excluded.ruling",
        (*from_json, dump(differs), at, ruling),
    )


def _forget_conflict(connection: sqlite3.Connection, record: str) -> None:
    connection.execute("DELETE FROM conflict WHERE record = ?", (record,))
