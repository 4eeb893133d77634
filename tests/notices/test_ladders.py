"""Who is on call: a ladder is replaced as a whole, by a steward, with a reason."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.notices import services
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.notices import RouteFactory

pytestmark = pytest.mark.django_db


def mail_to(name):
    return RouteFactory(name=f"Mail to {name}", person=UserFactory(display_name=name))


def change(person, *steps, team=None, reason="A new week"):
    return services.ladder_change(
        team_id=team and team.pk, steps=steps, reason=reason, actor=Person(person)
    )


@pytest.mark.django_db(transaction=True)
def test_a_ladder_is_replaced_as_a_whole_and_recorded(steward):
    ada, ben = mail_to("Ada"), mail_to("Ben")
    change(steward, (ada.pk, None))
    ladder = change(steward, (ben.pk, 5), (ada.pk, None))

    routes = [step.route for step in ladder.steps.all()]
    assert routes == [ben, ada]
    entry = AuditEntry.objects.filter(verb="notices.ladder.changed").latest("pk")
    assert entry.changes["steps"] == [
        ["Mail to Ada, the usual time"],
        ["Mail to Ben, 5 min", "Mail to Ada, the usual time"],
    ]
    assert entry.reason == "A new week"


def test_what_makes_no_ladder_is_refused(steward):
    ada, retired = mail_to("Ada"), RouteFactory(retired=True)
    many = [(RouteFactory().pk, None) for _ in range(7)]

    for steps, match in [
        ([(ada.pk, None), (ada.pk, 3)], "once"),
        ([(retired.pk, None)], "retired"),
        ([(ada.pk, -1)], "minutes"),
        ([(ada.pk, 1441)], "minutes"),
        (many, "at most 6"),
    ]:
        with pytest.raises(DomainError, match=match), transaction.atomic():
            change(steward, *steps)
    with pytest.raises(DomainError, match="Say why"):
        change(steward, (ada.pk, None), reason=" ")


def test_only_a_steward_says_who_is_on_call(reviewer):
    with pytest.raises(PermissionDenied):
        change(reviewer, (mail_to("Ada").pk, None))
    with pytest.raises(PermissionDenied):
        change(SeatFactory().user)
