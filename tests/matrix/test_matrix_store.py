"""The rows of the fault matrix that the outbox answers for, on a file and on PostgreSQL."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import OutboxError
from fhir_backpain.gateway.problem import STATUS
from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.postgres import PostgresStore
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher
from servers.postgres import PostgresCluster
from tests.matrix.store_worker import SERVER
from tests.store.store_records import record
from tests.unit.sync.sync_world import PlainRenderer
from tests.unit.sync.sync_world import record as sync_record

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BOTH = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an outbox that is not there yet will be."""
    if kind == "sqlite":
        return str(tmp_path / "outbox.db")
    url: str = request.getfixturevalue("postgres").create_database()
    return url


@pytest.fixture
def cluster(postgres: object) -> Iterator[PostgresCluster]:
    """A PostgreSQL server of the test's own, which it may treat badly."""
    with PostgresCluster() as server:
        yield server


class Worker:
    """A process of `store_worker`."""

    def __init__(self, what: str, *arguments: str, environment: dict[str, str] | None = None):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.matrix.store_worker", what, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def rest(self) -> list[str]:
        lines, _ = self.process.communicate(timeout=120)
        return lines.splitlines()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def names(store: SqlStore) -> set[str]:
    return {one.key.id for one in store.entries(limit=100_000)}


def drain(store: SqlStore) -> int:
    done = 0
    while leased := store.lease(SERVER, "w", 100, 60):
        assert not store.settle(
            SERVER, [Settlement(one.entry.id, one.token, "sent") for one in leased]
        )
        done += len(leased)
    return done


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


@BOTH
def test_row_04_a_worker_that_stood_still_past_its_lease_is_fenced(place: str) -> None:
    with ExitStack() as stack, open_store(place) as store:
        store.append([record("r1"), record("r2")], SERVER, "m1")
        worker = stack.enter_context(Worker("hold", place, "2"))
        assert worker.line() == "leased 2"
        worker.process.send_signal(signal.SIGSTOP)
        assert store.lease(SERVER, "other", 99, 60) == []
        time.sleep(2.5)
        leased = store.lease(SERVER, "other", 99, 60)
        assert [one.read_back for one in leased] == [True, True]
        assert not store.settle(
            SERVER, [Settlement(one.entry.id, one.token, "sent") for one in leased]
        )
        worker.process.send_signal(signal.SIGCONT)
        worker.go_on()
        assert worker.line() == "lost 1 fenced 2"
        assert store.ledger(SERVER, ["Observation/a"]) == {}


@BOTH
def test_row_05_two_workers_on_one_database_claim_each_row_once(place: str) -> None:
    patients, records = 60, 400
    with open_store(place) as store:
        store.append((record(f"r{n:04}", f"p{n % patients}") for n in range(records)), SERVER, "m1")
        with Worker("claim_all", place) as one, Worker("claim_all", place) as two:
            for worker in (one, two):
                assert worker.line() == "ready"
            for worker in (one, two):
                worker.go_on()
            claimed = [worker.rest() for worker in (one, two)]
        assert all(claimed)
        times = Counter(line for lines in claimed for line in lines)
        assert len(times) == records
        assert set(times.values()) == {1}
        assert store.counts()["sent"] == records
        for lines in claimed:
            by_patient = defaultdict(list)
            for line in lines:
                patient, name = line.split()
                by_patient[patient].append(name)
            assert all(order == sorted(order) for order in by_patient.values())


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount on this system")
    if done.returncode:
        pytest.skip(f"a small disk needs the right to mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all room of a disk."""
    path = folder / "filler"
    try:
        with path.open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 65536)
    except OSError:
        return path


def ensure_full_disk_is_told(store: SqlStore, disk: Path) -> None:
    store.append([record("r0")], SERVER, "m1")
    filler = fill(disk)
    refused, before = list[OutboxError](), 0
    for number in range(1, 400):
        batch = [record(f"r{number}-{part}", pad=os.urandom(4000).hex()) for part in range(9)]
        before = store.counts()["queued"]
        try:
            store.append(batch, SERVER, "m1")
        except OutboxError as error:
            refused.append(error)
            break
    assert store.counts()["queued"] == before
    assert [one.issues[0].code for one in refused] == ["no-store"]
    assert STATUS["no-store"] == 507
    acknowledged = store.counts()["queued"]
    filler.unlink()
    store.append([record("last")], SERVER, "m1")
    assert drain(store) == acknowledged + 1


