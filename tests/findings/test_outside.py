"""Actions outside any grant: told, not told, and what cannot be told."""

import pytest
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import OutsideCall
from apps.findings.rules.outside import OutsideGrants
from apps.grants.models import Permission
from tests.activity.trails import kept
from tests.factories.grants import GrantStatementFactory
from tests.factories.inventory import BindingFactory
from tests.findings.recorded import ago, call, granted, held

pytestmark = pytest.mark.django_db


def test_what_no_grant_would_have_allowed_is_told(system, identity, as_identity):
    grant = granted(identity, ["s3:Get*"])
    kept(call("s3:GetObject"), call("s3:DeleteBucket"), call("iam:CreateUser"), whose=as_identity)

    assert held("identity-outside-grants", system) == {
        identity.pk: "2 calls: iam:CreateUser, s3:DeleteBucket"
    }

    granted(identity, ["iam:CreateUser"], service="iam")
    GrantStatementFactory(grant=grant, position=9, actions=["s3:*Bucket"])
    assert held("identity-outside-grants", system) == {}


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("s3:DeleteBucket", "denied"),  # the system did not allow it
        ("s3:ListBuckets", "ok"),  # no action of a policy is called so: nothing can be said
        ("sts:GetCallerIdentity", "ok"),  # needs no grant
    ],
)
def test_what_cannot_be_judged_is_not_outside(system, identity, as_identity, name, outcome):
    granted(identity, ["s3:Get*"])

    kept(call(name, outcome=outcome), whose=as_identity)

    assert held("identity-outside-grants", system) == {}


def test_a_grant_counts_for_the_time_it_stood(system, identity, as_identity):
    grant = granted(identity, ["s3:GetObject"], gone_at=ago(5))
    kept(call(moment=ago(6)), whose=as_identity)
    assert held("identity-outside-grants", system) == {}

    kept(call(moment=ago(3)), whose=as_identity)

    assert held("identity-outside-grants", system) == {identity.pk: "1 call: s3:GetObject"}
    grant.content_changed_at = ago(2)
    grant.save(update_fields=["content_changed_at"])
    assert held("identity-outside-grants", system) == {}


def test_an_identity_of_which_no_grant_was_ever_read_is_not_judged(system, identity, as_identity):
    identity.__class__.objects.update(first_seen_at=ago(40))

    kept(call("s3:DeleteBucket"), whose=as_identity)

    assert held("identity-outside-grants", system) == {}


def test_in_other_systems_only_what_their_catalogue_names_is_judged(system):
    identity = BindingFactory(identity__system__kind="crm").identity
    granted(identity, ["refund"], service="sales")
    whose = Whose(identity_id=identity.pk, system_id=identity.system_id)
    kept(call("export"), whose=whose)
    assert held("identity-outside-grants", system) == {}

    Permission.objects.create(system_kind="crm", key="export")

    assert held("identity-outside-grants", system) == {identity.pk: "1 call: export"}


def test_resources_decide_what_is_outside_where_the_record_names_one(system, identity, as_identity):
    grant = granted(identity, [])
    grant.statements.update(actions=["s3:GetObject"], resources=["arn:aws:s3:::crm/*"])
    kept(
        call(target="arn:aws:s3:::crm/a"),
        call(target="arn:aws:s3:::mail/a"),
        call(target=""),
        whose=as_identity,
    )

    assert held("identity-outside-grants", system) == {identity.pk: "1 call: s3:GetObject"}
    assert outside(identity) == [("arn:aws:s3:::mail/a", True, 1), ("", False, 1)]


def test_what_hangs_on_conditions_cannot_be_told_and_is_no_finding(system, identity, as_identity):
    grant = granted(identity, ["s3:GetObject"])
    grant.statements.update(conditions={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    kept(call(), call("s3:DeleteBucket"), whose=as_identity)

    assert held("identity-outside-grants", system) == {identity.pk: "1 call: s3:DeleteBucket"}
    assert outside(identity) == [("", True, 1), ("", False, 1)]


def test_resources_decide_beside_a_statement_that_hangs_on_conditions(
    system, identity, as_identity
):
    grant = granted(identity, ["s3:GetObject"])
    grant.statements.update(conditions={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    on_crm = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::crm/*"]}
    GrantStatementFactory(grant=grant, position=9, **on_crm)
    kept(
        call(target="arn:aws:s3:::crm/a"),
        call(target="arn:aws:s3:::mail/a"),
        whose=as_identity,
    )

    assert held("identity-outside-grants", system) == {}
    assert outside(identity) == [("arn:aws:s3:::mail/a", False, 1)]


def test_a_boundary_allows_nothing_by_itself(system, identity, as_identity):
    limit = {"effect": "allow", "origin": "boundary", "actions": ["s3:*"], "resources": ["*"]}
    granted(identity, ["s3:GetObject"], limits=[limit])
    kept(call("s3:DeleteBucket"), whose=as_identity)

    assert identity.pk in held("identity-outside-grants", system)


def test_its_page_leads_to_exactly_what_the_figure_counts(
    system, identity, as_identity, as_steward
):
    grant = granted(identity, ["s3:GetObject"], gone_at=ago(5))
    grant.statements.update(resources=["arn:aws:s3:::crm/*"])
    kept(
        call(target="arn:aws:s3:::crm/stood", moment=ago(6)),
        call(target="arn:aws:s3:::crm/gone", moment=ago(3)),
        call(target="arn:aws:s3:::mail/a", moment=ago(6)),
        call(target="arn:aws:s3:::mail/failed", moment=ago(6), outcome="failed"),
        call(target="", moment=ago(6)),
        whose=as_identity,
    )
    assert held("identity-outside-grants", system) == {identity.pk: "2 calls: s3:GetObject"}

    href = OutsideGrants().counted_href(identity.pk, timezone.now())
    told = as_steward.get(href).content.decode()
    not_told = as_steward.get(href.replace("outside=told", "outside=not-told")).content.decode()

    assert {name for name in TARGETS if name in told} == {"crm/gone", "mail/a"}
    assert {name for name in TARGETS if name in not_told} == set()
    assert not_told.count("s3:GetObject") == told.count("s3:GetObject") - 1


TARGETS = ("crm/stood", "crm/gone", "mail/a", "mail/failed")


def outside(identity):
    rows = OutsideCall.objects.filter(identity_id=identity.pk).order_by("-is_told")
    return [(row.target, row.is_told, row.calls) for row in rows]
