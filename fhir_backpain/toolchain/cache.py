"""The folder of everything that is made once: keyed by its recipe, whole or absent.

A recipe's product is built in a temporary folder beside its final place and renamed when done,
under a file lock. So a killed download leaves nothing that looks finished, two processes never
build the same thing twice, and a changed recipe never meets an old product.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp


def cache_root() -> Path:
    """Return the folder `fhir-backpain` in $FHIR_BACKPAIN_CACHE, $XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("FHIR_BACKPAIN_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "fhir-backpain"


def run_folder() -> Path:
    """Return the folder for the logs and process records of what runs now."""
    folder = cache_root() / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_old_runs(days: int = 30) -> None:
    """Remove what killed or failed processes left in the run folder more than `days` ago."""
    oldest = time.time() - days * 86_400
    for left in run_folder().iterdir():
        if left.suffix != ".json" and left.stat().st_mtime < oldest:
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def recipe_key(files: Iterable[Path]) -> str:
    """Return 12 hex digits that change when the name or the bytes of any of `files` change."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda path: path.name):
        content = file.read_bytes()
        # Lengths keep apart what a plain concatenation would mix up.
        digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def product_folder(name: str, recipe: Iterable[Path]) -> Path:
    """Return where the product of `recipe` is, or will be."""
    return cache_root() / f"{name}-{recipe_key(recipe)}"


def build_once(name: str, recipe: Iterable[Path], build: Callable[[Path], None]) -> Path:
    """Return the folder made by `build` from `recipe`; builds only where it does not exist.

    `build` gets an empty folder to fill. The folder is moved afterwards, so nothing in it may hold
    its own path. What `build` raises is passed on, and the half-made folder is removed.
    """
    final = product_folder(name, recipe)
    if final.is_dir():
        _remove_unfinished(final)
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with _locked(final.parent / f".{final.name}.lock"):
        if final.is_dir():  # Another process was faster.
            return final
        # No one else builds while the lock is held: what lies here is of a process that was killed.
        # A download that outlives its killed parent keeps writing there, so each build has its own.
        _remove_unfinished(final)
        unfinished = Path(mkdtemp(prefix=f".{final.name}.unfinished-", dir=final.parent))
        try:
            build(unfinished)
            unfinished.rename(final)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return final


def _remove_unfinished(final: Path) -> None:
    for leftover in final.parent.glob(f".{final.name}.unfinished-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on `file`; the system frees it however the process ends."""
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another process is downloading the same; waiting for it.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
