"""Runs the demo against a server by name: the sandbox, a HAPI server of its own, or a URL."""

from __future__ import annotations

import subprocess
import sys

from fhir_backpain.toolchain.problem import CounterpartError
from servers.hapi import HapiServer


def main(server: str) -> int:
    """Run the demo against ``sandbox``, ``hapi`` or a base URL; return its exit code."""
    if server == "sandbox":
        return _demo()
    if server != "hapi":
        return _demo("--server", server)
    try:
        with HapiServer(heap="3g") as hapi:
            return _demo("--server", hapi.base_url)
    except CounterpartError as problem:
        print(problem, file=sys.stderr)
        return 2


def _demo(*arguments: str) -> int:
    command = [sys.executable, "-m", "fhir_backpain.cli", "demo", *arguments]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "sandbox"))
