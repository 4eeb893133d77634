import django_tables2 as tables
import pytest
from django.core.exceptions import FieldFetchBlocked
from django.db.models import FETCH_RAISE

from apps.accounts.models import User
from apps.core.actors import Role
from apps.core.tables import MonoColumn, NumberColumn, PersonColumn, Table
from tests.factories.accounts import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


class PersonTable(Table):
    display_name = tables.Column(linkify=lambda record: f"/people/{record.email}")
    role = tables.Column()
    team = tables.Column(accessor="team__name", default="none")
    manager = PersonColumn(accessor="team__manager")
    username = MonoColumn()
    pk = NumberColumn(verbose_name="Number")

    class Meta(Table.Meta):
        model = User
        fields = ["display_name", "role", "team", "manager", "username", "pk"]

    def render_role(self, value):
        return f"is {value}"


def drawn(person):
    (row,) = PersonTable([person]).drawn_rows()
    return row


def test_a_cell_carries_its_label_its_class_and_its_value_in_words():
    person = UserFactory(display_name="Ada", email="ada@example.com", role=Role.STEWARD)

    cells = drawn(person)

    assert '<td data-label="Display name"><a href="/people/ada@example.com">Ada</a></td>' in cells
    assert '<td data-label="Role">is Steward</td>' in cells
    assert f'<td data-label="Number" class="num text-md-end">{person.pk}</td>' in cells


def test_what_comes_from_outside_is_escaped_in_a_cell():
    person = UserFactory(display_name="<b>Ada</b>", username="<script>")

    cells = drawn(person)

    assert "<b>" not in cells
    assert "&lt;b&gt;Ada&lt;/b&gt;" in cells
    assert '<span class="mono text-break">&lt;script&gt;</span>' in cells


def test_a_cell_without_a_value_says_what_its_column_says():
    cells = drawn(UserFactory(team=None))

    assert '<td data-label="Team">none</td>' in cells
    assert '<td data-label="Manager"><span class="text-secondary">nobody</span></td>' in cells


def test_a_row_that_was_not_loaded_with_what_it_shows_is_refused():
    person = UserFactory(team=TeamFactory())
    unloaded = User.objects.fetch_mode(FETCH_RAISE).get(pk=person.pk)

    with pytest.raises(FieldFetchBlocked):
        drawn(unloaded)
