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
from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.validation.official import OfficialValidator
from fhir_backpain.validation.resource.validator import BuiltInValidator

US_CORE = "FHIR_BACKPAIN_US_CORE"
"""The variable that names the package file of US Core, which HL7's validator needs here."""

Judge = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Validator:
    """One way to validate: what it is called, what it is made of, and its verdict.

    `takes` is "data" as parsed (numbers int or Decimal), "bare" data without meta.profile, or
    "text". `is_outside` says that another process works, so that the wall's
    clock counts.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    judge: Judge
    takes: str = "data"
    is_outside: bool = False


def validators(stack: ExitStack, types: list[str]) -> Iterator[Validator]:
    """Yield the validators that can run here, ours first; the stack ends what they start."""
    own = ("fhir-backpain",)
    yield Validator("builtin", "built-in: R4 and profiles", own, _built_in())
    yield Validator("builtin_r4", "built-in: R4 alone", own, _built_in(), takes="bare")
    schemas = {name: schema_of(name) for name in types}
    yield Validator("jsonschema_rs", "jsonschema-rs", ("jsonschema-rs",), _rust(schemas))
    yield Validator("fastjsonschema", "fastjsonschema", ("fastjsonschema",), _fast(schemas))
    packages = ("fhir.resources", "pydantic")
    yield Validator("fhir_resources", "fhir.resources models", packages, _models(types))
    yield Validator("jsonschema", "jsonschema", ("jsonschema",), _plain(schemas))
    us_core = os.environ.get(US_CORE)
    if us_core and hl7.is_available()[0]:
        official = stack.enter_context(OfficialValidator([Path(us_core)]))
        yield Validator("hl7", "HL7's validator, warm", (), _official(official), "text", True)


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


def _models(types: list[str]) -> Judge:
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    models = {name: get_fhir_model_class(name) for name in types}

    def judge(data: Any) -> bool:
        try:
            models[data["resourceType"]].model_validate(data)
        except ValidationError:
            return False
        return True

    return judge


def _official(validator: OfficialValidator) -> Judge:
    return lambda text: not any(issue.is_error for issue in validator.validate(text))


def taken(text: str, takes: str) -> Any:
    """Return a resource in the form that a validator takes, made anew."""
    if takes == "text":
        return text
    data = json.loads(text, parse_float=Decimal)
    if takes == "bare":
        data.get("meta", {}).pop("profile", None)
    return data
