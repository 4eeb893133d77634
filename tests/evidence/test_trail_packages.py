"""What agents did as packages: one run, one agent's period, everything in a period."""

import json

import pytest

from apps.evidence.services.packages import package_path
from tests.evidence.access import members, rows
from tests.evidence.handmade import check
from tests.evidence.test_packages import VARYING, keys
from tests.evidence.trail import TRACE, build_agent, build_everything, build_run, ran, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(tmp_path):
    return ran(tmp_path / "signer")


def passes(package) -> str:
    code, said = check(package_path(package), keys())
    assert code == 0, said
    return said


def lines(package, name="data/events.jsonl"):
    return [json.loads(line) for line in members(package)[name].splitlines()]


def test_a_run_is_a_package_that_checks(made, steward):
    package = build_run(made.run, steward)

    said = passes(package)
    assert "Its 6 records stand in the log activity as it was signed, at 10" in said
    assert package.status == "Final"
    assert set(members(package)) >= {
        "data/README.html",
        "data/agents.csv",
        "data/bindings.csv",
        "data/controls.csv",
        "data/events.jsonl",
        "data/governance.jsonl",
        "data/grants.csv",
        "data/index.csv",
        "data/index.xlsx",
        "data/invocations.csv",
        "data/justifications.csv",
        "data/keys/logs.txt",
        "data/links.csv",
        "data/not_covered.csv",
        "data/payloads.jsonl",
        "data/proof/activity/checkpoint.txt",
        "data/proof/activity/hashes.bin",
        "data/proof/activity/included.txt",
        "data/proof/governance/entries.jsonl",
        "data/proof/logs.json",
        "data/redactions.csv",
        "data/requests.csv",
        "data/reviews.csv",
        "data/trail.json",
        "data/votes.csv",
        *VARYING,
    }


def test_it_tells_what_the_agent_said_and_what_systems_recorded_beside_it(made, steward):
    package = build_run(made.run, steward)

    told = [(one["kind"], one.get("trace", "")) for one in lines(package)]
    assert told == [
        ("invocation", TRACE),
        ("step", TRACE),
        ("action", TRACE),
        ("call", TRACE),
        ("api", ""),
        ("api", ""),
    ]
    links = [
        (row["method"], row["confidence"], row["proven"]) for row in rows(package, "data/links.csv")
    ]
    assert links == [("request-id", "5", "yes"), ("principal-window", "1", "no")]
    assert [row["reason"] for row in rows(package, "data/justifications.csv")] == [
        "'=It pays refunds."
    ]
    assert [row["name"] for row in rows(package, "data/agents.csv")] == ["Refund agent"]
    assert "'=refund" in [row["name"] for row in rows(package, "data/index.csv")]


def test_words_are_left_out_and_listed_as_left_out(made, steward):
    package = build_run(made.run, steward)

    assert [one["redacted"] for one in lines(package, "data/payloads.jsonl")] == [True] * 3
    [row] = rows(package, "data/redactions.csv")
    assert (row["what"], row["count"]) == ("What was told, decided, and answered", "3")
    assert all(b"refunded" not in content for content in members(package).values())


def test_an_agents_period_accounts_for_every_record_of_the_range(made, steward):
    package = build_agent(made.agent, steward)

    said = passes(package)
    assert "Of the log activity, every record from 0 up to 10 is there" in said
    assert "or counted as left out (4)" in said
    assert package.status == "Interim"
    assert len(lines(package)) == 6
    assert len(members(package)["data/proof/activity/excluded.txt"].splitlines()) == 4
    assert b"Other agent" not in members(package)["data/events.jsonl"]


def test_everything_in_a_period_is_every_record_and_every_entry(made, steward):
    package = build_everything(steward)

    said = passes(package)
    assert "Of the log activity, every record from 0 up to 10 is there" in said
    assert "Of the log governance, every record from" in said
    assert len(lines(package)) == 10
    assert [row["name"] for row in rows(package, "data/agents.csv")] == [
        "Refund agent",
        "Other agent",
    ]


def test_a_later_package_proves_that_the_log_went_on(made, steward):
    first = build_run(made.run, steward)
    sign(made.folder)

    again = build_run(made.run, steward)

    assert "goes on from the checkpoints of 1 earlier packages" in passes(again)
    assert first.claims["logs"][0]["size"] == 10
