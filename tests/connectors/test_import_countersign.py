import json
import re

import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator

from apps.connectors.adapters.countersign_entries import SCHEMA
from apps.connectors.services.exporting import inventory_export
from apps.core.errors import DomainError
from apps.grants.models import Grant, Justification
from apps.inventory.models import Agent, Binding, Credential, Identity, System
from apps.inventory.services.credentials import credentials_measure
from tests.connectors.adapters.reading import FIXTURES
from tests.connectors.importing import COMMAND, bring, told, written
from tests.factories.accounts import TeamFactory, UserFactory

GUIDE = SCHEMA.with_name("inventory-format.md").read_text()
FORMAT = "countersign"

pytestmark = pytest.mark.django_db


@pytest.fixture
def example():
    return json.loads(re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)[1])


@pytest.fixture
def people():
    UserFactory(email="head.of.support@example.com")
    TeamFactory(name="Support")


def test_the_example_of_the_docs_becomes_an_inventory(tmp_path, example, people):
    source = bring(written(tmp_path, example), FORMAT)

    assert set(told(source).values()) == {"1 new"}
    assert (source.rejected_count, source.notes) == (0, [])
    agent = Agent.objects.get()
    assert agent.owner.email == "head.of.support@example.com"
    assert agent.team.name == "Support"
    need = agent.tasks.get().needs.get()
    assert (need.system.name, need.service, need.level) == ("CRM", "tickets", "write")
    assert Binding.objects.get().identity.name == "triage-bot"
    grant = Grant.objects.get()
    assert sorted(grant.tags) == ["changes", "sends-out"]
    assert grant.justification.task.title == "Answer tickets"
    assert Credential.objects.get().stored_in == "secret-manager"
    assert agent.fingerprints.filter(kind="access").exists()


def test_the_second_time_changes_nothing(tmp_path, example, people):
    bring(written(tmp_path, example), FORMAT)

    source = bring(written(tmp_path, example), FORMAT)

    assert set(told(source).values()) == {"1 same"}


def test_a_credential_no_longer_listed_is_gone_though_another_bears_its_key(
    tmp_path, example, people
):
    other = {**example["identities"][0], "name": "other-bot"}
    example["identities"].append(other)
    (key,) = example["credentials"]
    example["credentials"] += [{**key, "identity": "other-bot"}, {**key, "external_id": "key-18"}]
    bring(written(tmp_path, example), FORMAT)
    example["credentials"].pop(0)

    source = bring(written(tmp_path, example), FORMAT)

    assert told(source)["credential"] == "1 gone, 2 same"
    gone = Credential.objects.get(gone_at__isnull=False)
    assert (gone.identity.name, gone.external_id) == ("triage-bot", "key-17")


def test_a_source_does_not_take_back_a_later_use_that_a_log_told(tmp_path, example, people):
    bring(written(tmp_path, example), "countersign")
    key = Credential.objects.get()
    seen = timezone.now()
    credentials_measure(used={key.pk: seen})

    example["credentials"][0]["label"] = "under another name"
    bring(written(tmp_path, example), "countersign")

    key.refresh_from_db()
    assert (key.label, key.last_used_at) == ("under another name", seen)


def test_an_inventory_written_out_reads_the_same(tmp_path, example, people):
    bring(written(tmp_path, example), FORMAT)
    bring(FIXTURES / "aws-limits.json", "aws-authorization-details")
    first = "".join(inventory_export(actor=COMMAND))

    source = bring(written(tmp_path, first), FORMAT)

    assert source.rejected == []
    assert {word for counts in told(source).values() for word in re.findall("[a-z]+", counts)} == {
        "same"
    }
    assert "".join(inventory_export(actor=COMMAND)) == first


def test_an_inventory_written_out_follows_the_published_schema(tmp_path, example, people):
    bring(written(tmp_path, example), FORMAT)
    bring(FIXTURES / "aws-limits.json", "aws-authorization-details")

    document = json.loads("".join(inventory_export(actor=COMMAND)))

    assert list(Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(document)) == []


