"""The program as its users have it: commands as processes, and a server to look into afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Ran

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "fhir_backpain.cli")
_BY_THE_SERVER = ("versionId", "lastUpdated")

Resources = dict[str, dict[str, Any]]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a user, without settings of the program but those of a test."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FHIR_BACKPAIN")}
    return {**kept, "PYTHONPATH": str(ROOT), **(extra or {})}


def start(*arguments: str | Path, folder: Path, **options: Any) -> subprocess.Popen[str]:
    """Start a command in a folder; its output is text."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], cwd=folder, env=environment(), text=True, **options
    )


def start_on_pipe(server: SandboxServer, folder: Path) -> subprocess.Popen[str]:
    """Start a sync that reads its records from standard input."""
    pipe = subprocess.PIPE
    command = ("sync", "-", "--server", server.base_url)
    return start(*command, folder=folder, stdin=pipe, stdout=pipe, stderr=pipe)


def run(
    *arguments: str | Path,
    folder: Path,
    stdin: str | None = None,
    memory: int | None = None,
    extra: Mapping[str, str] | None = None,
) -> Ran:
    """Run a command to its end; `memory` limits its address space, in MiB."""
    limited = ("sh", "-c", f'ulimit -v {memory * 1024}; exec "$@"', "sh") if memory else ()
    done = subprocess.run(
        [*limited, *COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(extra),
        input=stdin or "",
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def history(server: SandboxServer) -> dict[str, list[dict[str, Any]]]:
    """Return the contents of all versions of each resource of a server, oldest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    with FhirClient(server.base_url) as client:
        for entry in client.history(parameters=[("_count", "500")]):
            resource = content(entry["resource"])
            found.setdefault(f"{resource['resourceType']}/{resource['id']}", []).insert(0, resource)
    return found


def state(server: SandboxServer) -> Resources:
    """Return what a server holds, without what it adds itself."""
    return {url: versions[-1] for url, versions in history(server).items()}


def content(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource without what a server adds to it."""
    meta = {name: item for name, item in resource["meta"].items() if name not in _BY_THE_SERVER}
    return {**resource, "meta": meta}
