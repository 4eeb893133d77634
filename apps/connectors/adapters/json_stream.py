"""Read members of large JSON documents one at a time, and say where a document is broken."""

import io
import json
from collections.abc import Iterator
from typing import Any

import ijson

from apps.connectors.adapters.contract import UnreadableSource
from apps.connectors.adapters.opening import MEGABYTE, SourceFile

SMALL = 32 * MEGABYTE
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
    """Return the names at the top of the document with the kind of their value."""
    names: dict[str, str] = {}
    with source.open() as stream:
        _skip_to_object(stream, source)
        name = ""
        try:
            for event, value in _top_level(stream):
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
    reason = f"This is not valid JSON: {str(error).splitlines()[0]}."
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


def _top_level(stream: io.BufferedReader) -> Iterator[tuple[str, Any]]:
    depth = 0
    for event, value in ijson.basic_parse(stream):
        if event in {"end_map", "end_array"}:
            depth -= 1
        elif depth == 1:
            yield event, value
        if event in {"start_map", "start_array"}:
            depth += 1


def _skip_to_object(stream: io.BufferedReader, source: SourceFile) -> None:
    start = stream.peek(64)
    if start.startswith(BOM):
        stream.read(len(BOM))
        start = start[len(BOM) :]
    if start.lstrip(WHITESPACE)[:1] != b"{":
        raise source.refuse("This is not the JSON document expected: it does not begin with {.")