def test_a_grant_is_written_out_in_the_words_of_the_format():
    bring(FIXTURES / "aws-limits.json", "aws-authorization-details")

    document = json.loads("".join(inventory_export(actor=COMMAND, identity="in-group")))

    assert document["complete"] is False
    assert [entry["name"] for entry in document["identities"]] == ["in-group"]
    grant = next(one for one in document["grants"] if one["level"] == "write")
    assert {name: grant[name] for name in ("identity", "system", "service", "level", "via")} == {
        "identity": "in-group",
        "system": "AWS account 111122223333",
        "service": "ses",
        "level": "write",
        "via": [{"policy": "own-mail"}, {"policy": "group-mail", "group": "mailers"}],
    }
    assert grant["actions"] == ["ses:SendEmail", "ses:SendRawEmail"]
    assert grant["resources"] == [
        "arn:aws:ses:eu-central-1:111122223333:identity/example.com",
        "*",
    ]


def test_an_identity_that_does_not_exist_is_not_written_out():
    with pytest.raises(DomainError, match="There is no identity nobody"):
        inventory_export(actor=COMMAND, identity="nobody")


def test_somebody_unknown_is_left_out_and_named(tmp_path, example):
    source = bring(written(tmp_path, example), FORMAT)

    assert Agent.objects.get().owner is None
    assert source.notes == [
        "agents[0].owner: nobody active here has the address head.of.support@example.com; "
        "left as it was.",
        "agents[0].team: there is no team Support; left as it was.",
    ]


def test_references_that_lead_nowhere_are_rejected_by_path(tmp_path, example):
    example["grants"][0]["identity"] = "somebody-else"
    example["agents"][0]["bindings"][0]["identity"] = "nobody"
    del example["justifications"]

    source = bring(written(tmp_path, example), FORMAT)

    assert source.rejected == [
        {"path": "agents[0]", "reason": "CRM has no one identity nobody."},
        {"path": "grants[0]", "reason": "CRM has no one identity somebody-else."},
    ]
    assert (source.read_count, source.accepted_count) == (7, 5)


def test_an_entry_listed_twice_counts_once(tmp_path):
    agents = [{"name": "Triage", "purpose": "one"}, {"name": "Triage", "purpose": "two"}]

    source = bring(written(tmp_path, {"agents": agents}), FORMAT)

    assert Agent.objects.get().purpose == "one"
    assert source.rejected == [
        {"path": "agents[1]", "reason": "It is listed twice; the first one counts."}
    ]


@pytest.mark.django_db(transaction=True)
def test_what_an_agent_leaves_out_stays(tmp_path, example, people):
    bring(written(tmp_path, example), FORMAT)

    bring(
        written(tmp_path, "name,purpose\nSupport triage,Sorts mail.\n"),
        FORMAT,
        stream="support tools",
    )

    agent = Agent.objects.get()
    assert agent.purpose == "Sorts mail."
    assert agent.owner is not None
    assert [task.title for task in agent.tasks.all()] == ["Answer tickets"]


def test_agents_may_call_each_other_in_any_order(tmp_path):
    agents = [{"name": "First", "calls": ["Second", "Third"]}, {"name": "Second"}]

    source = bring(written(tmp_path, {"agents": agents}), FORMAT)

    assert [call.callee.name for call in Agent.objects.get(name="First").calls.all()] == ["Second"]
    assert source.notes == ["agents[0].calls: there is no agent Third; left out."]


def _held(*, grants, credentials):
    """Two identities on each of two systems, with what each holds."""
    places = [("CRM", "reader"), ("CRM", "writer"), ("Mail", "reader"), ("Mail", "writer")]
    return {
        "systems": [{"name": "CRM", "kind": "crm"}, {"name": "Mail", "kind": "mail"}],
        "identities": [
            {"system": system, "name": name, "kind": "service-account"} for system, name in places
        ],
        "grants": [
            {"system": system, "identity": name, "service": "tickets", "level": level}
            | {"actions": [f"tickets.{level}"]}
            for system, name, level in grants
        ],
        "credentials": [
            {"system": system, "identity": name, "external_id": "key-1", "kind": "api-key"}
            for system, name in credentials
        ],
    }


