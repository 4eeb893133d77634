"""The agreement between what a list sorts by and what the database has an index for."""

from django.db import models

from apps.core.tables import Table


def assert_sorts_are_indexed(table_class: type[Table]) -> None:
    """Every sortable column is a column, and has an index of its own that ends in the key."""
    model = table_class._meta.model
    columns = set(table_class([]).columns.names())
    declared = table_class.first_sort().removeprefix("-")
    unserved = [
        name
        for name, fields in table_class.Meta.sortable.items()
        if not _is_served(model, tuple(fields))
    ]

    assert set(table_class.Meta.sortable) <= columns
    assert set(table_class.Meta.nulls_smallest) <= set(table_class.Meta.sortable)
    assert set(table_class.Meta.extra) <= columns
    assert declared == "" or declared in table_class.Meta.sortable
    assert unserved == [], f"{table_class.__name__} sorts by {unserved} without an index"


def _is_served(model: type[models.Model], fields: tuple[str, ...]) -> bool:
    own = [model._meta.get_field(name) for name in fields]
    if len(own) == 1 and own[0].unique:
        return True
    key = (*fields, model._meta.pk.name)
    return any(_walks(index, key) for index in model._meta.indexes)


def _walks(index: models.Index, key: tuple[str, ...]) -> bool:
    signs = {name.startswith("-") for name in index.fields}
    bare = tuple(name.removeprefix("-").replace("pk", key[-1]) for name in index.fields)
    return index.condition is None and len(signs) == 1 and bare[: len(key)] == key