def test_row_06_a_full_disk_is_507_and_drains_later_sqlite(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk, SqliteStore(disk / "o.db") as store:
        ensure_full_disk_is_told(store, disk)


def test_row_06_a_full_disk_is_507_and_drains_later_postgres(
    cluster: PostgresCluster, tmp_path: Path
) -> None:
    import psycopg

    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(cluster.folder / "disk", 24))
        tables = disk / "tables"
        tables.mkdir()
        os.chown(tables, cluster.user, -1)
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
            connection.execute("CREATE DATABASE small TABLESPACE small")
        stack.callback(cluster.stop, "immediate")
        with PostgresStore(cluster.url("small")) as store:
            ensure_full_disk_is_told(store, disk)


@pytest.fixture
def failing_fsync() -> Iterator[Path]:
    """A library that lets fsync fail with EIO, in a folder that every user may read.

    Not below `tmp_path`: its parents are closed to the user that PostgreSQL runs as, and a
    library that the loader cannot read is left out without failing anything.
    """
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a failing fsync needs a C compiler and Linux")
    with tempfile.TemporaryDirectory(prefix="fbp-fsync-") as folder:
        Path(folder).chmod(0o755)
        library = Path(folder) / "failing_fsync.so"
        source = HERE / "failing_fsync.c"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        yield library


def test_row_07_a_failing_fsync_is_no_acknowledgement_sqlite(
    tmp_path: Path, failing_fsync: Path
) -> None:
    place, broken = str(tmp_path / "o.db"), failing_fsync.with_name("broken")
    with open_store(place) as store:
        store.append([record("r0")], SERVER, "m1")
    broken.touch()
    shim = {"LD_PRELOAD": str(failing_fsync), "FBP_BROKEN": str(broken)}
    with Worker("append", place, "3", environment=shim) as worker:
        lines = worker.rest()
    broken.unlink()
    assert [line.split()[0] for line in lines] == ["refused"] * 3
    with open_store(place) as store:
        store.append([record("r9")], SERVER, "m1")
        assert {"r0", "r9"} <= names(store)


def test_row_07_a_failing_fsync_is_no_acknowledgement_postgres(
    postgres: object, failing_fsync: Path
) -> None:
    broken = failing_fsync.with_name("broken")
    shim = {"LD_PRELOAD": str(failing_fsync), "FBP_BROKEN": str(broken)}
    with PostgresCluster(environment=shim) as server:
        url = server.create_database()
        with PostgresStore(url, busy_seconds=1) as store:
            store.append([record("r0")], SERVER, "m1")
            broken.touch()
            with pytest.raises(OutboxError) as caught:
                store.append([record("r1")], SERVER, "m1")
            assert caught.value.issues[0].code == "transient"
            broken.unlink()
        server.restart()
        with PostgresStore(url, busy_seconds=20) as store:
            store.append([record("r2")], SERVER, "m1")
            assert {"r0", "r2"} <= names(store)


def test_row_08_a_locked_database_acknowledges_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with SqliteStore(path, busy_seconds=0.1) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutboxError) as caught:
            store.append([record("r1")], SERVER, "m1")
        assert caught.value.issues[0].code == "lock-error"
        other.execute("ROLLBACK")
        other.close()
        assert names(store) == set()
        assert store.append([record("r1")], SERVER, "m1")[0].status == "queued"


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_row_08_a_restarted_server_loses_nothing_that_was_acknowledged(
    cluster: PostgresCluster, mode: str
) -> None:
    url = cluster.create_database()
    acknowledged: list[str] = []
    stop = threading.Event()

    with PostgresStore(url, busy_seconds=20) as store:
        store.append([record("leased", "other")], SERVER, "m1")
        (leased,) = store.lease(SERVER, "w", 1, 600)

        def append() -> None:
            while not stop.is_set():
                name = f"r{len(acknowledged)}"
                receipts = store.append([record(name)], SERVER, "m1")
                assert [one.status for one in receipts] == ["queued"]
                acknowledged.append(name)

        thread = threading.Thread(target=append)
        thread.start()
        for _ in range(2):
            before = len(acknowledged)
            assert wait_until(lambda: len(acknowledged) > before + 5)  # noqa: B023
            cluster.restart(mode)  # type: ignore[arg-type]
        before = len(acknowledged)
        assert wait_until(lambda: len(acknowledged) > before + 5)
        stop.set()
        thread.join()
        # What the server had taken when the connection broke was not stored a second time.
        assert sorted(names(store)) == sorted([*acknowledged, "leased"])
        # The lease outlived the server.
        assert not store.settle(SERVER, [Settlement(leased.entry.id, leased.token, "sent")])


