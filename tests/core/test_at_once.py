"""Migrations that render models once leave the same tables as Django's own do."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from apps.core.at_once import AtOnce, goes

ID = ("id", models.BigAutoField(primary_key=True))


def shelf_and_book():
    """A model that is changed after it was made, and a field that is changed twice."""
    return [
        migrations.CreateModel("Shelf", [ID, ("room", models.CharField(max_length=10))]),
        migrations.CreateModel(
            "Book",
            [ID, ("name", models.CharField(max_length=10))],
            {"indexes": [models.Index(fields=["name"], name="at_once_book_name")]},
        ),
        migrations.RunSQL("INSERT INTO atonce_shelf (room) VALUES ('attic')", ""),
        migrations.AddField("book", "shelf", models.ForeignKey("atonce.shelf", models.PROTECT)),
        migrations.AddConstraint(
            "book", models.UniqueConstraint(fields=["shelf", "name"], name="at_once_book_once")
        ),
        migrations.AddField("shelf", "depth", models.IntegerField(default=3)),
        migrations.AlterField("shelf", "depth", models.BigIntegerField(null=True)),
        migrations.RemoveConstraint("book", "at_once_book_once"),
        migrations.RunPython(_count_shelves, migrations.RunPython.noop),
        migrations.AddConstraint(
            "book",
            models.CheckConstraint(
                condition=models.Q(name__gt=""), name="at_once_book_once"
            ),
        ),
        migrations.RemoveField("shelf", "room"),
    ]  # fmt: skip


def _count_shelves(apps, schema_editor):
    shelf = apps.get_model("atonce", "Shelf").objects.get()
    assert (shelf.room, shelf.depth) == ("attic", 3)


def tables_of(kind, *, rendered):
    migration = kind("0001_books", "atonce")
    migration.operations = shelf_and_book()
    state = ProjectState()
    if rendered:
        assert state.apps is not None
    with connection.schema_editor() as editor:
        after = migration.apply(state, editor)
    with connection.cursor() as cursor:
        told = [
            (
                table,
                sorted((one.name, one.type_code, one.null_ok) for one in columns),
                sorted(
                    (name, one["columns"], one["unique"], one["check"], one["foreign_key"])
                    for name, one in connection.introspection.get_constraints(cursor, table).items()
                ),
            )
            for table in ("atonce_shelf", "atonce_book")
            for columns in [connection.introspection.get_table_description(cursor, table)]
        ]
        cursor.execute("DROP TABLE atonce_book, atonce_shelf")
    return told, after


@pytest.mark.django_db
@pytest.mark.parametrize("rendered", [True, False])
def test_the_same_tables_as_by_djangos_own(rendered):
    ours, state = tables_of(AtOnce, rendered=rendered)
    theirs, expected = tables_of(migrations.Migration, rendered=rendered)

    assert ours == theirs
    assert "at_once_book_name" in {name for name, *_ in ours[1][2]}
    assert state == expected
    assert {field.name for field in state.apps.get_model("atonce", "Shelf")._meta.fields} == {
        "id",
        "depth",
    }


def test_what_does_not_build_on_another_shares_a_go():
    names = [[type(one).__name__ for one in go] for go in goes(shelf_and_book())]

    assert names == [
        ["CreateModel", "CreateModel", "RunSQL"],
        ["AddField", "AddConstraint", "AddField"],
        ["AlterField", "RemoveConstraint"],
        ["RunPython"],
        ["AddConstraint"],
        ["RemoveField"],
    ]


def test_no_model_of_our_own_is_made_in_two_goes_but_for_circles():
    """A fresh database is what every test and every first start waits for."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    ours = [one for one in loader.disk_migrations.values() if isinstance(one, AtOnce)]

    many = {str(one): len(list(goes(one.operations))) for one in ours}

    assert len(ours) > 50
    assert max(many.values()) <= 3, many
