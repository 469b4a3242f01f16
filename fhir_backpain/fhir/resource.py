"""A resource that a mapping made: its address on a server and its JSON text."""

from __future__ import annotations

from typing import NamedTuple


class MadeResource(NamedTuple):
    """One resource of one record. The same record and mapping always give the same text.

    `id` is the logical id that the adapter assigns, the same for life. `text` is the whole
    resource as JSON. `shared` is true where other records of the same patient make the same
    resource too (Patient, Condition, Goal …), so that the latest of them must win. `rule` is the
    name of the mapping that made it. `only_if_new` is true where the record says so little of it
    that what another record said must stand: it is written only where nothing is there yet.
    """

    type: str
    id: str
    text: str
    shared: bool = False
    rule: str = ""
    only_if_new: bool = False

    @property
    def url(self) -> str:
        """The relative address, ``Observation/2f0c…``."""
        return f"{self.type}/{self.id}"