def test_row_08_a_server_that_stays_away_is_no_acknowledgement(cluster: PostgresCluster) -> None:
    with PostgresStore(cluster.create_database(), busy_seconds=0.5) as store:
        cluster.stop()
        with pytest.raises(OutboxError) as caught:
            store.append([record("r1")], SERVER, "m1")
        assert STATUS[caught.value.issues[0].code] == 503
        cluster.start()
        assert names(store) == set()
        assert store.append([record("r1")], SERVER, "m1")[0].status == "queued"


@BOTH
def test_row_09_polling_drains_what_no_notification_told_of(place: str) -> None:
    """The dispatcher does not listen at all: as if every notification were lost."""
    with SandboxServer() as server, FhirClient(server.base_url) as client, ExitStack() as stack:
        gateway, other = (stack.enter_context(open_store(place)) for _ in range(2))
        dispatcher = Dispatcher(gateway, client, PlainRenderer())
        thread = threading.Thread(target=dispatcher.run_forever, args=(0.2,))
        thread.start()
        try:
            for number in range(3):
                other.append([sync_record(f"r{number}")], dispatcher.server, "mapping-1")
                assert wait_until(
                    lambda: other.counts(dispatcher.server)["sent"] == number + 1  # noqa: B023
                )
        finally:
            dispatcher.stop()
            thread.join()


def test_row_09_a_notification_wakes_and_comes_back_after_a_cut(postgres: object) -> None:
    url: str = postgres.create_database()  # type: ignore[attr-defined]
    woken = threading.Event()
    with PostgresStore(url) as store, PostgresStore(url) as other:
        with store.watch(SERVER, woken.set):
            other.append([record("r1")], SERVER, "m1")
            assert woken.wait(30)
            woken.clear()
            other.database.write(
                lambda session: session.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    "  AND query LIKE 'LISTEN%'"
                ).fetchall()
            )
            # What was said while nobody heard it is made good by a wake on coming back.
            assert woken.wait(30)
            woken.clear()
            other.append([record("r2")], SERVER, "m1")
            assert woken.wait(30)
        woken.clear()
        other.append([record("r3")], "another server", "m1")
        assert not woken.wait(0.2)


@pytest.mark.parametrize("where", [0, 5000, 20_000])
def test_row_10_a_corrupt_file_is_refused_and_never_remade(tmp_path: Path, where: int) -> None:
    path = tmp_path / "o.db"
    with SqliteStore(path) as store:
        store.append([record(f"r{n}") for n in range(200)], SERVER, "m1")
    damaged = bytearray(path.read_bytes())
    damaged[where : where + 4000] = b"\xa5" * 4000
    path.write_bytes(damaged)
    with pytest.raises(OutboxError) as caught:
        SqliteStore(path)
    assert caught.value.issues[0].number in (5001, 5002)
    assert path.read_bytes() == bytes(damaged)


def test_row_10_a_corrupt_table_is_refused_and_never_remade(cluster: PostgresCluster) -> None:
    url = cluster.create_database()
    with PostgresStore(url) as store:
        store.append([record("r1")], SERVER, "m1")
        (relation,) = store.database.read(
            lambda session: session.execute(
                "SELECT pg_relation_filepath('outbox_version')"
            ).fetchone()
        )
    cluster.stop()
    file = cluster.folder / "data" / relation
    damaged = bytearray(file.read_bytes())
    damaged[100:8000] = b"\xa5" * 7900
    file.write_bytes(damaged)
    cluster.start()
    with pytest.raises(OutboxError) as caught:
        PostgresStore(url)
    assert caught.value.issues[0].number == 5002
    cluster.stop()
    assert file.read_bytes() == bytes(damaged)


def test_row_11_a_file_and_its_log_copied_at_random_instants_hold_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "o.db"
    SqliteStore(path).close()
    chance = random.Random(11)
    with Worker("append", str(path), "100000", "2000") as worker:
        acknowledged: set[str] = set()
        for number in range(20):
            for _ in range(chance.randrange(1, 30)):
                acknowledged.add(worker.line().split()[1])
            worker.process.send_signal(signal.SIGSTOP)
            copied = tmp_path / f"copy-{number}.db"
            for part in ("", "-wal"):
                shutil.copy(f"{path}{part}", f"{copied}{part}")
            worker.process.send_signal(signal.SIGCONT)
            with SqliteStore(copied) as store:
                assert acknowledged <= names(store)


