"""The OpenAPI document: the table of routes and the very shapes that bodies are decoded to, so that it cannot drift."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from andante.live.admission_stream import EVENT_TYPES, OUTCOME_TYPES
from andante.service.bodies import JSON
from andante.service.problem import MEDIA_TYPE, ProblemBody
from andante.service.routes import BYTES, OPEN, TEXT, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VERSION = "3.1.0"

_EVERYWHERE = (400, 408, 413, 415, 422, 429, 500, 503)
_GUARDED = (401, 403)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body get the first answer again; another body is refused with 409.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
_KEYED = ("/v1/decisions", "/v1/decisions/batch", "/v1/events", "/v1/outcomes")
_TYPES = {
    "Event": {"enum": sorted(EVENT_TYPES)},
    "Outcome": {"enum": sorted(OUTCOME_TYPES)},
    "PageOutcome": {"enum": sorted(OUTCOME_TYPES)},
}


def document(routes: Sequence[Route], version: str, url: str | None = None) -> bytes:
    """Return the OpenAPI document of these routes as JSON."""
    shapes = list(dict.fromkeys(_shapes(routes)))
    schemas, components = msgspec.json.schema_components(
        [*shapes, ProblemBody], ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(map(str, shapes), schemas, strict=False))
    for name, types in _TYPES.items():
        if name in components:
            components[name]["properties"]["type"] |= types
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    told = {
        "openapi": VERSION,
        "info": {
            "title": "Andante",
            "version": version,
            "description": "Decides in real time whether a push goes out now, later, or never.",
        },
        "servers": [{"url": url or "/"}],
        "paths": paths,
        "components": {
            "schemas": _ecma(components),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "token": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
    }
    return msgspec.json.encode(told)


def _shapes(routes: Iterable[Route]) -> Iterable[Any]:
    for route in routes:
        for shape in (*route.takes.values(), route.answer):
            yield from (one for one in _each(shape) if one not in {BYTES, TEXT})


def _each(shape: Any) -> tuple[Any, ...]:
    return shape if isinstance(shape, tuple) else (shape,)


def _operation(route: Route, schema_of: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": route.summary,
        "tags": [route.path.split("/")[2] if route.path.startswith("/v1/") else "service"],
        "responses": {
            "200": {
                "description": "OK",
                "content": {kind.partition(";")[0]: _media(kind, route.answer, schema_of) for kind in route.answers_in},
            },
            **{str(status): _refusal(status) for status in sorted(_refusals(route))},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _names(route.path)
    ] + [{"name": name, "in": "query", "schema": schema} for name, schema in route.query.items()]
    if route.path in _KEYED:
        parameters.append(_KEY)
    if parameters:
        operation["parameters"] = parameters
    if route.takes:
        content = {kind: _media(kind, shape, schema_of) for kind, shape in route.takes.items()}
        operation["requestBody"] = {"required": True, "content": content}
    if route.scope != OPEN:
        operation["security"] = [{"key": []}, *([{"token": []}] if route.token else [])]
        operation["description"] = f"Needs the scope `{route.scope}`."
    return operation


def _refusals(route: Route) -> set[int]:
    return {*_EVERYWHERE, *route.refusals, *(() if route.scope == OPEN else _GUARDED)}


def _media(kind: str, shape: Any, schema_of: dict[str, Any]) -> dict[str, Any]:
    if shape is TEXT:
        return {"schema": {"type": "string"}}
    if shape is BYTES or kind != JSON:
        return {"schema": {"type": "string", "format": "binary"}}
    several = [schema_of[str(one)] for one in _each(shape)]
    return {"schema": {"anyOf": several} if len(several) > 1 else several[0]}


def _refusal(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _ecma(schema: Any) -> Any:
    """Return a schema with patterns as JSON Schema knows them, which has other anchors than Python."""
    if isinstance(schema, dict):
        return {
            name: value.replace(r"\A", "^").replace(r"\Z", "$") if name == "pattern" else _ecma(value)
            for name, value in schema.items()
        }
    return list(map(_ecma, schema)) if isinstance(schema, list) else schema
