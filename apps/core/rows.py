"""Write many rows that differ in one statement: Django spends most of the time in Python."""

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any, cast

from django.db import connection, models

CHUNK = 1000


def rows_write(rows: Sequence[models.Model], fields: Iterable[str]) -> None:
    """Save some fields of many rows of one model, as `bulk_update` does."""
    names = list(dict.fromkeys(fields))
    if not rows or not names:
        return
    meta = rows[0]._meta
    columns = [cast("Any", meta.get_field(name)) for name in names]
    key: Any = meta.pk
    given = ", ".join(f"%s::{field.rel_db_type(connection)}[]" for field in (key, *columns))
    quoted = [connection.ops.quote_name(field.column) for field in columns]
    # Table and columns are the model's own; every value is a parameter.
    statement = (
        f"UPDATE {connection.ops.quote_name(meta.db_table)} AS kept"  # noqa: S608
        f" SET {', '.join(f'{name} = given.{name}' for name in quoted)}"
        f" FROM unnest({given}) AS given(key, {', '.join(quoted)})"
        f" WHERE kept.{connection.ops.quote_name(key.column)} = given.key"
    )
    with connection.cursor() as cursor:
        for chunk in batched(rows, CHUNK, strict=False):
            cursor.execute(statement, _arrays(chunk, [key, *columns]))


def _arrays(rows: Sequence[models.Model], fields: Sequence[models.Field]) -> list[list[object]]:
    return [
        [field.get_db_prep_save(getattr(row, field.attname), connection=connection) for row in rows]
        for field in fields
    ]
