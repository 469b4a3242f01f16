"""mapping: what authors of mappings and feeds need."""

from __future__ import annotations

import click

from fhir_backpain.cli.mapping import (
    back_command,
    check_command,
    explain_command,
    golden_command,
    new_command,
    try_command,
)


@click.group("mapping", context_settings={"auto_envvar_prefix": "FHIR_BACKPAIN_MAPPING"})
def command() -> None:
    """Write, check, try and test mappings and feeds.

    \b
    Examples:
      fhir-backpain mapping new feed scores --table scores.csv
      fhir-backpain mapping check scores.feed.yaml
      fhir-backpain mapping try scores.feed.yaml scores.csv --watch
      fhir-backpain mapping explain assessment-score
      fhir-backpain mapping test golden

    Nothing is sent.
    """


for _part in (
    check_command, explain_command, new_command, try_command, golden_command, back_command,
):  # fmt: skip
    command.add_command(_part.command)