def test_what_one_identity_lost_is_gone_though_others_hold_the_same(tmp_path):
    kept = [("CRM", "reader", "read"), ("CRM", "writer", "write"), ("Mail", "writer", "write")]
    lost = [("CRM", "reader", "write"), ("CRM", "reader", "admin"), ("Mail", "writer", "read")]
    everything = _held(
        grants=kept + lost, credentials=[("CRM", "reader"), ("CRM", "writer"), ("Mail", "reader")]
    )
    bring(written(tmp_path, everything), FORMAT)
    less = _held(grants=kept, credentials=[("CRM", "writer"), ("Mail", "reader")])

    source = bring(written(tmp_path, less), FORMAT)

    gone = Grant.objects.gone().values_list("system__name", "identity__name", "level")
    assert sorted(gone) == sorted(lost)
    key = Credential.objects.get(gone_at__isnull=False)
    assert (key.identity.system.name, key.identity.name) == ("CRM", "reader")
    assert told(source)["grant"] == "3 gone, 3 same"


def test_an_entry_that_is_refused_is_not_taken_for_gone(tmp_path):
    holds = _held(grants=[], credentials=[("CRM", "reader")])
    bring(written(tmp_path, holds), FORMAT)
    holds["credentials"][0] |= {
        "issued_at": "2026-02-01T00:00:00Z",
        "expires_at": "2026-01-01T00:00:00Z",
    }

    source = bring(written(tmp_path, holds), FORMAT)

    assert [one["reason"] for one in source.rejected] == ["It expires before it was issued."]
    assert Credential.objects.get().gone_at is None


def test_a_list_that_no_longer_names_an_agent_marks_it_gone(tmp_path, example, people):
    bring(written(tmp_path, example), FORMAT)
    example["agents"] = [{"name": "Another"}]

    source = bring(written(tmp_path, example), FORMAT)

    assert told(source)["agent"] == "1 new, 1 gone"
    assert Agent.objects.get(name="Support triage").gone_at is not None
    assert Binding.objects.get().ended_at is not None


def test_a_partial_document_marks_nothing_gone(tmp_path, example, people):
    bring(written(tmp_path, example), FORMAT)

    bring(written(tmp_path, {**example, "complete": False, "agents": [], "grants": []}), FORMAT)

    assert Agent.objects.get().gone_at is None
    assert Grant.objects.get().gone_at is None


@pytest.mark.django_db(transaction=True)
def test_a_reason_is_added_once_and_never_overwritten(tmp_path, example, people):
    bring(written(tmp_path, example), FORMAT)
    example["justifications"][0]["reason"] = "Another reason altogether."

    bring(written(tmp_path, example), FORMAT)

    assert [one.reason for one in Justification.objects.order_by("pk")] == [
        "Answers simple tickets within the agreed hours.",
        "Another reason altogether.",
    ]
    assert Grant.objects.get().justification.reason == "Another reason altogether."


def test_a_system_is_found_again_by_its_account(tmp_path):
    bring(FIXTURES / "aws-limits.json", "aws-authorization-details")
    systems = [{"name": "Production account", "kind": "aws", "account": "111122223333"}]
    identities = [{"system": "Production account", "name": "extra", "kind": "iam-role"}]

    bring(written(tmp_path, {"systems": systems, "identities": identities}), FORMAT)

    assert System.objects.count() == 1
    assert Identity.objects.get(name="extra").system.account == "111122223333"


def test_one_record_named_in_two_ways_counts_once(tmp_path, example, people):
    bring(FIXTURES / "aws-limits.json", "aws-authorization-details")
    system = "AWS account 111122223333"
    arn = "arn:aws:iam::111122223333:user/in-group"
    key = {"system": system, "kind": "access-key", "external_id": "AKIAEXAMPLE"}
    document = {
        "identities": [
            {"system": system, "name": "in-group", "kind": "iam-user"},
            {"system": system, "name": "other", "kind": "iam-user", "external_id": arn},
        ],
        "credentials": [{**key, "identity": "in-group"}, {**key, "identity": arn}],
    }

    source = bring(written(tmp_path, document), FORMAT)

    assert [one["path"] for one in source.rejected] == ["identities[1]", "credentials[1]"]
    assert Credential.objects.count() == 1


def test_two_reasons_for_one_grant_in_one_file_are_both_kept(tmp_path, example, people):
    second = {**example["justifications"][0], "reason": "It also closes tickets."}
    example["justifications"].append(second)

    source = bring(written(tmp_path, example), FORMAT)

    assert told(source)["justification"] == "2 new"
    assert Grant.objects.get().justification.reason == "It also closes tickets."
