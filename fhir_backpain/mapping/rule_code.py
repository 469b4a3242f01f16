"""The code of one rule: what applies it, its identity, and the one f-string of its resource."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.chunk import (
    Chunk,
    Chunks,
    Code,
    OwnId,
    OwnKey,
    Text,
    looked_up_once,
    merged,
)
from fhir_backpain.mapping.code_buffer import CodeLine
from fhir_backpain.mapping.condition import compile_condition
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.referencing import OWNERS, KeyCode, key_code
from fhir_backpain.mapping.key_table import key_chunks
from fhir_backpain.mapping.piece import Piece, literal
from fhir_backpain.mapping.template import ObjectTemplate

_HEAD = (
    "made = []",
    "add = made.append",
    "pp, pq, pid, pidentifier = patients_of(s.source, s.patient.identifier.system)"
    "(s.patient.identifier.value)",
    "rp, rq = records_of(s.source, {record_type})(pp, pq, s.id)",
    "system = quoted(s.source)",
)
_LIST_HEAD = ("urls = []", "note = urls.append")
_REQUEST = (
    Text(',"request":{"method":"PUT","url":"'),
    Code("u", is_bound=True),
    Text('"}}'),
)


@dataclass(frozen=True, slots=True)
class Form:
    """What a program returns, and the lines that do so."""

    name: str
    result: tuple[str, ...]
    is_bundle: bool


RESOURCES = Form("resources", ("return made",), False)
# The ends are put to the first and the last entry: to the whole it would be copied once more.
BUNDLE = Form(
    "bundle",
    (
        """made[0] = '{"resourceType":"Bundle","type":"transaction","entry":[' + made[0]""",
        "made[-1] += ']}'",
        "return ','.join(made)",
    ),
    True,
)


@dataclass(slots=True)
class _Pending:
    """A line whose text is known only once every rule is there."""

    line: CodeLine
    chunks: list[Chunk]
    before: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """The lines of a rule that are settled last; `lookups` stands before them.

    `repeated` is the test of whether its list is there, where it repeats over one.
    """

    lookups: CodeLine
    pending: list[_Pending]
    repeated: str | None


class RuleCode:
    """Emits the rules of one program."""

    def __init__(self, emitter: Emitter, form: Form) -> None:
        self._emitter = emitter
        self._form = form
        self._rules: list[_Rule] = []
        self._noting: list[CodeLine] = []

    def head(self, record_type: str) -> list[str]:
        """Return the lines that every program starts with."""
        found = [line.format(record_type=repr(record_type)) for line in _HEAD]
        return found + list(_LIST_HEAD if self._emitter.makes_list else ())

    def emit(self, declaration: Declaration) -> None:
        """Emit a rule; its last line is settled by `settle`."""
        if declaration.repetition:
            path, name = declaration.repetition
            with self._emitter.repeat(path, name, declaration.location):
                self._emit_conditionally(declaration)
        else:
            self._emit_conditionally(declaration)

    def _emit_conditionally(self, declaration: Declaration) -> None:
        emitter = self._emitter
        if declaration.condition is None:
            self._emit_resource(declaration)
            return
        condition = compile_condition(declaration.condition, emitter.reach, declaration.location)
        with emitter.code.lazily(), emitter.code.block(f"if {condition}:"):
            self._emit_resource(declaration)

    def _emit_resource(self, declaration: Declaration) -> None:
        template = declaration.template
        emitter = self._emitter
        if not isinstance(template, ObjectTemplate):
            raise MappingCheckError(
                messages.SLOT_ARGUMENT.issue("A resource is a map.", mapping=declaration.location)
            )
        type_ = declaration.makes
        key = None if declaration.belongs_to == "person" else key_code(emitter, declaration.key)
        early = emitter.code.add("")
        members = {
            "resourceType": literal(type_),
            "id": Piece((OwnId(),)).wrapped('"', '"'),
        }
        members |= {name: emitter.emit(item) for name, item in template.members.items()}
        # A resource whose rule applies is always made.
        piece = emitter.pieces.object(
            {name: replace(one, live=False) for name, one in members.items()}
        )
        if emitter.pieces.take_early_key() and key is not None:
            _, path = OWNERS[declaration.belongs_to]
            spelt = repr(key.constant) if key.constant is not None else key.expression
            early.text = f'own_key = {path} + "/" + {spelt}'
        lookups = emitter.code.add("")
        pending = self._identified(declaration, key, piece.chunks)
        self._rules.append(_Rule(lookups, pending, self._list_of(declaration)))

    def _list_of(self, declaration: Declaration) -> str | None:
        """Return the test of whether the list that a rule repeats over is there."""
        if declaration.repetition is None:
            return None
        path, _ = declaration.repetition
        return self._emitter.scope.find(path, declaration.location).presence()

    def _identified(
        self, declaration: Declaration, key: KeyCode | None, chunks: Chunks
    ) -> list[_Pending]:
        """Emit the lines that make the address and the resource, their text still open."""
        type_ = declaration.makes
        add = self._emitter.code.add
        pending = []
        if key is None:
            own_id: Chunks = (Code("pid"),)
            own_key: Chunks = ()
        else:
            prefix, path = OWNERS[declaration.belongs_to]
            suffix, spelt = key_chunks(self._emitter, type_, key, chunks)
            own_id = (Code(prefix), suffix)
            own_key = (Code(path), Text("/"), spelt)
        if not self._form.is_bundle or any(isinstance(chunk, Code) for chunk in own_id[1:]):
            pending.append(_Pending(add("settled later"), list(own_id), "i = "))
            own_id = (Code("i", is_bound=True),)
        url = _Pending(add("settled later"), [Text(f"{type_}/"), *own_id], "u = ")
        noting = [add("note(u)")]
        if not self._form.is_bundle:
            noting.append(url.line)
        self._noting += noting
        places: dict[type[Chunk], Chunks] = {OwnId: own_id, OwnKey: own_key}
        whole = [one for chunk in chunks for one in places.get(type(chunk), (chunk,))]
        return [*pending, url, self._finish(declaration, whole)]

    def _finish(self, declaration: Declaration, chunks: list[Chunk]) -> _Pending:
        line = self._emitter.code.add("settled later")
        if self._form.is_bundle:
            return _Pending(line, [Text('{"resource":'), *chunks, *_REQUEST], "add(", ")")
        before = f"add(new(MadeResource, ({declaration.makes!r}, i, "
        shared = declaration.belongs_to != "record"
        after = f", {shared}, {declaration.name!r}, {self._weak(declaration)})))"
        return _Pending(line, chunks, before, after)

    def _weak(self, declaration: Declaration) -> str:
        """Return the test of whether the resource is written only where it is new."""
        if not declaration.only_if_new:
            return "False"
        reach, where = self._emitter.reach, declaration.location
        tests = [compile_condition(text, reach, where) for text in declaration.only_if_new]
        return " or ".join(tests)

    def settle(self) -> None:
        """Give each rule its last line; what several share is computed once."""
        if not self._emitter.makes_list:
            for line in self._noting:
                line.text = ""
        self._hoist_repeats()
        rows = {id(one): self._grouped(merged(one.chunks)) for one in self._all()}
        pieces = self._emitter.pieces
        uses = Counter(
            pieces.text(group) for row in rows.values() for group in row if len(group) > 1
        )
        for rule in self._rules:
            for one in rule.pending:
                one.chunks = []
                for group in rows[id(one)]:
                    shared = uses[pieces.text(group)] > 1
                    hoist = self._is_work(group) and (shared or rule.repeated)
                    where = None if shared else rule.repeated
                    one.chunks += (pieces.hoisted(group, where),) if hoist else group
            self._write(rule)

    def _all(self) -> list[_Pending]:
        return [one for rule in self._rules for one in rule.pending]

    def _write(self, rule: _Rule) -> None:
        """Write the lines of a rule, each word of the record looked up once."""
        rows, lookups = looked_up_once(
            [merged(one.chunks) for one in rule.pending], lambda: self._emitter.code.fresh("w")
        )
        found = [
            f"{', '.join(names)} = {self._emitter.constant(table)}[{word}]"
            for names, word, table in lookups
        ]
        rule.lookups.text = "; ".join(found)
        for one, row in zip(rule.pending, rows, strict=True):
            one.line.text = one.line.text and (
                f"{one.before}{self._emitter.pieces.text(row)}{one.after}"
            )

    def _hoist_repeats(self) -> None:
        """Compute in the prelude what several rules compute of the record alone."""
        pieces = self._emitter.pieces
        uses = Counter(
            chunk for one in self._all() for chunk in one.chunks if isinstance(chunk, Code)
        )

        def settled(chunk: Chunk) -> Chunk:
            repeats = isinstance(chunk, Code) and uses[chunk] > 1 and self._is_work([chunk])
            return pieces.hoisted([chunk]) if repeats else chunk

        for one in self._all():
            one.chunks = [settled(chunk) for chunk in one.chunks]

    def _is_work(self, group: list[Chunk]) -> bool:
        """True for what depends on the record alone and is no variable already."""
        first = group[0]
        if not self._emitter.pieces.is_of_record(first):
            return False
        return len(group) > 1 or not (isinstance(first, Code) and first.expression.isidentifier())

    def _grouped(self, chunks: list[Chunk]) -> list[list[Chunk]]:
        """Return the chunks, those together that begin and end with what the record alone gives."""
        groups: list[list[Chunk]] = []
        waiting: list[Chunk] = []
        open_group = False
        for chunk in chunks:
            if self._emitter.pieces.is_of_record(chunk):
                if open_group:
                    groups[-1] += [*waiting, chunk]
                else:
                    groups += [[one] for one in waiting]
                    groups.append([chunk])
                waiting, open_group = [], True
            elif isinstance(chunk, Text):
                waiting.append(chunk)
            else:
                groups += [[one] for one in (*waiting, chunk)]
                waiting, open_group = [], False
        return groups + [[one] for one in waiting]
