"""The cells of a table as HTML, drawn column by column.

django-tables2 declares columns. Asked for a cell, it finds anew the field, the arguments of the
function that draws, and the attributes: for fifty rows most of what a page costs. Here that is
found once for a column.
"""

from collections.abc import Callable, Iterator
from functools import cache
from inspect import Parameter, signature
from typing import Any

import django_tables2 as tables
from django.utils.formats import localize
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe
from django_tables2.columns import BoundColumn

type Drawer = Callable[[Any], str]
# What django-tables2 offers a function that draws a cell, by the names of its arguments.
OFFERED = ("value", "record", "column", "bound_column", "bound_row", "table")


def link(href: str, words: Any, kind: str = "text-break") -> SafeString:
    """What a row is of, by its name, as the link to its page."""
    drawn = f'<a class="{kind}" href="{escape(href)}">{conditional_escape(words)}</a>'
    return mark_safe(drawn)  # noqa: S308


def drawn_rows(table: tables.Table) -> Iterator[SafeString]:
    """The `td` elements of each row. Their attributes are those of the column, for every row."""
    drawers = [_drawer(table, column) for column in table.columns.itervisible()]
    for row in table.rows:
        yield mark_safe("".join(draw(row) for draw in drawers))  # noqa: S308


def _drawer(table: tables.Table, column: BoundColumn) -> Drawer:
    attributes = {"data-label": column.header, **column.attrs["td"]}
    start = f"<td{_attributes(attributes)}>"
    default = conditional_escape(column.default)
    read = _reader(table, column)
    render = column.render
    wanted = _wanted(getattr(render, "__func__", render))
    empty = column.column.empty_values
    link = column.link

    def draw(row: Any) -> str:
        value = read(row.record)
        if value in empty:
            return f"{start}{default}</td>"
        known = {
            "value": value,
            "record": row.record,
            "column": column.column,
            "bound_column": column,
            "bound_row": row,
            "table": table,
        }
        drawn = _escaped(render(**{name: known[name] for name in wanted}))
        href = link and link.compose_url(**known)
        linked = f'<a href="{escape(href)}">{drawn}</a>' if href else drawn
        return f"{start}{linked}</td>"

    return draw


def _escaped(value: Any) -> str:
    if type(value) is int:
        return str(value)
    return value if isinstance(value, SafeString) else conditional_escape(localize(value))


def _attributes(given: dict[str, Any]) -> str:
    present = ((name, value) for name, value in given.items() if value is not None)
    return "".join(f' {name}="{conditional_escape(value)}"' for name, value in present)


def _reader(table: tables.Table, column: BoundColumn) -> Callable[[Any], Any]:
    """What reads a column's value off a record: in words, where its field has choices."""
    names = str(column.accessor).split(column.accessor.SEPARATOR)
    field = column.accessor.get_field(table._meta.model)
    words = dict(getattr(field, "flatchoices", None) or ())

    def read(record: Any) -> Any:
        value = record
        for name in names:
            value = getattr(value, name, None)
        value = value() if callable(value) else value
        return words.get(value, value) if words else value

    return read


@cache
def _wanted(function: Callable[..., Any]) -> tuple[str, ...]:
    """What a column's function takes of what is offered; all of it, if it takes any keyword."""
    parameters = signature(function).parameters
    if any(one.kind == Parameter.VAR_KEYWORD for one in parameters.values()):
        return OFFERED
    return tuple(name for name in OFFERED if name in parameters)
