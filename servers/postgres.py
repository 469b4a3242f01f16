"""A PostgreSQL server of one's own: in a temporary folder, on a Unix socket, gone when closed.

    with PostgresCluster() as cluster:
        url = cluster.create_database("outbox")

It writes to the disk before it answers (fsync is on), as a clinic's server does. Where this
program runs as root, which PostgreSQL refuses, the server runs as another user.
FHIR_BACKPAIN_POSTGRES_URL names a server that runs already, in which databases may be made.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from fhir_backpain.toolchain.problem import TOOL_MISSING, CounterpartError, ToolMissingError
from servers.problem import NOT_STARTED

VARIABLE = "FHIR_BACKPAIN_POSTGRES_URL"
StopMode = Literal["fast", "immediate", "kill"]
_SIGNALS: dict[StopMode, signal.Signals] = {
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
    "kill": signal.SIGKILL,
}
_USER = "outbox"
_PATIENCE = 30.0
_SETTINGS = {
    "listen_addresses": "", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
    "max_connections": "150", "shared_buffers": "64MB", "log_min_messages": "warning",
    "restart_after_crash": "off",
}  # fmt: skip
# The server ends when this program does, however it ends: its standard input is then closed.
_GUARD = """
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(read -r _ <&3; kill -QUIT $server) 2>/dev/null &
wait $server
"""


class PostgresCluster:
    """A server with its own files. Raises ToolMissingError where PostgreSQL is not installed.

    `folder` is where its files go, or are already; a temporary folder where it is left out.
    `environment` is added to that of the server. CounterpartError where it does not start.
    """

    def __init__(
        self, folder: Path | None = None, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._programs = _programs()
        self._environment = environment or {}
        self._owned = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="fbp-pg-")) if folder is None else folder
        self.log = self.folder / "server.log"
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._account = _account()
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        try:
            if not self._data.exists():
                self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def user(self) -> int:
        """The user id that the server runs as."""
        return os.geteuid() if self._account is None else self._account.pw_uid

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def create_database(self, name: str | None = None) -> str:
        """Make a database and return its URL."""
        return _create_database(self.url("postgres"), name)

    def start(self) -> None:
        """Start the server and wait until it answers; nothing where it runs."""
        if self._process is not None:
            return
        settings = [part for item in _SETTINGS.items() for part in ("-c", "=".join(item))]
        server = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self.folder)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", _GUARD, "guard", *server, *settings],
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
                cwd=self.folder, **self._identity(self._environment),
            )  # fmt: skip
        self._wait_until_ready(self._process)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server: orderly, at once, or by kill -9; nothing where it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(OSError, ValueError, IndexError):
                os.kill(self.pid, _SIGNALS[mode])
        assert process.stdin is not None
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdin.close()

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop the server and start it again, with the same files."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop the server and remove its files."""
        self.stop("immediate")
        if self._owned:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make(self) -> None:
        done = subprocess.run(  # noqa: S603
            [str(self._programs / "initdb"), "-D", str(self._data), "-U", _USER, "--auth=trust",
             "--encoding=UTF8", "--no-locale", "--no-sync", "--data-checksums"],
            capture_output=True, text=True, check=False, cwd=self.folder, **self._identity(),
        )  # fmt: skip
        if done.returncode:
            raise CounterpartError(NOT_STARTED.issue(f"initdb failed: {done.stderr.strip()}"))

    def _identity(self, environment: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
        identity: dict[str, Any] = {"env": {"PATH": os.defpath, "LC_ALL": "C", **environment}}
        if self._account is not None:
            user, group = self._account.pw_uid, self._account.pw_gid
            identity.update(user=user, group=group, extra_groups=[])
        return identity

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        import psycopg

        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url("postgres")).close()
                return
            time.sleep(0.05)
        self.stop("immediate")
        log = self.log.read_text(errors="replace")[-2000:]
        raise CounterpartError(NOT_STARTED.issue(f"PostgreSQL did not start; its log:\n{log}"))


class RunningPostgres:
    """A server that was there before, named by its URL; it cannot be restarted."""

    def __init__(self, url: str) -> None:
        self._url = url

    def create_database(self, name: str | None = None) -> str:
        """Make a database and return its URL."""
        return _create_database(self._url, name)

    def close(self) -> None:
        """Leave the server as it is."""


def find_postgres() -> PostgresCluster | RunningPostgres:
    """Return the server that is named in the environment, or one of one's own."""
    named = os.environ.get(VARIABLE)
    return RunningPostgres(named) if named else PostgresCluster()


def _create_database(url: str, name: str | None) -> str:
    """Make a database on the server of `url`, which names another one of its databases."""
    import psycopg
    from psycopg import sql

    made = name or f"outbox_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(made)))
    return urlsplit(url)._replace(path=f"/{made}").geturl()


def _programs() -> Path:
    """Return the folder of the server's programs."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    text = f"PostgreSQL's server (initdb, postgres) is not installed, and {VARIABLE} is not set."
    raise ToolMissingError(TOOL_MISSING.issue(text))


def _account() -> pwd.struct_passwd | None:
    """Return whom the server runs as, None where that is whoever runs this program."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ToolMissingError(TOOL_MISSING.issue("There is no user to run PostgreSQL as but root."))
