"""What only a file can suffer."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from store_records import record

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.sqlite import SqliteStore

SERVER = "https://fhir.example/r4"


def filled(path: Path, count: int = 200) -> None:
    with SqliteStore(path) as store:
        store.append([record(f"r{n}", f"p{n % 9}") for n in range(count)], SERVER, "m1")


def number_of(path: Path) -> int:
    with pytest.raises(OutboxError) as caught:
        SqliteStore(path)
    return caught.value.issues[0].number


def pragma(store: SqliteStore, text: str) -> Any:
    return store.database.read(lambda session: session.execute(f"PRAGMA {text}").fetchone()[0])


def test_every_commit_is_on_disk_first(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "o.db") as store:
        assert pragma(store, "synchronous") == 2
        assert pragma(store, "journal_mode") == "wal"


def test_the_file_and_its_locks_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with SqliteStore(path) as store:
        store.append([record("r1")], SERVER, "m1")
        store.lease(SERVER, "w", 1, 60)
        assert path.stat().st_mode & 0o077 == 0
        assert Path(f"{path}-workers").stat().st_mode & 0o077 == 0
    assert [item.name for item in tmp_path.iterdir()] == ["o.db"]


@pytest.mark.parametrize("content", [b"", b"not a database at all, just text" * 100])
def test_what_is_no_outbox_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "o.db"
    path.write_bytes(content)
    assert number_of(path) == 5002
    assert path.read_bytes() == content


def test_another_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (a)")
    connection.close()
    assert number_of(path) == 5001


@pytest.mark.parametrize("where", [0, 100, 9000, 40_000])
def test_a_damaged_file_is_refused_and_not_remade(tmp_path: Path, where: int) -> None:
    path = tmp_path / "o.db"
    filled(path)
    damaged = bytearray(path.read_bytes())
    damaged[where : where + 4000] = b"\xa5" * 4000
    path.write_bytes(damaged)
    assert number_of(path) in (5001, 5002)
    assert path.read_bytes() == bytes(damaged)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    filled(path)
    path.write_bytes(path.read_bytes()[: 8192 + 100])
    assert number_of(path) == 5002


def test_a_log_without_its_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "o.db-wal").write_bytes(b"log")
    assert number_of(tmp_path / "o.db") == 5002


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE outbox_version SET version_num = '0099'")
    connection.close()
    assert number_of(path) == 5003


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert number_of(tmp_path / "no" / "o.db") == 5006


def test_a_locked_outbox_acknowledges_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    filled(path, 1)
    with SqliteStore(path, busy_seconds=0.05) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutboxError) as caught:
            store.append([record("r9")], SERVER, "m1")
        other.execute("ROLLBACK")
        other.close()
        assert caught.value.issues[0].code == "lock-error"
        assert store.append([record("r9")], SERVER, "m1")[0].status == "queued"


def test_a_full_disk_acknowledges_nothing_and_drains_later(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "o.db") as store:
        store.append([record("r0")], SERVER, "m1")
        pragma(store, f"max_page_count = {pragma(store, 'page_count')}")
        with pytest.raises(OutboxError) as caught:
            store.append([record(f"r{n}", pad="x" * 4000) for n in range(50)], SERVER, "m1")
        assert caught.value.issues[0].code == "no-store"
        assert store.counts()["queued"] == 1
        pragma(store, "max_page_count = 1000000")
        assert len(store.append([record("r2")], SERVER, "m1")) == 1


def test_a_closed_outbox_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "o.db")
    store.close()
    store.close()
    with pytest.raises(OutboxError):
        store.counts()


def test_a_copy_of_file_and_log_opens_with_all_that_was_acknowledged(tmp_path: Path) -> None:
    path, copies = tmp_path / "o.db", tmp_path / "copies"
    copies.mkdir()
    with SqliteStore(path) as store:
        for number in range(5):
            store.append([record(f"r{number}")], SERVER, "m1")
            for part in ("", "-wal"):
                shutil.copy(f"{path}{part}", copies / f"{number}.db{part}")
    for number in range(5):
        with SqliteStore(copies / f"{number}.db") as copied:
            assert copied.counts()["queued"] == number + 1


def test_the_leases_of_a_killed_process_are_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    filled(path, 3)
    script = (
        "import sys, time\n"
        "from fhir_backpain.outbox.sqlite import SqliteStore\n"
        "store = SqliteStore(sys.argv[1])\n"
        "print(len(store.lease(sys.argv[2], 'w', 9, 3600)), flush=True)\n"
        "time.sleep(600)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", script, str(path), SERVER],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "3\n"
    with SqliteStore(path) as store:
        assert store.lease(SERVER, "w2", 9, 60) == []
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        leased = store.lease(SERVER, "w2", 9, 60)
        assert [one.read_back for one in leased] == [True] * 3
        done = [Settlement(one.entry.id, one.token, "sent") for one in leased]
        assert store.settle(SERVER, done) == frozenset()


def test_two_processes_can_make_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    script = (
        "import sys\n"
        "from fhir_backpain.outbox.sqlite import SqliteStore\n"
        "SqliteStore(sys.argv[1]).close()\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=Path(__file__).parents[2])
        for _ in range(4)
    ]
    assert [worker.wait() for worker in workers] == [0] * 4
    with SqliteStore(path) as store:
        assert store.counts()["queued"] == 0
    assert [item.name for item in tmp_path.iterdir()] == ["o.db"]
