"""A HAPI server process: started, waited for, found again and stopped."""

from __future__ import annotations

import json
import re
import subprocess
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import requests

from fhir_backpain.toolchain.cache import remove_old_runs, run_folder
from fhir_backpain.toolchain.log import last_lines
from fhir_backpain.toolchain.problem import WRONG_SETTING, CounterpartError
from fhir_backpain.toolchain.programs import find_program, require_programs
from servers.hapi.installation import download
from servers.problem import ALREADY_RUNNING, NOT_STARTED
from servers.process import is_running, stop_process

_START_TIMEOUT = 300.0
_READY = re.compile(r"^ready (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HapiSettings:
    """How a server is to run.

    `port` 0 is any free port. `jdbc` None is an H2 database in memory, gone with the server.
    The database password is read from $FHIR_BACKPAIN_HAPI_DB_PASSWORD by the server itself.
    `tier` 1 starts quickly, 4 gives full speed after a minute of work.
    """

    release: str = "R4"
    port: int = 0
    jdbc: str | None = None
    database_user: str | None = None
    heap: str = "2g"
    tier: int = 1

    def __post_init__(self) -> None:
        if self.release not in ("R4", "R5"):
            text = f"release is R4 or R5, not {self.release!r}"
            raise CounterpartError(WRONG_SETTING.issue(text))
        if self.tier not in (1, 4):
            raise CounterpartError(WRONG_SETTING.issue(f"tier is 1 or 4, not {self.tier}"))

    def java_options(self) -> list[str]:
        """Return the settings as options of the Java command."""
        options = [
            f"-Xmx{self.heap}",
            *self._collection(),
            f"-XX:TieredStopAtLevel={self.tier}",
            f"-Drelease={self.release}",
            f"-Dport={self.port}",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        ]
        if self.jdbc:
            options.append(f"-Djdbc={self.jdbc}")
        if self.database_user:
            options.append(f"-DdatabaseUser={self.database_user}")
        return options

    def _collection(self) -> list[str]:
        """Return how memory is collected: with little of it, or as seldom as it can be."""
        return (
            ["-XX:+UseSerialGC"] if self.tier == 1 else ["-XX:+UseParallelGC", f"-Xms{self.heap}"]
        )


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that runs on its own; `token` is in its command line.

    `base_url` is empty until the server has answered for the first time.
    """

    pid: int
    token: str
    release: str
    port: int
    base_url: str
    log: str


class HapiServer:
    """A HAPI server for the length of a `with` block; it ends with the block or with this process.

    >>> with HapiServer(release="R4") as hapi:                        # doctest: +SKIP
    ...     requests.get(hapi.base_url + "/metadata")
    """

    def __init__(
        self,
        release: str = "R4",
        port: int = 0,
        *,
        jdbc: str | None = None,
        database_user: str | None = None,
        heap: str = "2g",
        tier: int = 1,
    ) -> None:
        self.settings = HapiSettings(release, port, jdbc, database_user, heap, tier)
        self._launch: _Launch | None = None
        self._base_url: str | None = None

    @property
    def base_url(self) -> str:
        """The FHIR base, without a slash at the end; only while the server runs."""
        if self._base_url is None:
            raise CounterpartError(NOT_STARTED.issue("The server was not started."))
        return self._base_url

    def start(self) -> None:
        """Start the server and wait until it answers; download it first where needed."""
        self._launch = _Launch(self.settings, ends_with_parent=True)
        try:
            self._base_url = _base_url(self._launch.wait_until_ready())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server; a stopped server is left alone."""
        launch, self._launch, self._base_url = self._launch, None, None
        if launch is not None:
            launch.stop()

    def __enter__(self) -> HapiServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(settings: HapiSettings) -> RunningServer:
    """Start a server that outlives this process, wait until it answers and return it.

    Raises CounterpartError where one that was started so has the port already, or where it fails.
    """
    for other in running():
        if other.port == settings.port:
            text = f"Port {other.port} belongs to the HAPI server of process {other.pid}."
            raise CounterpartError(ALREADY_RUNNING.issue(text))
    launch = _Launch(settings, ends_with_parent=False)
    try:
        # Before the wait, so that `stop` finds the server even if this process is killed now.
        _write_record(launch.server(settings.port, ""))
        port = launch.wait_until_ready()
    except BaseException:
        launch.stop()
        _record(launch.token).unlink(missing_ok=True)
        raise
    server = launch.server(port, _base_url(port))
    _write_record(server)
    return server


def running() -> list[RunningServer]:
    """Return the servers that `start` started and that still run; forgets the others."""
    servers = []
    for record in sorted(run_folder().glob("hapi-*.json")):
        server = RunningServer(**json.loads(record.read_text()))
        if is_running(server.pid, server.token):
            servers.append(server)
        else:
            record.unlink(missing_ok=True)
    return servers


def stop(port: int | None = None) -> list[RunningServer]:
    """Stop the server of a port, or all that `start` started; return those that were stopped."""
    stopped = [server for server in running() if port in (None, server.port)]
    for server in stopped:
        stop_process(server.pid, server.token)
        _record(server.token).unlink(missing_ok=True)
        Path(server.log).unlink(missing_ok=True)
    return stopped


class _Launch:
    """One Java process from its start on."""

    def __init__(self, settings: HapiSettings, *, ends_with_parent: bool) -> None:
        installation = download()
        require_programs("java")
        remove_old_runs()
        self.settings = settings
        self.token = f"hapi-{uuid.uuid4().hex[:12]}"
        self.log = run_folder() / f"{self.token}.log"
        command = [
            find_program("java") or "java",
            *settings.java_options(),
            f"-DexitWithParent={str(ends_with_parent).lower()}",
            *("-cp", installation.class_path, "HapiServer", self.token),
        ]
        with self.log.open("wb") as log:
            self._java = subprocess.Popen(  # noqa: S603 (no shell, our own settings)
                command,
                # The server of a `with` block sees this pipe end even where we are killed.
                stdin=subprocess.PIPE if ends_with_parent else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us: we stop the server ourselves.
                start_new_session=True,
            )

    def server(self, port: int, base_url: str) -> RunningServer:
        """Return what there is to remember of this process."""
        release = self.settings.release
        return RunningServer(self._java.pid, self.token, release, port, base_url, str(self.log))

    def wait_until_ready(self) -> int:
        """Return the server's port once /metadata answers."""
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline and self._java.poll() is None:
            if found := _READY.search(self.log.read_text(errors="replace")):
                port = int(found.group(1))
                if _answers(_base_url(port)):
                    return port
            time.sleep(0.1)
        text = f"The HAPI server did not start. Log {self.log}:\n{last_lines(self.log)}\n"
        raise CounterpartError(NOT_STARTED.issue(text))

    def stop(self) -> None:
        """End the process; the log stays only where the process had ended before."""
        had_ended = self._java.poll() is not None
        if self._java.stdin:
            self._java.stdin.close()
        self._java.terminate()
        try:
            self._java.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._java.kill()
            self._java.wait()
        if not had_ended:
            self.log.unlink(missing_ok=True)


def _base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/fhir"


def _answers(base_url: str) -> bool:
    """Ask for the capability statement; HAPI makes it on the first request, which takes seconds."""
    with requests.Session() as session:
        session.trust_env = False  # A proxy for the outside world must not get in between.
        try:
            return session.get(f"{base_url}/metadata", timeout=120).status_code == 200
        except requests.RequestException:
            return False


def _write_record(server: RunningServer) -> None:
    _record(server.token).write_text(json.dumps(asdict(server)))


def _record(token: str) -> Path:
    return run_folder() / f"{token}.json"
