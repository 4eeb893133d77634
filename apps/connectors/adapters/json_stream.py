"""Read members of large JSON documents one at a time, and say where a document is broken."""

import io
import json
from collections.abc import Iterator
from typing import Any

import ijson

from apps.connectors.adapters.contract import UnreadableSource
from apps.connectors.adapters.opening import MEGABYTE, SourceFile
from apps.core.json_errors import why_broken

SMALL = 32 * MEGABYTE
DEEPEST = 100
WHITESPACE = b" \t\r\n"
BOM = b"\xef\xbb\xbf"


def items(source: SourceFile, prefix: str) -> Iterator[Any]:
    """Yield each value at an ijson prefix (`UserDetailList.item`)."""
    at = 0
    with source.open() as stream:
        _skip_to_object(stream, source)
        try:
            for value in ijson.items(stream, prefix, use_float=True):
                yield value
                at += 1
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise broken(source, error, near=prefix.replace(".item", f"[{at}]")) from error


def top_level_names(source: SourceFile) -> dict[str, str]:
    """Return the names at the top of the document with the kind of their value.

    Come to first, it also refuses what could not be kept: numbers beyond 64 bits, over which
    the parser would end the process if they came as anything but C numbers, and deep nesting.
    """
    names: dict[str, str] = {}
    with source.open() as stream:
        _skip_to_object(stream, source)
        name = ""
        try:
            for event, value in _top_level(stream, source):
                if event == "map_key":
                    name = value
                elif name not in names:
                    names[name] = event
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise broken(source, error, near=name) from error
    return names


def broken(source: SourceFile, error: Exception, *, near: str) -> UnreadableSource:
    """Name the line where a small document breaks; of a large one the path."""
    where = f"near {near}" if near else ""
    reason = f"This is not valid JSON: {why_broken(error)}."
    if "overflow" in str(error):
        return source.refuse("It holds a number that is too large.", where=where)
    with source.open() as stream:
        text = stream.read(SMALL + 1)
    if len(text) <= SMALL:
        try:
            json.loads(text)
        except json.JSONDecodeError as exact:
            where = f"line {exact.lineno}, column {exact.colno}"
            reason = f"This is not valid JSON: {exact.msg}."
        except UnicodeDecodeError as exact:
            where = f"byte {exact.start}"
            reason = "This is not UTF-8 text."
    return source.refuse(reason, where=where)


def _top_level(stream: io.BufferedReader, source: SourceFile) -> Iterator[tuple[str, Any]]:
    depth, name = 0, ""
    for event, value in ijson.basic_parse(stream, use_float=True):
        if event in {"end_map", "end_array"}:
            depth -= 1
        elif depth == 1:
            name = value if event == "map_key" else name
            yield event, value
        if event in {"start_map", "start_array"}:
            depth += 1
            if depth > DEEPEST:
                reason = f"It is nested more than {DEEPEST} levels deep."
                raise source.refuse(reason, where=f"near {name}")


def _skip_to_object(stream: io.BufferedReader, source: SourceFile) -> None:
    start = stream.peek(64)
    if start.startswith(BOM):
        stream.read(len(BOM))
        start = start[len(BOM) :]
    if start.lstrip(WHITESPACE)[:1] != b"{":
        raise source.refuse("This is not the JSON document expected: it does not begin with {.")
