"""What the bench ran on: processor, system, and the versions of everything that took part."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

from bench.engine import ENGINES, ENVIRONMENTS, FOLDER, Engine


def machine() -> dict[str, str]:
    """Return processor, number of cores, system and Python."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def versions(engine: Engine) -> dict[str, str]:
    """Return the version of each package that does an engine's work."""
    find = _npm_version if engine.python is None else _pip_version
    return {package: find(package, engine) for package in engine.packages}


def all_versions() -> dict[str, dict[str, str]]:
    """Return the versions by engine."""
    return {engine.name: versions(engine) for engine in ENGINES}


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _pip_version(package: str, engine: Engine) -> str:
    assert engine.python is not None
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    interpreter = ENVIRONMENTS / engine.python / "bin" / "python"
    done = subprocess.run(  # noqa: S603 - our own code
        [str(interpreter), "-c", code, package], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _npm_version(package: str, _: Engine) -> str:
    manifest = FOLDER / "node_modules" / package / "package.json"
    version: str = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    return version
