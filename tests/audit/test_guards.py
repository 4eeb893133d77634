"""What the database refuses, whatever Python does: nothing moves, changes, or goes unrecorded."""

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from apps.approvals.states import RequestState
from apps.audit.models import AuditEntry
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.findings.states import FindingState
from apps.grants.states import GrantState
from apps.inventory.states import AgentState
from apps.reviews.models import Decision, ReviewItem
from apps.reviews.states import CampaignState, ItemState
from tests.factories.accounts import UserFactory
from tests.factories.approvals import AccessRequestFactory
from tests.factories.findings import FindingFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory
from tests.factories.reviews import CampaignFactory, DecisionFactory, ReviewItemFactory

pytestmark = pytest.mark.django_db

# Tables of work in progress, of measurements, of projections that can be made anew, of what only
# keeps things from being taken twice, and of parts that their record rewrites as a whole.
MAY_GO = {
    "activity.allowedcall",
    "activity.cursor",
    "activity.deedhour",
    "activity.driftedcall",
    "activity.grantuse",
    "activity.hourdue",
    "activity.ingestrequest",
    "activity.invocation",
    "activity.knowncall",
    "activity.link",
    "activity.logrecord",
    "activity.nameless",
    "activity.outsidecall",
    "activity.savedsearch",
    "activity.sighting",
    "activity.usebasis",
    "activity.usehour",
    "approvals.groupmember",
    "approvals.policyrequirement",
    "approvals.policystep",
    "connectors.stagedrow",
    "connectors.sync",
    "core.job",
    "findings.dailyfigure",
    "grants.grantstatement",
    "inventory.agentcall",
    "inventory.seatsystem",
    "inventory.taskneed",
    "notices.ladderstep",
    "reviews.campaignsource",
    "reviews.draft",
    "reviews.populationpart",
}


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("apps.")]


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        return {name for (name,) in cursor.fetchall()}


def move(row: models.Model, state: str) -> None:
    """Change a state behind the services, up to where it would commit."""
    with transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(state=state)
        connection.check_constraints()


def refused(sql: str, *arguments: object) -> str:
    """The words with which the database refuses a statement."""
    with (
        pytest.raises(IntegrityError) as error,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, arguments)
    return str(error.value)


def test_every_table_with_a_state_demands_an_entry_for_each_move():
    stateful = [model for model in ours() if "state" in {f.name for f in model._meta.fields}]

    unguarded = {f"{model._meta.db_table}_state_is_audited" for model in stateful} - triggers()

    assert len(stateful) == 21
    assert unguarded == set()


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (lambda: AgentFactory(active=True), AgentState.SUSPENDED),
        (GrantFactory, GrantState.SUSPENDED),
        (FindingFactory, FindingState.ACKNOWLEDGED),
        (CampaignFactory, CampaignState.DECIDED),
        (ReviewItemFactory, ItemState.DECIDED),
        (lambda: AccessRequestFactory(approved=True), RequestState.CANCELLED),
    ],
)
def test_a_state_changed_behind_the_services_does_not_commit(make, state):
    row = make()
    connection.check_constraints()

    with pytest.raises(IntegrityError, match="changed state without an audit entry"):
        move(row, state)

    row.refresh_from_db()
    assert row.state != state


def test_an_entry_of_another_record_does_not_cover_a_move(system):
    agent, other = AgentFactory(active=True), AgentFactory()

    record(actor=system, verb=Verb.AGENT_SUSPENDED, target=other)

    with pytest.raises(IntegrityError, match=f"inventory.agent {agent.pk} changed state"):
        move(agent, AgentState.SUSPENDED)


def test_one_move_has_one_entry(system):
    agent = AgentFactory()
    record(actor=system, verb=Verb.AGENT_SUSPENDED, target=agent)

    with (
        pytest.raises(IntegrityError, match="audit_entry_once_per_transaction"),
        transaction.atomic(),
    ):
        record(actor=system, verb=Verb.AGENT_SUSPENDED, target=agent)


def test_an_entry_never_changes_and_never_goes(system):
    entry = record(actor=system, verb=Verb.AGENT_CHANGED, target=AgentFactory(), reason="Because")

    refusals = [
        refused("UPDATE audit_auditentry SET reason = %s WHERE id = %s", "Other", entry.pk),
        refused("DELETE FROM audit_auditentry WHERE id = %s", entry.pk),
    ]

    assert ["rows there never change" in text for text in refusals] == [True, True]
    assert AuditEntry.objects.get(pk=entry.pk).reason == "Because"


def test_a_decision_never_changes_and_never_goes():
    decision = DecisionFactory()

    refusals = [
        refused("UPDATE reviews_decision SET reason = %s WHERE id = %s", "Other", decision.pk),
        refused("DELETE FROM reviews_decision WHERE id = %s", decision.pk),
    ]

    assert ["rows there never change" in text for text in refusals] == [True, True]
    assert Decision.objects.filter(pk=decision.pk).exists()


def test_every_record_of_governance_stays():
    guarded = ("_append_only", "_never_deleted", "_kept_once_staged")
    known = triggers()

    unguarded = {
        model._meta.label_lower
        for model in ours()
        if not any(f"{model._meta.db_table}{name}" in known for name in guarded)
    }

    assert unguarded == MAY_GO


def test_a_person_is_not_deleted():
    person = UserFactory()

    assert "DELETE on accounts_user refused" in refused(
        "DELETE FROM accounts_user WHERE id = %s", person.pk
    )


def test_an_item_once_put_to_somebody_is_not_deleted():
    asked = ReviewItemFactory()
    staging = ReviewItemFactory(campaign__state=CampaignState.STAGING)

    assert "its campaign is past staging" in refused(
        "DELETE FROM reviews_reviewitem WHERE id = %s", asked.pk
    )
    ReviewItem.objects.filter(pk=staging.pk).delete()

    assert ReviewItem.objects.filter(pk=asked.pk).exists()
    assert not ReviewItem.objects.filter(pk=staging.pk).exists()
