"""What is due, for whom, and who is told of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Person
from apps.findings.rules import rule_named
from apps.inventory.models import Credential
from apps.notices.models import Notice
from apps.rotation.models import Reminder
from apps.rotation.selectors.due import month_of
from apps.rotation.services.reminding import reminders_send
from apps.rotation.tables import DueTable
from tests.core.indexes import assert_sorts_are_indexed
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def due_in(days, *, every=30, **more):
    """A credential whose own interval ends in so many days."""
    issued = timezone.now() + timedelta(days=days - every)
    return CredentialFactory(issued_at=issued, rotation_days=every, **more)


def kept_by(person, credential, **more):
    BindingFactory(agent=AgentFactory(owner=person, **more), identity=credential.identity)
    return credential


def rows(response):
    return [one.pk for one in response.context["listing"].page.rows]


def listed(client, **query):
    return rows(client.get(reverse("rotation:due_list", query=query)))


def test_a_list_of_what_is_due_sorts_by_an_index():
    assert_sorts_are_indexed(DueTable)


def test_the_list_stands_by_day_and_leaves_out_what_is_over(as_steward):
    later, sooner, late = due_in(20), due_in(5), due_in(-3)
    due_in(1, state="verified", ended_at=timezone.now())
    due_in(1, gone=True)
    CredentialFactory(kind="managed")

    assert listed(as_steward) == [late.pk, sooner.pk, later.pk]
    assert listed(as_steward, due="overdue") == [late.pk]
    assert listed(as_steward, due="7") == [sooner.pk]
    assert listed(as_steward, due="30") == [sooner.pk, later.pk]


def test_the_list_is_kept_to_the_agents_of_one_owner(as_steward):
    owner, keeper = UserFactory(), UserFactory()
    owned = kept_by(owner, due_in(3))
    kept = kept_by(UserFactory(), due_in(4), technical_owner=keeper)
    due_in(5)

    assert listed(as_steward, owner=owner.pk) == [owned.pk]
    assert listed(as_steward, owner=keeper.pk) == [kept.pk]


def test_a_reviewer_sees_what_is_due_on_their_own_agents(as_reviewer, reviewer):
    mine = kept_by(reviewer, due_in(3))
    due_in(4)

    assert listed(as_reviewer) == [mine.pk]


def test_each_number_leads_to_what_it_counts(as_steward):
    for days in (-3, -2, 5, 20):
        due_in(days)

    response = as_steward.get(reverse("rotation:due_list"))

    counted = {one.label: one.count.value for one in response.context["figures"]}
    assert counted == {"Overdue": 2, "Due within 7 days": 1, "Due within 30 days": 2}
    for figure in response.context["figures"]:
        assert len(rows(as_steward.get(figure.href))) == figure.count.value


def test_the_calendar_counts_each_day_and_leads_to_it(as_steward):
    for hour in (3, 22):
        CredentialFactory(issued_at=datetime(2026, 10, 20, hour, tzinfo=UTC), rotation_days=28)
    CredentialFactory(issued_at=datetime(2026, 10, 21, 3, tzinfo=UTC), rotation_days=28)

    response = as_steward.get(reverse("rotation:due_calendar", query={"month": "2026-11"}))

    month = response.context["month"]
    counted = {day.on.isoformat(): day for week in month.weeks for day in week if day.count}
    assert {on: day.count for on, day in counted.items()} == {"2026-11-17": 2, "2026-11-18": 1}
    assert (month.total, month.before, month.after) == (3, "2026-10", "2026-12")
    assert len(rows(as_steward.get(counted["2026-11-17"].href))) == 2
    assert len(rows(as_steward.get(month.href))) == 3


def test_a_month_that_is_none_is_this_one(as_steward):
    response = as_steward.get(reverse("rotation:due_calendar", query={"month": "2026-13"}))

    assert response.context["month"].first == timezone.localdate().replace(day=1)


def test_pages_ask_the_same_number_of_questions_however_much_is_due(
    as_steward, django_assert_max_num_queries
):
    for day in range(1, 20):
        kept_by(UserFactory(), due_in(day))

    with django_assert_max_num_queries(14):
        as_steward.get(reverse("rotation:due_list"))
    with django_assert_max_num_queries(12):
        as_steward.get(reverse("rotation:due_calendar"))


def test_who_keeps_the_agent_running_is_told_three_times_and_never_twice(system):
    keeper = UserFactory()
    credential = kept_by(UserFactory(), due_in(20), technical_owner=keeper)
    now = timezone.now()

    said = {}
    for day in range(22):
        for _ in range(2):
            reminders_send(moment=now + day * DAY, actor=system)
        said[day] = Notice.objects.filter(recipient=keeper).count()

    assert [day for day in said if said[day] > said.get(day - 1, 0)] == [6, 17, 20]
    assert Notice.objects.count() == 3
    notice = Notice.objects.order_by("-pk").first()
    assert notice.subject == f"{credential.identity} · {credential} is due for rotation now"
    assert credential.get_absolute_url() in notice.body


def test_many_due_at_once_make_one_notice_for_each_person(system):
    keeper = UserFactory()
    agent = AgentFactory(owner=keeper)
    for _ in range(25):
        BindingFactory(agent=agent, identity=due_in(2).identity)

    assert reminders_send(moment=timezone.now(), actor=system) == 25

    notice = Notice.objects.get()
    assert notice.subject == "25 credentials are due for rotation within 3 days"
    assert "and 5 more." in notice.body


def test_where_nobody_keeps_it_the_stewards_are_told(system):
    steward = UserFactory(steward=True)
    kept_by(UserFactory(is_active=False, deactivated_at=timezone.now()), due_in(2))
    due_in(2)

    reminders_send(moment=timezone.now(), actor=system)

    assert [one.recipient for one in Notice.objects.all()] == [steward]


def test_what_was_overdue_long_before_is_left_to_its_finding(system):
    due_in(-30)

    assert reminders_send(moment=timezone.now(), actor=system) == 0
    assert not Reminder.objects.exists()


def test_a_rotated_one_is_told_of_anew(system):
    UserFactory(steward=True)
    credential = due_in(2)
    reminders_send(moment=timezone.now(), actor=system)
    Credential.objects.filter(pk=credential.pk).update(rotated_at=timezone.now())

    reminders_send(moment=timezone.now() + 28 * DAY, actor=system)

    assert Notice.objects.count() == 2


def test_an_overdue_rotation_is_a_finding_until_it_is_done():
    late, house = due_in(-3), CredentialFactory(issued_at=timezone.now() - 200 * DAY)
    rule = rule_named("credential-rotation-overdue")

    found = {one.pk: one.finding_detail for one in rule.subjects(timezone.now())}

    assert found == {late.pk: "3 days overdue"}
    assert house.pk in {
        one.pk for one in rule_named("credential-long-lived").subjects(timezone.now())
    }
    Credential.objects.filter(pk=late.pk).update(rotated_at=timezone.now())
    assert not rule.subjects(timezone.now()).exists()


def test_a_month_is_told_as_the_actor_may_see_it(reviewer):
    due_in(0)
    first = timezone.localdate().replace(day=1)

    assert month_of(Person(reviewer), first).total == 0
