import json
import re

import pytest
from jsonschema import Draft202012Validator

from apps.connectors.adapters.contract import (
    AgentRow,
    BindingRow,
    CredentialRow,
    GrantRow,
    Header,
    IdentityRow,
    JustificationRow,
    SystemRow,
    UnreadableSource,
    Via,
)
from apps.connectors.adapters.countersign_csv import COLUMNS, REQUIRED
from apps.connectors.adapters.countersign_entries import SCHEMA
from tests.connectors.adapters.reading import document, rejected, rows_from

FORMAT = "countersign"
GUIDE = SCHEMA.with_name("inventory-format.md").read_text()
EXAMPLE = json.loads(re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)[1])


def test_the_example_in_the_docs_follows_the_schema():
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(EXAMPLE)


def test_the_example_is_read_in_an_order_without_forward_references(tmp_path):
    rows = document(tmp_path, EXAMPLE, FORMAT)

    assert [type(row) for row in rows if not hasattr(row, "system_kind")] == [
        Header,
        SystemRow,
        AgentRow,
        IdentityRow,
        BindingRow,
        CredentialRow,
        GrantRow,
        JustificationRow,
    ]
    assert rows[0].stream == "countersign:support tools"
    assert rows[0].kinds == {"agent", "binding", "credential", "grant", "identity", "system"}


def test_a_grant_without_statements_is_its_summary(tmp_path):
    (grant,) = [row for row in document(tmp_path, EXAMPLE, FORMAT) if isinstance(row, GrantRow)]

    assert grant.via == (Via("Agent seats", "bots"),)
    assert grant.actions == ("tickets.reply",)
    assert grant.resources == ("*",)


def test_what_an_agent_does_not_say_is_none(tmp_path):
    (_, agent) = document(tmp_path, {"agents": [{"name": "A", "purpose": ""}]}, FORMAT)

    assert agent.purpose == ""
    assert agent.owner is None
    assert agent.tasks is None


def test_a_partial_document_is_the_whole_truth_about_nothing(tmp_path):
    (header,) = document(tmp_path, {"complete": False, "agents": []}, FORMAT)

    assert header.kinds == frozenset()


@pytest.mark.parametrize(
    ("content", "path", "reason"),
    [
        ({"agents": [{"purpose": "x"}]}, "agents[0]", "'name' is a required property."),
        ({"agents": ["x"]}, "agents[0]", "'x' is not of type 'object'."),
        (
            {"agents": [{"name": "a"}, {"name": "b", "environment": "moon"}]},
            "agents[1].environment",
            "'moon' is not one of ['production', 'staging', 'development'].",
        ),
        (
            {"identities": [{"system": "s", "name": "n", "kind": "k", "last_used_at": "soon"}]},
            "identities[0]",
            "Invalid isoformat string: 'soon'.",
        ),
    ],
)
def test_a_bad_entry_is_named_by_path(tmp_path, content, path, reason):
    (bad,) = rejected(document(tmp_path, content, FORMAT))

    assert (bad.path, bad.reason) == (path, reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"agent": []}, "'agent' is none of agents"),
        ({"format": "countersign"}, "has none of agents"),
        ({"agents": {}}, "agents: It must be a list"),
        ({"agents": [], "version": 2}, "Only version 1"),
        ({"agents": [], "format": "other"}, "must be 'countersign'"),
    ],
)
def test_other_documents_are_refused(tmp_path, content, reason):
    with pytest.raises(UnreadableSource, match=reason):
        document(tmp_path, content, FORMAT)


def test_agents_from_csv(tmp_path):
    text = (
        "name,purpose,tasks,owner,has_human_step\n"
        'Triage,"Sorts, and answers",Sort; Answer,lead@example.com,yes\n'
    )

    header, agent = rows_from(tmp_path, text, FORMAT)

    assert header.kinds == {"agent"}
    assert agent.purpose == "Sorts, and answers"
    assert [task.title for task in agent.tasks] == ["Sort", "Answer"]
    assert agent.has_human_step is True
    assert agent.technical_owner is None


def test_the_rows_of_one_grant_are_its_statements(tmp_path):
    text = (
        "system,identity,service,level,actions,resources,conditions,policy,group\n"
        'CRM,bot,tickets,write,reply; close,*,"{""Bool"": {""mfa"": ""true""}}",Seats,bots\n'
        "CRM,bot,tickets,write,tag,eu,,Extra,\n"
        "CRM,bot,mail,write,send,*,,Seats,\n"
    )

    _, first, second = rows_from(tmp_path, text, FORMAT)

    assert first.actions == ("reply", "close", "tag")
    assert [(row.actions, row.resources, row.policy) for row in first.statements] == [
        (("reply", "close"), ("*",), "Seats"),
        (("tag",), ("eu",), "Extra"),
    ]
    assert first.statements[0].conditions == {"Bool": {"mfa": "true"}}
    assert second.service == "mail"


def test_bindings_from_csv(tmp_path):
    _, binding = rows_from(tmp_path, "agent,system,identity\nTriage,CRM,bot\n", FORMAT)

    assert binding == BindingRow("Triage", "CRM", "bot")


def test_a_bad_cell_names_line_and_column(tmp_path):
    text = "name,purpose,has_human_step\nA,x,perhaps\nB,y,no\n"

    _header, bad, agent = rows_from(tmp_path, text, FORMAT)

    assert (bad.path, bad.reason) == (
        "line 2, has_human_step",
        "'perhaps' is neither true nor false.",
    )
    assert agent.name == "B"


def test_columns_that_fit_no_kind_are_refused(tmp_path):
    with pytest.raises(UnreadableSource, match=r"line 1: The columns \(colour, name\) fit none"):
        rows_from(tmp_path, "name,colour\nA,red\n", FORMAT)


def test_the_guide_lists_every_column():
    for kind, columns in COLUMNS.items():
        (line,) = [line for line in GUIDE.splitlines() if line.startswith(f"| {kind} |")]
        said = set(re.findall(r"[a-z_0-9]+", re.sub(r"\([^)]*\)", "", line)))
        assert said == columns | {kind}
        assert REQUIRED[kind] <= columns
