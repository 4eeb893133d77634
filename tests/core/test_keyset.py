from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.accounts.models import User
from apps.core.keyset import Order, cursor_of, ordered, page_of
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

SEEN = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def people():
    """Ties and nulls: four never seen, two on each of three days."""
    seen = [None, SEEN, SEEN + timedelta(days=1), None, SEEN, SEEN + timedelta(days=2)]
    seen += [None, SEEN + timedelta(days=1), SEEN + timedelta(days=2), None]
    return [UserFactory(last_login=moment) for moment in seen]


def walk(order, *, size, rows=None):
    """Every page forwards, then every page back again."""
    rows = User.objects.all() if rows is None else rows
    page = page_of(rows, order, size=size)
    forwards = [page]
    while page.after:
        page = page_of(rows, order, size=size, after=page.after)
        forwards.append(page)
    backwards = [page]
    while page.before:
        page = page_of(rows, order, size=size, before=page.before)
        backwards.append(page)
    return forwards, backwards[::-1]


def pks(pages):
    return [row.pk for page in pages for row in page.rows]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 10, 50])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("nulls_are_smallest", [False, True])
def test_walking_the_pages_meets_every_row_once_and_in_order(
    people, size, descending, nulls_are_smallest
):
    order = Order(("last_login",), descending, nulls_are_smallest)

    forwards, backwards = walk(order, size=size)

    expected = [row.pk for row in ordered(User.objects.all(), order)]
    assert pks(forwards) == expected
    assert sorted(expected) == sorted(person.pk for person in people)
    assert set(pks(backwards)) == set(expected)


@pytest.mark.parametrize("descending", [False, True])
def test_going_back_shows_the_page_one_came_from(people, descending):
    order = Order(("last_login",), descending)

    forwards, backwards = walk(order, size=5)

    assert [row.pk for row in forwards[0].rows] == [row.pk for row in backwards[0].rows]


def test_nulls_are_the_largest_unless_said_otherwise(people):
    last = page_of(User.objects.all(), Order(("last_login",)), size=50).rows[-1]
    first = page_of(
        User.objects.all(), Order(("last_login",), nulls_are_smallest=True), size=50
    ).rows[0]

    assert last.last_login is None
    assert first.last_login is None


def test_a_row_that_comes_in_before_does_not_repeat_another(people):
    order = Order(("display_name",))
    first = page_of(User.objects.all(), order, size=5)
    UserFactory(display_name="A newcomer before everybody")

    second = page_of(User.objects.all(), order, size=5, after=first.after)

    assert not {row.pk for row in first.rows} & {row.pk for row in second.rows}


def test_a_cursor_survives_the_removal_of_its_own_row(people):
    order = Order(("display_name",))
    first = page_of(User.objects.all(), order, size=5)
    expected = page_of(User.objects.all(), order, size=5, after=first.after).rows
    others = User.objects.exclude(pk=first.rows[-1].pk)

    after = page_of(others, order, size=5, after=first.after)

    assert [row.pk for row in after.rows] == [row.pk for row in expected]


@pytest.mark.parametrize(
    "token",
    ["nonsense", "%%%", "W10", "bnVsbA", "WyJ4Il0", "W1sxXSwgMV0", "WyJcdTAwMDAiLCAxXQ", "W" * 999],
)
def test_a_cursor_that_cannot_be_read_gives_the_first_page(people, token):
    order = Order(("last_login",))

    page = page_of(User.objects.all(), order, size=3, after=token)

    assert page.before == ""
    assert len(page.rows) == 3


def test_a_cursor_of_another_order_gives_the_first_page(people):
    token = cursor_of(people[3], Order(("display_name",)))

    page = page_of(User.objects.all(), Order(("last_login",)), size=3, after=token)

    assert page.before == ""


def test_a_page_is_one_query_however_deep(people, django_assert_num_queries):
    order = Order(("display_name",))
    token = cursor_of(people[6], order)

    with django_assert_num_queries(1) as queries:
        page_of(User.objects.all(), order, size=2, after=token)

    keys, _, rest = queries[0]["sql"].partition(" IN (SELECT ")[2].partition(" LIMIT ")
    assert '("U0"."display_name", "U0"."id") >' in keys
    assert rest.startswith("3)")


def test_several_fields_sort_together_only_if_none_may_be_null(people):
    with pytest.raises(ImproperlyConfigured, match="last_login"):
        page_of(User.objects.all(), Order(("display_name", "last_login")), size=3)
