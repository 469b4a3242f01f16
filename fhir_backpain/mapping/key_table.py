"""Keys by table: where words of the record decide a key, its ids are computed beforehand."""

from __future__ import annotations

from itertools import product
from math import prod

from fhir_backpain.fhir.identity import id_suffix
from fhir_backpain.mapping.chunk import ByWord, Chunk, Chunks, Code, Text, Word, WordTable
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.referencing import KeyCode

# More rows than this are not worth their memory.
_MOST_ROWS = 4096


def key_chunks(emitter: Emitter, type_: str, key: KeyCode, chunks: Chunks) -> tuple[Chunk, Chunk]:
    """Return the chunks of a resource's own key: the last part of its logical id, and its text.

    `chunks` are those of the resource: each word that they look up must be in their tables.
    """
    if key.constant is not None:
        return Text(id_suffix(type_, key.constant)), Text(key.constant)
    tables = [_deciding(word, chunks) for word in key.words]
    decided = tuple(table for table in tables if table is not None)
    if tables and len(decided) == len(tables) and prod(map(len, decided)) <= _MOST_ROWS:
        return _by_words(type_, key, decided)
    code = emitter.variable(key.expression, is_bound=True)
    return Code(f'suffix("{type_}", {code.expression})', code.names, True), code


def _by_words(type_: str, key: KeyCode, tables: tuple[WordTable, ...]) -> tuple[ByWord, ByWord]:
    spelt: dict[Word, str] = {}
    ends: dict[Word, str] = {}
    for words in product(*tables):
        word = words if len(words) > 1 else words[0]
        spelt[word] = key.of_words(words)
        ends[word] = id_suffix(type_, spelt[word])
    expression = ", ".join(key.words)
    origins = tables[0].origins
    parts = tables if len(tables) > 1 else ()
    return (
        ByWord(expression, WordTable(ends, origins, parts), key.is_bound),
        ByWord(expression, WordTable(spelt, origins, parts), key.is_bound),
    )


def _deciding(word: str, chunks: Chunks) -> WordTable | None:
    """Return a table that a word must be in, wherever the rule applies."""
    found = None
    for chunk in chunks:
        if isinstance(chunk, ByWord) and chunk.word == word:
            found = chunk.table if found is None else found.and_then(chunk.table)
    return found
