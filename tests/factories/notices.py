import factory
from django.utils import timezone

from apps.core.actors import System
from apps.notices import services
from apps.notices.models import Ladder, LadderStep, Route
from apps.notices.states import By
from tests.factories.accounts import UserFactory


class RouteFactory(factory.django.DjangoModelFactory):
    """By mail to somebody; `pagerduty`, `chat`, and `webhook` as their names say."""

    class Meta:
        model = Route

    class Params:
        chat = factory.Trait(by=By.CHAT, person=None, secret="env:COUNTERSIGN_SECRET_TEST_CHAT")
        pagerduty = factory.Trait(
            by=By.PAGERDUTY, person=None, secret="env:COUNTERSIGN_SECRET_TEST_PAGER"
        )
        webhook = factory.Trait(
            by=By.WEBHOOK,
            person=None,
            url="https://hooks.example.com/countersign",
            secret="env:COUNTERSIGN_SECRET_TEST_HOOK",
        )
        retired = factory.Trait(retired_at=factory.LazyFunction(timezone.now))

    name = factory.Sequence("Route {}".format)
    by = By.MAIL
    person = factory.SubFactory(UserFactory)


class LadderFactory(factory.django.DjangoModelFactory):
    """Of the house, unless a team is given."""

    class Meta:
        model = Ladder


class LadderStepFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LadderStep

    ladder = factory.SubFactory(LadderFactory)
    # Past what a test numbers by hand.
    position = factory.Sequence(lambda n: n + 1000)
    route = factory.SubFactory(RouteFactory)


def ladder_of(*steps, team=None):
    """A ladder of routes, each with its minutes, or without."""
    ladder = LadderFactory(team=team)
    for at, step in enumerate(steps, 1):
        route, minutes = step if isinstance(step, tuple) else (step, None)
        LadderStepFactory(ladder=ladder, position=at, route=route, minutes=minutes)
    return ladder


def page_sent(about=None, **said):
    """A page as a service sends it."""
    about = about or UserFactory()
    values = {
        "subject": "A revoked key was used",
        "body": "It was used after it was revoked.",
        "severity": "critical",
        "team_id": None,
        "dedupe_key": f"test:{about.pk}",
        "actor": System("test"),
    }
    return services.page_send(about=about, **values | said)
