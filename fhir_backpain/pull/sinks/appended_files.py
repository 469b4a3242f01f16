"""Files that grow by whole batches: a crash in the midst of one leaves neither gap nor double.

The state keeps up to where a file is settled. What a crash left behind that mark is the beginning
of the batch that is written next, byte for byte, so only the rest of it is added.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from fhir_backpain.errors import SettingsError
from fhir_backpain.pull.messages import SINK_TOUCHED, SINK_UNWRITABLE

Lengths = Callable[[str], int]
"""Gives the settled length of a file, 0 where nothing is settled."""


def is_new(path: Path, settled: Lengths) -> bool:
    """True where a file is still to be begun, since nothing is settled or it was moved away."""
    return not path.exists() or settled(str(path)) == 0


def append(batch: Mapping[Path, bytes], settled: Lengths) -> dict[str, int]:
    """Write a batch to its files, durable on return; return their lengths, to be settled.

    Raises SettingsError where a file cannot be written or holds what is not ours.
    """
    lengths = {}
    for path, content in batch.items():
        try:
            lengths[str(path)] = _append_one(path, content, settled)
        except OSError as error:
            raise unwritable(path, error) from error
    return lengths


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> SettingsError:
    """Return the error of a path that cannot be written."""
    return SettingsError(
        SINK_UNWRITABLE.issue(f"{path} cannot be written ({error.strerror or error}).")
    )


def _append_one(path: Path, content: bytes, settled: Lengths) -> int:
    mark = 0 if is_new(path, settled) else settled(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(min(mark, size))
        left = file.read(len(content) + 1)
        if size < mark or not content.startswith(left):
            raise SettingsError(
                SINK_TOUCHED.issue(f"{path} does not end as the last delivery left it.")
            )
        file.seek(mark + len(left))
        file.write(content[len(left) :])
        file.flush()
        os.fsync(file.fileno())
    if size == 0:
        sync_folder(path.parent)
    return mark + len(content)
