"""What only a PostgreSQL outbox can suffer."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from store_records import record

from fhir_backpain.errors import BackpainError, OutboxError
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.opening import open_store, shown_place
from fhir_backpain.outbox.postgres import PostgresStore

ROOT = Path(__file__).parents[2]
SERVER = "https://fhir.example/r4"
SECRET = "s3cret-of-the-clinic"


@pytest.fixture
def url(postgres: Any) -> str:
    made: str = postgres.create_database()
    return made


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    with PostgresStore(url) as opened:
        yield opened


def setting(store: PostgresStore, name: str) -> str:
    return str(store.database.read(lambda session: session.execute(f"SHOW {name}").fetchone()[0]))


def test_every_commit_is_on_the_servers_disk_first(store: PostgresStore) -> None:
    assert setting(store, "synchronous_commit") == "on"
    assert setting(store, "search_path") == '"fhir_backpain_outbox"'


@pytest.mark.parametrize(
    ("place", "number"),
    [
        (f"postgresql://clinic:{SECRET}@127.0.0.1:1/outbox", 5010),
        (f"postgresql://clinic:{SECRET}@127.0.0.1:port/outbox", 5010),
        (f"postgresql://clinic@127.0.0.1:1/outbox?password={SECRET}", 5010),
        (f"postgresql://clinic:{SECRET}@127.0.0.1/outbox?nothing=known", 5013),
        (f"postgresql://clinic:{SECRET}@[::1/outbox", 5013),
    ],
)
def test_a_password_is_never_shown(
    place: str, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BackpainError) as caught:
        PostgresStore(place, busy_seconds=0)
    assert caught.value.issues[0].number == number
    told = "".join(traceback.format_exception(caught.value, chain=True)).replace(place, "")
    settings = GatewaySettings("http://127.0.0.1/fhir", place)
    assert SECRET not in "".join([told, caplog.text, repr(settings), str(caught.value)])


def test_a_place_is_shown_without_its_password(url: str) -> None:
    with_secret = url.replace("@", f":{SECRET}@", 1)
    with PostgresStore(with_secret) as store:
        assert SECRET not in repr(store) + str(store.address) + repr(store.address)
    assert SECRET not in shown_place(with_secret)


def test_without_the_driver_the_next_step_is_told() -> None:
    script = (
        "import sys\n"
        "sys.modules['psycopg'] = None\n"
        "from fhir_backpain.errors import OutboxError\n"
        "from fhir_backpain.outbox.opening import open_store\n"
        "try:\n"
        "    open_store('postgresql://127.0.0.1/outbox')\n"
        "except OutboxError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "FBP-5011" in done.stdout
    assert "pip install 'fhir-backpain[postgres]'" in done.stdout


@pytest.mark.parametrize("was_stored", [True, False])
def test_what_became_of_a_commit_whose_answer_was_lost_is_found_out(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, was_stored: bool
) -> None:
    """The answer of one COMMIT is lost, after or before the server has done it."""
    store.append([record("r0")], SERVER, "m1")
    execute, lost = psycopg.Connection.execute, []

    def losing(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if query != "COMMIT" or lost:
            return execute(self, query, *arguments, **options)
        lost.append(query)
        if was_stored:
            execute(self, query)
        self.close()
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(psycopg.Connection, "execute", losing)
    receipts = store.append([record("r1")], SERVER, "m1")
    assert lost
    assert [one.status for one in receipts] == ["queued"]
    assert [one.key.id for one in store.entries()] == ["r0", "r1"]
    assert store.entry(receipts[0].id).state == "queued"


def test_the_leases_of_a_killed_process_are_free_after_a_moment(
    store: PostgresStore, url: str
) -> None:
    store.append([record(f"r{n}", f"p{n}") for n in range(3)], SERVER, "m1")
    script = (
        "import sys, time\n"
        "from fhir_backpain.outbox.postgres import PostgresStore\n"
        "store = PostgresStore(sys.argv[1])\n"
        "print(len(store.lease(sys.argv[2], 'w', 9, 3600)), flush=True)\n"
        "time.sleep(600)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", script, url, SERVER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "3\n"
    assert store.lease(SERVER, "w2", 9, 60) == []
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    leased: list[Any] = []
    end = time.monotonic() + 30
    while not leased and time.monotonic() < end:
        leased = store.lease(SERVER, "w2", 9, 60)
    assert [one.read_back for one in leased] == [True] * 3


def test_a_worker_whose_connection_was_cut_keeps_its_leases(store: PostgresStore, url: str) -> None:
    store.append([record("r1")], SERVER, "m1")
    (mine,) = store.lease(SERVER, "w", 1, 600)
    with PostgresStore(url) as other:
        other.database.write(
            lambda session: session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        )
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert other.lease(SERVER, "w2", 9, 60) == []
            time.sleep(0.1)
    assert not store.settle(SERVER, [Settlement(mine.entry.id, mine.token, "sent")])


def test_many_threads_share_patients_and_resources_without_a_deadlock(url: str) -> None:
    with PostgresStore(url) as one, PostgresStore(url) as two:
        stop = threading.Event()

        def append(store: PostgresStore, name: str) -> int:
            for number in range(15):
                # The patients in another order each time.
                batch = [record(f"{name}{number}", f"p{(number * 7 + n) % 9}") for n in range(9)]
                store.append(batch, SERVER, "m1")
            return 15 * 9

        def send(store: PostgresStore) -> int:
            done = 0
            while not stop.is_set() or store.counts()["queued"]:
                leased = store.lease(SERVER, "w", 20, 60)
                urls = [f"Patient/{n}" for n in range(5)]
                rows = [
                    LedgerRow(url, "h", "1", item.entry.key, "2024-05-01", "", shared=True)
                    for item, url in zip(leased, (urls * 9)[done % 5 :], strict=False)
                ]
                settled = [Settlement(item.entry.id, item.token, "sent") for item in leased]
                assert not store.settle(SERVER, settled, rows)
                done += len(leased)
            return done

        with ThreadPoolExecutor(6) as pool:
            writers = [pool.submit(append, store, name) for store, name in
                       ((one, "a"), (two, "b"), (one, "c"), (two, "d"))]  # fmt: skip
            senders = [pool.submit(send, store) for store in (one, two)]
            appended = sum(writer.result() for writer in writers)
            stop.set()
            sent = sum(sender.result() for sender in senders)
        counts = one.counts()
        assert sent == counts["sent"]
        assert counts["sent"] + counts["superseded"] == appended
        assert counts["queued"] == counts["unclear"] == 0


def test_a_text_that_cannot_be_kept_names_no_value(store: PostgresStore) -> None:
    with pytest.raises(OutboxError) as caught:
        store.append([record("Mrs Example\0")], SERVER, "m1")
    assert caught.value.issues[0].number == 5012
    assert "Example" not in str(caught.value)
    assert store.counts()["queued"] == 0


def test_the_order_of_urls_is_that_of_their_characters_in_any_language(
    postgres: Any,
) -> None:
    place = postgres.create_database()
    with psycopg.connect(place, autocommit=True) as connection:
        database = connection.info.dbname
        name = f"{database}_icu"
        try:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu"  # type: ignore[arg-type]
                " ICU_LOCALE 'en-US' LOCALE 'C'"
            )
        except psycopg.Error:
            pytest.skip("this PostgreSQL has no languages")
    with PostgresStore(place.replace(database, name)) as store:
        store.append([record("r1")], SERVER, "m1")
        (one,) = store.lease(SERVER, "w", 1, 60)
        urls = [f"Observation/{letter}" for letter in "aBcD_-1"]
        rows = [LedgerRow(url, "h", "1", one.entry.key, "2024-05-01", "") for url in urls]
        store.settle(SERVER, [Settlement(one.entry.id, one.token, "sent")], rows)
        assert list(store.ledger_urls(SERVER)) == sorted(urls)
        assert [row.url for row in store.ledger_of(SERVER, [one.entry.key])] == sorted(urls)


def test_two_processes_can_make_the_same_outbox(url: str) -> None:
    script = (
        "import sys\n"
        "from fhir_backpain.outbox.postgres import PostgresStore\n"
        "PostgresStore(sys.argv[1]).close()\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script, url], cwd=ROOT) for _ in range(4)]
    assert [worker.wait() for worker in workers] == [0] * 4
    with PostgresStore(url) as store:
        assert store.counts()["queued"] == 0


def test_nobody_waits_for_a_worker_that_stands_still_in_a_transaction(
    store: PostgresStore, url: str
) -> None:
    store.append([record("a1", "a"), record("b1", "b")], SERVER, "m1")
    still, go_on = threading.Event(), threading.Event()

    def stand(session: Any) -> None:
        session.execute("SELECT 1 FROM patient WHERE value = 'a' FOR UPDATE")
        still.set()
        go_on.wait(30)

    thread = threading.Thread(target=store.database.write, args=(stand,))
    thread.start()
    assert still.wait(30)
    with PostgresStore(url) as other:
        assert [one.entry.key.id for one in other.lease(SERVER, "w", 9, 60)] == ["b1"]
        go_on.set()
        thread.join()
        assert [one.entry.key.id for one in other.lease(SERVER, "w", 9, 60)] == ["a1"]


def test_a_closed_outbox_says_so(url: str) -> None:
    store = open_store(url)
    store.close()
    store.close()
    with pytest.raises(OutboxError):
        store.counts()


def test_a_look_that_finds_nothing_writes_nothing(store: PostgresStore) -> None:
    """A poll that finds nothing costs the server no transaction id."""

    def look() -> str:
        query = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
        return str(store.database.read(lambda session: session.execute(query).fetchone()[0]))

    assert store.lease(SERVER, "w", 9, 60) == []
    looks = []
    for _ in range(3):  # the server's own upkeep may take an id meanwhile
        before = look()
        for _ in range(5):
            assert store.lease(SERVER, "w", 9, 60) == []
        looks.append((before, look()))
    assert any(before == after for before, after in looks)
