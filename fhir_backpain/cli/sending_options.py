"""Options that say how records are sent, and what they are turned into."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

import click

from fhir_backpain.sync.push_options import PushOptions
from fhir_backpain.sync.retirement import RetirePolicy


def sending_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --bundle-size, --patience, --retire and --allow-patient-data, together as `options`."""

    @wraps(command)
    def gathered(
        *arguments: Any,
        bundle_size: int,
        patience: int,
        retire: RetirePolicy,
        allow_patient_data: bool,
        **others: Any,
    ) -> Any:
        options = PushOptions(
            bundle_size=bundle_size,
            patience=patience,
            retire=retire,
            allow_patient_data=allow_patient_data,
        )
        return command(*arguments, options=options, **others)

    for option in _OPTIONS:
        gathered = option(gathered)
    return gathered


_OPTIONS = (
    click.option(
        "--retire",
        default="entered-in-error",
        show_default=True,
        type=click.Choice(get_args(RetirePolicy)),
        help="What becomes of resources that a record no longer makes.",
    ),
    click.option(
        "--patience",
        default=60,
        show_default=True,
        type=click.IntRange(min=0),
        help="Seconds to wait for the server.",
    ),
    click.option(
        "--bundle-size",
        default=100,
        show_default=True,
        type=click.IntRange(min=1),
        help="Entries in a transaction.",
    ),
    click.option(
        "--allow-patient-data",
        is_flag=True,
        help="Send records that are not marked as test data even to a public server.",
    ),
)
