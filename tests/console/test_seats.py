"""An auditor whose seat is limited to systems, or to a period, meets nothing outside of it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.grants.models import Grant
from apps.inventory.models import SeatSystem, TaskNeed
from apps.reviews.states import Disposition, ItemState
from tests.factories.accounts import SeatFactory
from tests.factories.findings import FindingFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
    TaskFactory,
)
from tests.factories.reviews import CampaignFactory, ReviewItemFactory
from tests.signing_in import sign_in

OUTSIDE = "zanzibar"
LISTS = (
    "console:home",
    "console:record_list",
    "findings:finding_list",
    "grants:grant_list",
    "grants:justification_list",
    "grants:permission_list",
    "inventory:agent_list",
    "inventory:binding_list",
    "inventory:credential_list",
    "inventory:identity_list",
    "inventory:system_list",
    "remediation:order_list",
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def inside():
    return SystemFactory(name="Inside")


@pytest.fixture
def limited(client, inside):
    seat = SeatFactory(limited_to_systems=True)
    SeatSystem.objects.create(seat=seat, system=inside)
    sign_in(client, seat.user)
    return client


def holding(agent, system_of_it, name):
    identity = IdentityFactory(system=system_of_it, name=f"{name}-bot")
    BindingFactory(agent=agent, identity=identity)
    CredentialFactory(identity=identity, label=f"{name} key")
    return GrantFactory(identity=identity, service=name, label=f"{name} grant")


@pytest.fixture
def both(inside, system):
    """An agent that acts inside the seat and outside it."""
    agent = AgentFactory(name="Ticket triage", active=True)
    outside = SystemFactory(name=f"{OUTSIDE} CRM")
    for where, name in ((inside, "inside"), (outside, OUTSIDE)):
        grant = holding(agent, where, name)
        task = TaskFactory(agent=agent, title=f"Task of {where.pk}")
        TaskNeed.objects.create(task=task, system=where, service=name, level="write")
        with transaction.atomic():
            record(actor=system, verb=Verb.GRANT_JUSTIFIED, target=grant)
    FindingFactory(agent=AgentFactory(name=f"{OUTSIDE} agent"), subject_label=OUTSIDE)
    agent.calls.create(callee=AgentFactory(name=f"{OUTSIDE} callee"))
    return agent


def test_no_list_and_no_export_names_what_lies_outside_the_seat(limited, both):
    told = {
        name + query: b"".join(limited.get(reverse(name) + query)).decode().lower()
        for name in LISTS
        for query in ("", "?export=csv")
    }

    assert [address for address, text in told.items() if OUTSIDE in text] == []
    assert "inside-bot" in told["inventory:identity_list?export=csv"]


def test_the_search_finds_nothing_outside_the_seat(limited, both):
    found = limited.get(reverse("console:search"), {"q": "bot"}).content.decode()

    assert "inside-bot" in found
    assert OUTSIDE not in found.lower()


def test_the_dossier_says_nothing_of_what_lies_outside_the_seat(limited, both):
    page = limited.get(both.get_absolute_url()).content.decode()

    assert "inside-bot" in page
    assert "inside on Inside" in page
    assert "What it needs lies on a system outside your seat." in page
    assert "1 that you may not see" in page
    assert "no permission for it" not in page
    assert OUTSIDE not in page.lower()


def test_a_steward_sees_what_a_task_needs_and_whom_the_agent_calls(as_steward, both):
    page = as_steward.get(both.get_absolute_url()).content.decode()

    assert f"{OUTSIDE} on {OUTSIDE} CRM" in page
    assert f"{OUTSIDE} callee</a>" in page
    assert "that you may not see" not in page


def test_what_happened_outside_the_period_of_a_seat_is_told_nowhere(client, system):
    grant = GrantFactory()
    with transaction.atomic():
        record(actor=system, verb=Verb.GRANT_JUSTIFIED, target=grant, reason="In the period")
    seat = SeatFactory()
    sign_in(client, seat.user)
    pages = (grant.get_absolute_url(), reverse("console:record_list"))
    assert all("In the period" in client.get(page).content.decode() for page in pages)

    seat.period_until = timezone.localdate() - timedelta(days=1)
    seat.save(update_fields=["period_until"])

    assert not any("In the period" in client.get(page).content.decode() for page in pages)


def test_the_history_of_a_colleague_says_that_it_lies_outside_the_seat(limited, steward):
    answer = limited.get(reverse("console:record_timeline", args=["accounts.user", steward.pk]))

    assert answer.status_code == 200
    assert "within what you may read" in answer.content.decode()


def test_the_history_of_a_strangers_record_is_not_found(limited, both):
    stranger = both.bindings.get(identity__name=f"{OUTSIDE}-bot").identity

    for kind, pk in (("inventory.identity", stranger.pk), ("inventory.nothing", 1)):
        answer = limited.get(reverse("console:record_timeline", args=[kind, pk]))
        assert answer.status_code == 404


def test_the_figures_of_a_review_count_what_lies_within_the_seat(limited, inside, both):
    campaign = CampaignFactory(closed=True)
    for grant in Grant.objects.filter(identity__bindings__agent=both):
        ReviewItemFactory(
            campaign=campaign,
            grant=grant,
            agent=both,
            system=grant.system,
            state=ItemState.FINAL,
            disposition=Disposition.KEPT,
            bound=False,
        )

    page = limited.get(reverse("console:home")).content.decode()

    items = reverse("reviews:campaign_items", args=[campaign.pk])
    assert f'<a href="{items}">1</a>' in page
    assert f'<a href="{items}?disposition=kept">1</a>' in page
