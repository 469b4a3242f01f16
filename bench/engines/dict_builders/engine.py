"""Dictionaries built by hand, read and written by orjson: 1.10 becomes the float 1.1 on the way."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from bench.engines.dict_builders.bundle import Concepts, bundle


def make(tables: Concepts) -> Callable[[bytes], bytes]:
    """Return the function from a record's line to its Bundle; `tables` are `bench.concepts`'."""
    return lambda line: orjson.dumps(bundle(orjson.loads(line), tables))
