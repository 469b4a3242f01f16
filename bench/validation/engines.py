"""The validators of the race: each says yes or no to a resource."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.validation.schema import schema_of
from fhir_backpain.fhir import json_text
from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.validation.official import OfficialValidator
from fhir_backpain.validation.resource.validator import BuiltInValidator

US_CORE = "FHIR_BACKPAIN_US_CORE"
"""The variable that names the package file of US Core, which HL7's validator needs here."""

Judge = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Validator:
    """One way to validate: what it is called, what it is made of, and its verdict.

    `of_text` judges the bytes of a JSON text, as they come from a file or a request, and parses
    them as is quickest for it; `of_data` judges data as parsed (numbers int or Decimal), and
    is None where it takes texts alone. `is_bare` leaves meta.profile out of what it gets.
    `is_outside` says that another process works, so that the wall's clock counts.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    of_text: Judge
    of_data: Judge | None
    is_bare: bool = False
    is_outside: bool = False

    def takes(self, text: str) -> bytes:
        """Return the bytes of a resource as the validator gets them."""
        return json_text.dump(self.takes_data(text)).encode() if self.is_bare else text.encode()

    def takes_data(self, text: str) -> Any:
        """Return the data of a resource as the validator gets them, made anew."""
        data = json.loads(text, parse_float=Decimal)
        if self.is_bare:
            data.get("meta", {}).pop("profile", None)
        return data


def validators(stack: ExitStack, types: list[str]) -> Iterator[Validator]:
    """Yield the validators that can run here, ours first; the stack ends what they start."""
    own = ("fhir-backpain",)
    yield Validator("builtin", "built-in: R4 and profiles", own, _built_in(), _built_in())
    bare = _built_in(), _built_in()
    yield Validator("builtin_r4", "built-in: R4 alone", own, *bare, is_bare=True)
    schemas = {name: schema_of(name) for name in types}
    rust, fast, plain = _rust(schemas), _fast(schemas), _plain(schemas)
    yield Validator(
        "jsonschema_rs", "jsonschema-rs", ("jsonschema-rs", "orjson"), _parsed(rust), rust
    )
    packages = ("fastjsonschema", "orjson")
    yield Validator("fastjsonschema", "fastjsonschema", packages, _parsed(fast), fast)
    packages = ("fhir.resources", "pydantic")
    yield Validator("fhir_resources", "fhir.resources models", packages, *_models(types))
    yield Validator("jsonschema", "jsonschema", ("jsonschema", "orjson"), _parsed(plain), plain)
    us_core = os.environ.get(US_CORE)
    if us_core and hl7.is_available()[0]:
        official = stack.enter_context(OfficialValidator([Path(us_core)]))
        judge = _official(official)
        yield Validator("hl7", "HL7's validator, warm", (), judge, None, is_outside=True)


def _parsed(judge: Judge) -> Judge:
    """Return the judge of texts that parses them with orjson, the quickest for Python's data."""
    import orjson

    parse = orjson.loads
    return lambda text: judge(parse(text))


def _built_in() -> Judge:
    validate = BuiltInValidator().validate

    def judge(data: Any) -> bool:
        issues = validate(data)
        return not issues or not any(issue.is_error for issue in issues)

    return judge


def _rust(schemas: dict[str, Any]) -> Judge:
    import jsonschema_rs

    judges = {name: jsonschema_rs.validator_for(one).is_valid for name, one in schemas.items()}
    return lambda data: judges[data["resourceType"]](data)


def _fast(schemas: dict[str, Any]) -> Judge:
    import fastjsonschema

    judges = {name: fastjsonschema.compile(schema) for name, schema in schemas.items()}

    def judge(data: Any) -> bool:
        try:
            judges[data["resourceType"]](data)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    return judge


def _plain(schemas: dict[str, Any]) -> Judge:
    from jsonschema import Draft7Validator

    judges = {name: Draft7Validator(schema).is_valid for name, schema in schemas.items()}
    return lambda data: judges[data["resourceType"]](data)


def _models(types: list[str]) -> tuple[Judge, Judge]:
    """Return the judges of texts, which pydantic parses, and of data."""
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    models = {name: get_fhir_model_class(name) for name in types}
    kinds = {f'{{"resourceType":"{name}"'.encode(): model for name, model in models.items()}

    def of_text(text: bytes) -> bool:
        try:
            kinds[text[: text.index(b",")]].model_validate_json(text)
        except ValidationError:
            return False
        return True

    def of_data(data: Any) -> bool:
        try:
            models[data["resourceType"]].model_validate(data)
        except ValidationError:
            return False
        return True

    return of_text, of_data


def _official(validator: OfficialValidator) -> Judge:
    return lambda text: not any(issue.is_error for issue in validator.validate(text.decode()))
