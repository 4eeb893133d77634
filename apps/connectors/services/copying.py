"""Rows into PostgreSQL by COPY, where there are too many for INSERT."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def copy_in(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows of a model, given as its fields' values; returns how many.

    Nothing of a model's Python runs: no defaults, no validation. Lists and objects become JSON.
    """
    quote = connection.ops.quote_name
    columns = [quote(_column(model, name)) for name in fields]
    statement = f"COPY {quote(model._meta.db_table)} ({', '.join(columns)}) FROM STDIN"
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([_plain(value) for value in row])
            count += 1
    return count


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list | tuple) else value


def _column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{name} is no column of {model.__name__}.")
    return field.column
