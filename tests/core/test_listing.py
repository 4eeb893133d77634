import importlib
import re

import django_filters
import django_tables2 as tables
import pytest
from django.contrib.auth.models import AnonymousUser
from django_htmx.middleware import HtmxDetails

from apps.accounts.models import User
from apps.core.actors import Role
from apps.core.filters import FilterSet, SearchFilter
from apps.core.listing import count_capped, render_listing
from apps.core.tables import MomentColumn, StateColumn, Table
from tests.core.indexes import assert_sorts_are_indexed
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


class PersonTable(Table):
    display_name = tables.Column(verbose_name="Name")
    role = StateColumn()
    last_login = MomentColumn(verbose_name="Last seen")

    class Meta(Table.Meta):
        model = User
        fields = ["display_name", "email", "role", "last_login", "time_zone"]
        sortable = {"display_name": ("display_name",), "email": ("email",)}
        order_by = "display_name"
        extra = ("time_zone",)
        empty_text = "Nobody yet"
        per_page = 3


class UnindexedTable(PersonTable):
    class Meta(PersonTable.Meta):
        sortable = {"display_name": ("display_name",), "last_login": ("last_login",)}


class PersonFilterSet(FilterSet):
    q = SearchFilter("display_name")
    role = django_filters.MultipleChoiceFilter(choices=Role, label="Role")
    joined = django_filters.DateFromToRangeFilter(field_name="date_joined", label="Joined")


@pytest.fixture
def listing(rf):
    def get(query="", **options):
        request = rf.get(f"/people/{query}")
        request.user = AnonymousUser()
        request.htmx = HtmxDetails(request)
        response = render_listing(
            request,
            "core/listing.html",
            rows=User.objects.all(),
            **{"table_class": PersonTable, "filterset_class": PersonFilterSet, **options},
        )
        return response if response.streaming else response.render()

    return get


def names(response):
    return [row.display_name for row in response.context_data["listing"].page.rows]


def test_rows_stand_as_the_table_says(listing):
    for name in ["Cleo", "Ada", "Bo", "Dan"]:
        UserFactory(display_name=name)

    assert names(listing()) == ["Ada", "Bo", "Cleo"]
    assert names(listing("?sort=-display_name")) == ["Dan", "Cleo", "Bo"]


def test_a_sort_that_no_index_serves_is_left_aside(listing):
    for name in ["Bo", "Ada"]:
        UserFactory(display_name=name)

    assert names(listing("?sort=last_login")) == ["Ada", "Bo"]
    assert names(listing("?sort=password")) == ["Ada", "Bo"]


def test_the_next_page_keeps_the_search_and_the_sort(listing):
    for name in ["Ada one", "Ada two", "Ada three", "Ada four", "Bo"]:
        UserFactory(display_name=name)

    first = listing("?q=ada&sort=-display_name")
    second = listing(first.context_data["listing"].next_href)

    assert names(first) == ["Ada two", "Ada three", "Ada one"]
    assert names(second) == ["Ada four"]
    assert second.context_data["listing"].next_href == ""


def test_every_word_of_a_search_must_be_there_in_any_order(listing):
    UserFactory(display_name="Head of support")
    UserFactory(display_name="Head of billing")

    assert names(listing("?q=SUPPORT+head")) == ["Head of support"]


def test_a_word_too_short_for_the_index_is_refused_in_words_and_shows_every_row(listing):
    class LongFilterSet(PersonFilterSet):
        q = SearchFilter("display_name", at_least=3)

    UserFactory(display_name="Ada")
    UserFactory(display_name="Bo")

    refused = listing("?q=bo", filterset_class=LongFilterSet)
    long_enough = listing("?q=ada+d", filterset_class=LongFilterSet)

    assert "Search: Look for at least 3 characters in a row." in refused.content.decode()
    assert names(refused) == ["Ada", "Bo"]
    assert names(long_enough) == ["Ada"]
    assert "at least 3" not in long_enough.content.decode()


def test_a_filter_in_force_can_be_taken_away_alone(listing):
    UserFactory(display_name="Ada", role=Role.STEWARD)

    chips = listing("?q=ada&role=steward&joined_after=2020-01-01").context_data["listing"].chips

    assert [(chip.label, chip.value, chip.href) for chip in chips] == [
        ("Search", "ada", "?role=steward&joined_after=2020-01-01"),
        ("Role", "Steward", "?q=ada&joined_after=2020-01-01"),
        ("Joined", "from 1 Jan 2020", "?q=ada&role=steward"),
    ]


def test_no_filter_asks_for_the_number_of_a_record():
    importlib.import_module("config.urls")
    declared = [
        (one.__name__, name, filter_.label)
        for one in FilterSet.__subclasses__()
        for name, filter_ in one.base_filters.items()
        if "number" in str(filter_.label).lower()
    ]

    assert declared == []


def test_an_empty_list_and_a_search_without_result_say_different_things(listing):
    assert "Nobody yet" in listing().content.decode()
    assert "Nothing matches" in listing("?q=nobody").content.decode()


def test_chosen_columns_are_shown_and_nonsense_is_not(listing):
    UserFactory()

    html = listing("?columns=email,time_zone,password").content.decode()

    labels = re.findall(r'data-label="([^"]*)"', html)
    assert labels == ["Name", "Email address", "Time zone"]


def test_the_sorted_column_says_so(listing):
    UserFactory()

    html = listing("?sort=-email").content.decode()

    assert html.count('aria-sort="descending"') == 1
    assert html.count("aria-sort") == 1


def test_a_count_stops_where_it_stops_helping():
    UserFactory.create_batch(4)

    assert str(count_capped(User.objects.all(), at_most=3)) == "more than 10,000"
    assert str(count_capped(User.objects.all(), at_most=4)) == "4"


def test_a_page_costs_two_queries_however_many_rows_it_shows(listing, django_assert_num_queries):
    UserFactory.create_batch(5)

    with django_assert_num_queries(2):
        listing()


def test_the_export_carries_every_match_in_order_and_knows_how_many(listing):
    for name in ["Cleo", "Ada", "Bo", "Dan", "=1+1"]:
        UserFactory(display_name=name, email=f"{name[0].lower()}@example.com")

    response = listing("?export=csv&columns=email", csv_name="people")

    lines = b"".join(response.streaming_content).decode().split("\r\n")
    assert response.row_count == 5
    assert lines[0] == "Name,Email address"
    assert sorted(lines[1:]) == [
        "",
        "'=1+1,'=@example.com",
        "Ada,a@example.com",
        "Bo,b@example.com",
        "Cleo,c@example.com",
        "Dan,d@example.com",
    ]
    assert response["Content-Disposition"].startswith('attachment; filename="people-')


def test_a_list_without_a_name_for_its_file_exports_nothing(listing):
    UserFactory()

    response = listing("?export=csv")

    assert not response.streaming
    assert "Export" not in response.content.decode()


def test_the_sorts_of_a_table_are_held_against_the_indexes():
    assert_sorts_are_indexed(PersonTable)
    with pytest.raises(AssertionError, match="last_login"):
        assert_sorts_are_indexed(UnindexedTable)
