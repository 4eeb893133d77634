"""The way out of each long-lived secret, and how it is tracked."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Person, System
from apps.core.errors import DomainError, IllegalTransition
from apps.inventory.models import Credential
from apps.rotation.models import Migration
from apps.rotation.selectors.leading_out import ways_out_of
from apps.rotation.services import migrations
from apps.rotation.states import MigrationState
from apps.rotation.tables import MigrationTable, RotationTable
from apps.rotation.ways_out import WAYS, ways_out
from tests.core.indexes import assert_sorts_are_indexed
from tests.factories.accounts import UserFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
)
from tests.factories.rotation import MigrationFactory
from tests.rotation.company import owned_by

pytestmark = pytest.mark.django_db
WHY = "It is the shortest way."


def held(system, kind, platform=""):
    identity = IdentityFactory(system=SystemFactory(kind=system))
    if platform:
        BindingFactory(agent=AgentFactory(platform=platform), identity=identity)
    return CredentialFactory(identity=identity, kind=kind)


@pytest.mark.parametrize("table", [RotationTable, MigrationTable])
def test_a_list_sorts_only_where_an_index_serves(table):
    assert_sorts_are_indexed(table)


@pytest.mark.parametrize(
    ("system", "kind", "platform", "way"),
    [
        ("aws", "access-key", "Amazon EKS", "aws-eks-pod-identity"),
        ("aws", "access-key", "ECS Fargate", "aws-task-role"),
        ("aws", "access-key", "AWS Lambda", "aws-lambda-role"),
        ("aws", "access-key", "EC2", "aws-instance-role"),
        ("aws", "access-key", "GitHub Actions", "aws-oidc-federation"),
        ("aws", "access-key", "Own rack", "aws-roles-anywhere"),
        ("aws", "access-key", "", "aws-roles-anywhere"),
        ("aws", "api-key", "", "aws-bedrock-role"),
        ("azure", "client-secret", "AKS", "entra-aks-workload-identity"),
        ("azure", "client-secret", "Azure Functions", "entra-managed-identity"),
        ("azure", "client-secret", "Own rack", "entra-federation"),
        ("vault", "client-secret", "Kubernetes", "vault-kubernetes-auth"),
        ("vault", "token", "", "vault-jwt-auth"),
        ("postgresql", "password", "", "vault-dynamic-database"),
        ("github", "token", "", "github-app"),
        ("github", "token", "GitHub Actions", "github-actions-token"),
        ("gcp", "access-key", "", "gcp-workload-identity-federation"),
        ("kubernetes", "token", "", "kubernetes-bound-token"),
    ],
)
def test_the_first_way_is_the_one_for_where_the_agent_runs(system, kind, platform, way):
    assert ways_out_of(held(system, kind, platform))[0].key == way


def test_each_way_has_its_source_and_steps_and_a_key_of_its_own():
    assert len({way.key for way in WAYS}) == len(WAYS)
    for way in WAYS:
        assert way.source.startswith("https://")
        assert way.steps
        assert ways_out(system=way.systems[0], kind=way.kinds[0], platforms=[])


def test_what_holds_no_secret_for_long_needs_no_way_out():
    assert ways_out_of(held("aws", "managed")) == []


def test_a_way_out_is_proposed_agreed_gone_and_done_once_the_secret_is_dead(steward):
    owner = UserFactory()
    credential = owned_by(owner, held("aws", "access-key"))
    day = timezone.localdate() + timedelta(days=30)
    actor = Person(owner)

    one = migrations.migration_propose(
        credential_id=credential.pk, way="aws-roles-anywhere", actor=actor
    )
    migrations.migration_agree(migration_id=one.pk, target_on=day, reason=WHY, actor=actor)
    migrations.migration_begin(migration_id=one.pk, reason="The anchor stands.", actor=actor)
    with pytest.raises(DomainError, match="The old secret still works"):
        migrations.migration_finish(migration_id=one.pk, actor=actor)
    assert migrations.migrations_settle(actor=System("test")) == 0

    Credential.objects.filter(pk=credential.pk).update(gone_at=timezone.now())
    assert migrations.migrations_settle(actor=System("test")) == 1

    one.refresh_from_db()
    assert (one.state, one.owner, one.target_on) == (MigrationState.DONE, owner, day)
    assert one.how.startswith("Its source shows the old secret no more")


def test_done_although_the_secret_works_takes_a_reason(steward):
    one = MigrationFactory()

    migrations.migration_finish(
        migration_id=one.pk, actor=Person(steward), reason="It stays for a month as a fallback."
    )

    one.refresh_from_db()
    assert (one.state, one.how) == (MigrationState.DONE, "It stays for a month as a fallback.")


def test_what_is_agreed_on_keeps_a_day(steward):
    day = timezone.localdate() + timedelta(days=30)
    one = MigrationFactory()
    actor = Person(steward)
    migrations.migration_agree(migration_id=one.pk, target_on=day, reason=WHY, actor=actor)

    with pytest.raises(DomainError, match="has a day"):
        migrations.migration_change(migration_id=one.pk, target_on=None, reason=WHY, actor=actor)
    with pytest.raises(DomainError, match="That day has passed"):
        migrations.migration_agree(
            migration_id=MigrationFactory().pk,
            target_on=timezone.localdate() - timedelta(days=1),
            reason=WHY,
            actor=actor,
        )


def test_it_is_begun_only_once_it_is_agreed_on(steward):
    one = MigrationFactory()

    with pytest.raises(IllegalTransition):
        migrations.migration_begin(migration_id=one.pk, reason=WHY, actor=Person(steward))

    one.refresh_from_db()
    assert one.state == MigrationState.PROPOSED


def test_a_way_that_does_not_fit_and_strangers_are_refused(steward, reviewer):
    credential = held("aws", "access-key")

    with pytest.raises(DomainError, match="no such way"):
        migrations.migration_propose(
            credential_id=credential.pk, way="github-app", actor=Person(steward)
        )
    with pytest.raises(PermissionDenied):
        migrations.migration_propose(
            credential_id=credential.pk, way="aws-roles-anywhere", actor=Person(reviewer)
        )

    assert not Migration.objects.exists()


def test_ways_out_are_listed_for_who_may_see_their_credential(as_reviewer, reviewer):
    mine = MigrationFactory(credential=owned_by(reviewer, CredentialFactory()))
    MigrationFactory()

    response = as_reviewer.get(reverse("rotation:migration_list"))

    assert [one.pk for one in response.context["listing"].page.rows] == [mine.pk]
    assert "Installation token of a GitHub App" in response.content.decode()
