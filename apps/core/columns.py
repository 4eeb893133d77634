"""Which columns a list shows: the reader's choice, kept in the URL."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict

from apps.core.tables import Table


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    label: str
    shown: bool


def shown_columns(table_class: type[Table], query: QueryDict) -> list[str]:
    """The columns asked for, in the table's order; the first one always, nonsense never."""
    names = list(table_class.base_columns)
    asked = {name for part in query.getlist("columns") for name in part.split(",")}
    wanted = asked & set(names)
    if not wanted:
        return [name for name in names if name not in table_class.Meta.extra]
    return [name for name in names if name in wanted or name == names[0]]


def column_choices(table: Table, shown: Sequence[str]) -> list[Choice]:
    """What the reader may show or hide: everything but the first column."""
    return [
        Choice(column.name, str(column.header), column.name in shown)
        for column in list(table.columns.iterall())[1:]
    ]
