"""Until when one that somebody stole now would work: in words, and as the database reckons it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.preferences import PREFERENCES
from apps.inventory.models import Credential
from apps.inventory.selectors.exposure import exposure_of
from apps.inventory.services.credentials import rotation_dates_refresh
from apps.inventory.states import STATIC_KINDS, CredentialKind
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def told(now, **facts):
    credential = CredentialFactory(**facts)
    exposure = exposure_of(credential, now)
    by_database = Credential.objects.with_exposure(now).get(pk=credential.pk).exposed_until
    assert by_database == exposure.until
    return exposure.briefly


def test_the_earliest_of_expiry_and_rotation_ends_it():
    now = timezone.now()

    assert told(now, expires_at=now + 10 * DAY, rotation_days=30) == "up to 10 days"
    assert told(now, issued_at=now - 25 * DAY, rotation_days=30) == "up to 5 days"
    assert (
        told(now, issued_at=now - 80 * DAY, rotated_at=now - 10 * DAY, rotation_days=30)
        == "up to 20 days"
    )
    assert told(now, kind="lease", expires_at=now + DAY / 2) == "up to 12 hours"


def test_what_neither_ends_nor_rotates_works_until_somebody_ends_it():
    now = timezone.now()

    assert told(now) == "until somebody ends it"
    assert told(now, issued_at=None, rotation_days=30) == "until somebody ends it"


def test_a_rotation_that_is_overdue_ends_nothing():
    now = timezone.now()
    credential = CredentialFactory(issued_at=now - 44 * DAY, rotation_days=30)

    exposure = exposure_of(credential, now)

    assert (exposure.is_open, exposure.briefly) == (True, "until somebody ends it")
    assert exposure.why == "Its rotation is 14 days overdue, so nothing ends it by itself."


def test_what_is_dead_or_holds_no_secret_cannot_be_stolen():
    over = CredentialFactory(state="verified", ended_at=timezone.now())

    assert not exposure_of(over).works
    assert not exposure_of(CredentialFactory(kind="managed")).works
    assert not exposure_of(CredentialFactory(gone=True)).works


@pytest.mark.parametrize("kind", CredentialKind.values)
def test_the_database_reckons_when_rotation_is_due_as_the_settings_say(kind):
    issued = timezone.now()
    credential = CredentialFactory(kind=kind, issued_at=issued)
    own = CredentialFactory(kind=kind, issued_at=issued, rotation_days=7)
    days = PREFERENCES["static_key_days"].default

    credential.refresh_from_db()
    own.refresh_from_db()

    assert credential.rotation_due_at == (issued + days * DAY if kind in STATIC_KINDS else None)
    assert own.rotation_due_at == issued + 7 * DAY


def test_the_day_follows_a_new_secret_and_a_new_interval():
    credential = CredentialFactory(rotation_days=30)
    credential.rotated_at, credential.rotation_days = timezone.now() + DAY, 10
    credential.save(update_fields=["rotated_at", "rotation_days"])

    credential.refresh_from_db()

    assert credential.rotation_due_at == credential.rotated_at + 10 * DAY


def test_a_new_rule_of_the_house_moves_the_days_it_gave(as_steward):
    by_house, own = CredentialFactory(), CredentialFactory(rotation_days=5)

    as_steward.post(
        reverse("accounts:policy_change", args=["static_key_days"]),
        {"value": 30, "reason": "The new standard of the house."},
    )
    while rotation_dates_refresh(limit=1):
        pass

    by_house.refresh_from_db()
    own.refresh_from_db()
    assert by_house.rotation_due_at == by_house.issued_at + 30 * DAY
    assert own.rotation_due_at == own.issued_at + 5 * DAY


def test_the_page_of_a_credential_says_until_when_a_stolen_one_works(as_steward):
    endless = CredentialFactory()
    rotated = CredentialFactory(rotation_days=30)

    page = as_steward.get(endless.get_absolute_url()).content.decode()
    other = as_steward.get(rotated.get_absolute_url()).content.decode()

    assert "<b>until somebody ends it</b>. It neither expires nor rotates." in page
    assert "rule for static keys" in page
    assert "<b>up to 29 days</b>" in other


def test_the_list_shows_and_keeps_what_works_until_somebody_ends_it(as_steward):
    endless = CredentialFactory()
    CredentialFactory(expires_at=timezone.now() + DAY)
    CredentialFactory(kind="managed")

    response = as_steward.get(
        reverse("inventory:credential_list", query={"open_ended": "on", "columns": "exposure"})
    )

    assert [one.pk for one in response.context["listing"].page.rows] == [endless.pk]
    assert "until somebody ends it" in response.content.decode()


def test_credentials_of_somebody_are_those_of_their_agents():
    keeper = UserFactory()
    mine = CredentialFactory()
    BindingFactory(agent=AgentFactory(technical_owner=keeper), identity=mine.identity)
    CredentialFactory()

    assert list(Credential.objects.of_people(keeper.pk)) == [mine]
