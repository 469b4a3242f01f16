"""mapping explain: how each element of a mapping's result is made."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from fhir_backpain.cli.mapping import messages
from fhir_backpain.cli.mapping.options import release_option
from fhir_backpain.cli.mapping.plan_table import gap_list, headline, plan_table
from fhir_backpain.cli.options import json_option, mappings_option
from fhir_backpain.cli.output import put_json
from fhir_backpain.errors import SettingsError
from fhir_backpain.mapping.check.profile_gaps import profile_gaps
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.trace.plan import explain
from fhir_backpain.record import RECORD_TYPES


@click.command("explain")
@click.argument("name")
@click.option("--code", "with_code", is_flag=True, help="Show the compiled Python instead.")
@release_option
@mappings_option
@json_option
def command(name: str, with_code: bool, release: str, mappings: Path | None, as_json: bool) -> None:
    """Show what makes each element of a mapping's result, from which source paths, and when.

    \b
    Examples:
      fhir-backpain mapping explain assessment-score
      fhir-backpain mapping explain care-plan-goal --json
      fhir-backpain mapping explain assessment-score --code

    --code shows the program of the record type, of which the mapping is a part.
    """
    mapper = load_mapper(mappings, release)
    declaration = _declaration(mapper, name)
    if with_code:
        _put_code(mapper, declaration, as_json)
        return
    library = mapper.library
    lines = explain(declaration, library.fragments, library.concept_maps)
    gaps = profile_gaps(declaration, library)
    if as_json:
        found = [gap.to_json() for gap in gaps]
        put_json({
            "mapping": name, "plan": [line.to_json() for line in lines], "notFilled": found,
        })  # fmt: skip
        return
    for text in (*headline(declaration), *plan_table(declaration, lines), *gap_list(gaps)):
        click.echo(text)


def _declaration(mapper: Mapper, name: str) -> Declaration:
    found = {one.name: one for kind in RECORD_TYPES for one in mapper.declarations(kind)}
    if name in found:
        return found[name]
    near = get_close_matches(name, found, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    listed = ", ".join(sorted(found))
    raise SettingsError(
        messages.MAPPING_UNKNOWN.issue(
            f"There is no mapping '{name}'.{hint}", next_step=f"Name one of: {listed}."
        )
    )


def _put_code(mapper: Mapper, declaration: Declaration, as_json: bool) -> None:
    code = {source: mapper.code(source) for source in declaration.sources}
    if as_json:
        put_json({"mapping": declaration.name, "code": code})
        return
    for source, text in code.items():
        click.echo(f"# every mapping of the record type {source}\n{text}")
