"""Keyset pages: the rows after a row, in an order that an index serves.

A page costs the same at any depth, and rows that come or go elsewhere neither repeat nor skip
any. The primary key breaks ties. Nulls stand together at one end of the order, and are walked
as a stretch of their own, so that each stretch is one range of the index.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleLessThan,
)

# Whether a stretch holds the nulls; None where nothing can be null.
type Stretch = bool | None


@dataclass(frozen=True, slots=True)
class Order:
    """How rows stand: by some fields of their own table, then by primary key."""

    fields: tuple[str, ...] = ()
    descending: bool = False
    nulls_are_smallest: bool = False

    def nullable(self, model: type[Model]) -> bool:
        nullable = [name for name in self.fields if model._meta.get_field(name).null]
        if nullable and len(self.fields) > 1:
            raise ImproperlyConfigured(f"{nullable} may be null: sort by each such field alone.")
        return bool(nullable)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: the sorted values of its last row, and that row's key."""

    values: tuple[Any, ...]
    pk: Any

    @property
    def in_nulls(self) -> bool:
        return None in self.values


@dataclass(frozen=True, slots=True)
class KeysetPage:
    rows: Sequence[Any]
    before: str = ""
    after: str = ""


def cursor_of(row: Model, order: Order) -> str:
    values = [getattr(row, name) for name in (*order.fields, "pk")]
    plain = [_plain(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def cursor_from(token: str, model: type[Model], order: Order) -> Cursor | None:
    """Read a cursor out of a URL; None if it is not one, or is one of another order."""
    try:
        padded = token + "=" * (-len(token) % 4)
        plain = json.loads(base64.urlsafe_b64decode(padded.encode()))
        names = (*order.fields, model._meta.pk.name)
        if not isinstance(plain, list) or len(plain) != len(names):
            return None
        values = [_parsed(model, name, value) for name, value in zip(names, plain, strict=True)]
    except (ValueError, binascii.Error, ValidationError, TypeError, RecursionError):
        return None
    *sorted_values, pk = values
    return None if pk is None else Cursor(tuple(sorted_values), pk)


def page_of(
    rows: QuerySet, order: Order, *, size: int, after: str = "", before: str = ""
) -> KeysetPage:
    """One page. A cursor that cannot be read, or that leads nowhere, gives the first page."""
    model = rows.model
    if before and (cursor := cursor_from(before, model, order)):
        found = _take(rows, order, limit=size + 1, cursor=cursor, backwards=True)
        if len(found) > size:
            shown = found[:size][::-1]
            return KeysetPage(shown, cursor_of(shown[0], order), cursor_of(shown[-1], order))
    elif after and (cursor := cursor_from(after, model, order)):
        found = _take(rows, order, limit=size + 1, cursor=cursor)
        if found:
            return _forward(found, order, size=size, has_earlier=True)
    return _forward(_take(rows, order, limit=size + 1), order, size=size, has_earlier=False)


def ordered(rows: QuerySet, order: Order) -> QuerySet:
    """All rows in this order, for reading from end to end."""
    nulls_last = order.descending == order.nulls_are_smallest
    keys = [F(name) for name in order.fields]
    if order.nullable(rows.model):
        where = {"nulls_last": True} if nulls_last else {"nulls_first": True}
    else:
        where = {}
    sort = [key.desc(**where) if order.descending else key.asc(**where) for key in keys]
    return rows.order_by(*sort, "-pk" if order.descending else "pk")


def _forward(found: list, order: Order, *, size: int, has_earlier: bool) -> KeysetPage:
    shown = found[:size]
    return KeysetPage(
        shown,
        before=cursor_of(shown[0], order) if has_earlier else "",
        after=cursor_of(shown[-1], order) if len(found) > size else "",
    )


def _take(
    rows: QuerySet,
    order: Order,
    *,
    limit: int,
    cursor: Cursor | None = None,
    backwards: bool = False,
) -> list:
    taken: list = []
    descending = order.descending != backwards
    for nulls in _stretches(rows.model, order, descending=descending):
        if cursor is not None and cursor.in_nulls != bool(nulls):
            continue
        found = _stretch(rows, order, nulls=nulls, descending=descending, cursor=cursor)
        wanted = limit - len(taken)
        taken += found[:wanted] if cursor is None else _keys_first(rows, found, wanted)
        cursor = None
        if len(taken) == limit:
            break
    return taken


def _keys_first(rows: QuerySet, found: QuerySet, limit: int) -> QuerySet:
    """Find the keys of a later page along the index, and only then what is joined to them.

    The planner judges a row comparison by its first column alone. Where many rows tie in it, it
    expects to find none, and would join them all before it takes fifty.
    """
    return rows.filter(pk__in=found.values("pk")[:limit]).order_by(*found.query.order_by)


def _stretches(model: type[Model], order: Order, *, descending: bool) -> tuple[bool | None, ...]:
    """The stretches to walk, in turn: nulls or values; None where nothing can be null."""
    if not order.nullable(model):
        return (None,)
    nulls_come_first = order.nulls_are_smallest != descending
    return (True, False) if nulls_come_first else (False, True)


def _stretch(
    rows: QuerySet,
    order: Order,
    *,
    nulls: Stretch,
    descending: bool,
    cursor: Cursor | None,
) -> QuerySet:
    names = () if nulls else order.fields
    if nulls is not None:
        rows = rows.filter(**{f"{order.fields[0]}__isnull": nulls})
    if cursor is not None:
        values = (*cursor.values, cursor.pk) if names else (cursor.pk,)
        beyond = TupleLessThan if descending else TupleGreaterThan
        if names:
            rows = rows.filter(beyond(Tuple(*(F(n) for n in (*names, "pk"))), values))
        else:
            rows = rows.filter(**{"pk__lt" if descending else "pk__gt": cursor.pk})
    return rows.order_by(*(f"-{name}" if descending else name for name in (*names, "pk")))


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _parsed(model: type[Model], name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list | dict) or "\x00" in str(value):
        raise ValidationError("Not a value.")
    field: Any = model._meta.get_field(name)
    parsed = field.to_python(value)
    field.run_validators(parsed)
    return parsed
