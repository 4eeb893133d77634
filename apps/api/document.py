"""The OpenAPI document, and what a page for people shows of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from apps.api.base import api
from apps.api.problems import MEDIA_TYPE
from apps.api.tokens import MachineAuth
from apps.api.views import credentials, leaks, operations, telling

# What adds operations to the API; without being imported they would not be there.
DOORS = (operations, credentials, leaks, telling)
PREFIX = "api/v1"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class FieldLine:
    name: str
    kind: str
    is_required: bool
    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class OperationLine:
    key: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    parameters: list[FieldLine]
    body: list[FieldLine]
    answers: list[tuple[str, str, str]]


@cache
def document() -> dict[str, Any]:
    """The whole document: every refusal is a problem, and every answer has its id."""
    written: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=f"{PREFIX}/"))
    for operation in _operations(written):
        operation["responses"] = {
            str(status): _answer(str(status), told)
            for status, told in operation["responses"].items()
        }
    return written


@cache
def operation_lines() -> list[OperationLine]:
    written = document()
    schemas = written["components"]["schemas"]
    scopes = dict(_scopes())
    return [
        OperationLine(
            key=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            text=operation.get("description", ""),
            scope=scopes[operation["operationId"]],
            parameters=[
                _field(one["name"], one["schema"], one["required"], where=one["in"])
                for one in operation["parameters"]
            ],
            body=_body(operation, schemas),
            answers=[
                (status, told["description"], _schema_name(told))
                for status, told in sorted(operation["responses"].items())
            ],
        )
        for path, methods in written["paths"].items()
        for method, operation in methods.items()
    ]


@cache
def schema_lines() -> list[tuple[str, list[FieldLine]]]:
    """Each shape that answers have, with its fields."""
    schemas = document()["components"]["schemas"]
    return [
        (name, _fields(schema))
        for name, schema in sorted(schemas.items())
        if "properties" in schema and not name.endswith("In")
    ]


def _scopes() -> Iterator[tuple[str, str]]:
    """Which scope each operation demands."""
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                for auth in operation.auth_callbacks:
                    if isinstance(auth, MachineAuth):
                        yield str(operation.operation_id), auth.wanted


def _operations(written: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in written["paths"].values():
        yield from methods.values()


def _answer(status: str, told: dict[str, Any]) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-ID": {"schema": {"type": "string"}}}
    if status == "401":
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    if status == "429":
        headers["Retry-After"] = {"schema": {"type": "integer"}}
    content = told.get("content", {})
    if status >= "400" and JSON in content:
        content = {MEDIA_TYPE: content[JSON]}
    return {**told, "headers": headers, "content": content}


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> list[FieldLine]:
    body = operation.get("requestBody")
    if body is None:
        return []
    schema = body["content"][JSON]["schema"]
    if "$ref" not in schema:
        return [_field("the body", schema, required=True)]
    return _fields(schemas[schema["$ref"].rsplit("/", 1)[-1]])


def _fields(schema: dict[str, Any]) -> list[FieldLine]:
    required = set(schema.get("required", []))
    return [_field(name, one, name in required) for name, one in schema["properties"].items()]


def _field(name: str, schema: dict[str, Any], required: Any, where: str = "") -> FieldLine:
    return FieldLine(
        name=name,
        kind=_kind(schema),
        is_required=bool(required),
        text=schema.get("description", ""),
        where=where,
    )


def _kind(schema: dict[str, Any]) -> str:
    """A type in words: "list of text, at most 200"."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if schema.get("type") == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"list of {_kind(schema['items'])}{most}"
    if "maxLength" in schema:
        return f"text, at most {schema['maxLength']} characters"
    if schema.get("format") == "date-time":
        return "time"
    words = {
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
        "object": "a JSON object",
    }
    kind = str(schema.get("type", "anything"))
    return words.get(kind, kind)


def _schema_name(told: dict[str, Any]) -> str:
    for content in told["content"].values():
        return str(content["schema"].get("$ref", "")).rsplit("/", 1)[-1]
    return ""
