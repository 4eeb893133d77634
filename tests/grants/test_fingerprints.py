import hashlib
import json

import pytest
from django.db import IntegrityError
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.policies import ALLOW
from apps.grants import tasks
from apps.grants.models import AgentFingerprint, Grant
from apps.grants.services.fingerprints import digest_of, fingerprints_refresh
from apps.grants.services.grants import grant_revoke
from apps.inventory import services
from apps.inventory.services import NeedDraft, TaskDraft
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import AgentFactory, BindingFactory

pytestmark = pytest.mark.django_db


def test_the_digest_is_of_canonical_json():
    value = {"b": None, "a": ["é", 1]}

    assert digest_of(value) == hashlib.sha256('{"a":["é",1],"b":null}'.encode()).hexdigest()


def test_both_fingerprints_are_kept_once_until_something_changes(system):
    agent = AgentFactory()

    assert fingerprints_refresh(agent_ids=[agent.pk], actor=system) == 2
    assert fingerprints_refresh(agent_ids=[agent.pk], actor=system) == 0

    assert agent.fingerprints.count() == 2
    assert AuditEntry.objects.filter(verb=Verb.FINGERPRINT_CHANGED).count() == 2


def test_a_missing_part_is_null_and_never_left_out(system):
    agent = AgentFactory()

    fingerprints_refresh(agent_ids=[agent.pk], actor=system)

    design = agent.fingerprints.get(kind="design").parts
    assert set(design) == {
        "purpose",
        "tasks",
        "version",
        "instructions",
        "model",
        "tools",
        "sub_agents",
        "environment",
        "owner",
        "autonomy",
    }
    assert design["model"] == hashlib.sha256(json.dumps(None).encode()).hexdigest()


def test_a_drift_of_the_design_says_which_parts_changed(system, steward):
    binding = BindingFactory()
    agent = binding.agent
    fingerprints_refresh(agent_ids=[agent.pk], actor=system)

    services.agent_change(agent_id=agent.pk, version="2", model="large", actor=Person(steward))
    services.agent_change_purpose(
        agent_id=agent.pk,
        purpose="",
        tasks=[TaskDraft("Read", (NeedDraft(binding.identity.system_id, "read"),))],
        actor=Person(steward),
    )
    assert tasks.refresh_fingerprints(agent_id=agent.pk) == 1

    entry = AuditEntry.objects.filter(verb=Verb.FINGERPRINT_CHANGED).order_by("-pk")[0]
    assert entry.changes["parts"][1] == ["model", "tasks", "version"]


def test_access_drifts_when_a_statement_changes_or_a_grant_ends(system):
    binding = BindingFactory()
    line = GrantStatementFactory(grant__identity=binding.identity)
    refresh = {"agent_ids": [binding.agent_id], "actor": system}
    fingerprints_refresh(**refresh)

    line.conditions = {"Bool": {"aws:SecureTransport": ["true"]}}
    line.save()
    assert fingerprints_refresh(**refresh) == 1
    grant_revoke(grant_id=line.grant_id, reason="Verified", actor=system, authority=ALLOW)

    access = AgentFingerprint.objects.filter(kind="access")
    assert access.count() == 3
    assert AgentFingerprint.objects.filter(kind="design").count() == 1


def test_the_order_of_statements_does_not_matter(system):
    binding = BindingFactory()
    grant = GrantFactory(identity=binding.identity)
    lines = [GrantStatementFactory(grant=grant, actions=[name]) for name in ("a:A", "b:B")]
    fingerprints_refresh(agent_ids=[binding.agent_id], actor=system)

    for line, actions in zip(lines, (["b:B"], ["a:A"]), strict=True):
        line.actions = actions
        line.save()

    assert fingerprints_refresh(agent_ids=[binding.agent_id], actor=system) == 0


def test_what_is_gone_from_its_source_is_held_no_more(system):
    binding = BindingFactory()
    grant = GrantFactory(identity=binding.identity)
    fingerprints_refresh(agent_ids=[binding.agent_id], actor=system)

    Grant.objects.filter(pk=grant.pk).update(gone_at=timezone.now())

    assert fingerprints_refresh(agent_ids=[binding.agent_id], actor=system) == 1


def test_many_agents_cost_as_many_queries_as_one(system, django_assert_num_queries):
    def some(count):
        bindings = [BindingFactory() for _ in range(count)]
        for binding in bindings:
            GrantStatementFactory(grant__identity=binding.identity)
        return [binding.agent_id for binding in bindings]

    for agents in (some(2), some(9)):
        with django_assert_num_queries(11):
            fingerprints_refresh(agent_ids=agents, actor=system)


def test_a_fingerprint_never_changes(system):
    agent = AgentFactory()
    fingerprints_refresh(agent_ids=[agent.pk], actor=system)

    with pytest.raises(IntegrityError):
        agent.fingerprints.update(digest="0" * 64)


def test_the_sweep_catches_what_changed_unannounced():
    agent = AgentFactory()

    assert tasks.refresh_all_fingerprints() == 2
    assert agent.fingerprints.count() == 2