def test_row_11_a_cluster_copied_at_random_instants_holds_what_was_acknowledged(
    cluster: PostgresCluster,
) -> None:
    url = cluster.create_database("copied")
    PostgresStore(url).close()
    chance = random.Random(11)
    acknowledged: set[str] = set()
    with Worker("append", url, "100000") as worker:
        for number in range(2):
            for _ in range(chance.randrange(20, 80)):
                acknowledged.add(worker.line().split()[1])
            copied = copy_of(cluster, f"copy-{number}")
            with PostgresCluster(copied) as again, PostgresStore(again.url("copied")) as store:
                assert acknowledged <= names(store)


def copy_of(cluster: PostgresCluster, name: str) -> Path:
    """Copy all files of a cluster while its processes stand still."""
    folder = cluster.folder / name
    folder.mkdir()
    processes = [cluster.pid, *children(cluster.pid)]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        shutil.copytree(cluster.folder / "data", folder / "data")
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
    (folder / "data" / "postmaster.pid").unlink()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, cluster.user, -1)
    (folder / "data").chmod(0o700)
    return folder


def children(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return [int(line) for line in listed.stdout.split()]


@BOTH
@pytest.mark.parametrize("statement", [1, 4, 12, 18])
def test_row_12_a_migration_that_was_killed_half_way_is_run_again(
    place: str, statement: int
) -> None:
    with Worker("die_in_migration", place, str(statement)) as worker:
        assert worker.rest() == []
        assert worker.process.returncode == -signal.SIGKILL
    with open_store(place) as store:
        store.append([record("r1")], SERVER, "m1")
        assert drain(store) == 1


@pytest.mark.parametrize("statement", [1, 2, 3])
def test_row_12_a_killed_migration_of_a_released_outbox_loses_nothing(
    tmp_path: Path, statement: int
) -> None:
    path = tmp_path / "o.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((ROOT / "tests/store/released_0001.sql").read_text("utf-8"))
    connection.close()
    with Worker("die_in_migration", str(path), str(statement)) as worker:
        assert worker.rest() == []
    with SqliteStore(path) as store:
        assert len(store.entries()) == 10


@BOTH
def test_row_12_an_older_program_refuses_a_newer_schema(place: str) -> None:
    with open_store(place) as store:
        store.append([record("r1")], SERVER, "m1")
        store.database.write(
            lambda session: session.execute("UPDATE outbox_version SET version_num = '0099'")
        )
    with pytest.raises(OutboxError) as caught:
        open_store(place)
    assert caught.value.issues[0].number == 5003


@pytest.mark.parametrize("hours", [24, -24])
def test_row_32_a_jump_of_the_servers_clock_touches_no_lease(postgres: object, hours: int) -> None:
    """The correction is moved in place of the clock: the sum of both is what workers see."""
    url: str = postgres.create_database()  # type: ignore[attr-defined]
    with PostgresStore(url) as mine:
        mine.append([record("r1"), record("q1", "q")], SERVER, "m1")
        first, second = mine.lease(SERVER, "w", 2, 60)
        mine.settle(SERVER, [Settlement(second.entry.id, second.token, "queued", wait=600)])
        mine.database.write(
            lambda session: session.execute("UPDATE clock SET ahead = ahead + ?", (hours * 3600,))
        )
        time.sleep(1.1)  # the next look at the clock
        assert mine.renew(SERVER, {first.token}, 60) == frozenset()
        with PostgresStore(url) as other:
            assert other.lease(SERVER, "w2", 9, 60) == []
            assert 500 < other.entry(second.entry.id).retry_in <= 600
        assert mine.settle(SERVER, [Settlement(first.entry.id, first.token, "sent")]) == frozenset()


def test_row_32_a_jump_of_the_wall_clock_touches_no_lease_of_a_file(tmp_path: Path) -> None:
    from datetime import timedelta

    from tests.store.store_records import HandClock

    clock = HandClock()
    for hours in (24, -24):
        path = tmp_path / f"{hours}.db"
        with SqliteStore(path, clock=clock) as mine, SqliteStore(path, clock=clock) as other:
            mine.append([record("r1"), record("q1", "q")], SERVER, "m1")
            first, second = mine.lease(SERVER, "w", 2, 60)
            mine.settle(SERVER, [Settlement(second.entry.id, second.token, "queued", wait=30)])
            clock.wall += timedelta(hours=hours)
            assert other.lease(SERVER, "w2", 9, 60) == []
            assert other.entry(second.entry.id).retry_in == 30
            assert not mine.settle(SERVER, [Settlement(first.entry.id, first.token, "sent")])
