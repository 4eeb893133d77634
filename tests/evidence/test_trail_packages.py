"""What agents did as packages: one run, one agent's period, everything in a period."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Invocation, Payload
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person, System
from apps.core.errors import DomainError
from apps.evidence.content.logs import holes_in, parts_beside, runs_of
from apps.evidence.services.keys import signing_key_ensure
from apps.evidence.services.packages import package_build, package_path
from apps.evidence.services.trail_packages import invocation_package_request
from apps.evidence.verify import verify
from apps.grants.states import GrantState
from apps.inventory.models import Agent
from apps.proof.merkle import leaf_hash, node_hash
from tests.evidence.access import members, rows
from tests.evidence.handmade import check
from tests.evidence.test_packages import VARYING, keys
from tests.evidence.trail import (
    TRACE,
    build_agent,
    build_everything,
    build_run,
    keep,
    long_over,
    ran,
    said,
    sign,
)
from tests.factories.approvals import AccessRequestFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory
from tests.proof.tampering import as_owner

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
    package = build_run(long_over(made.run), steward)

    verdict = passes(package)
    assert "Its 6 records stand in the log activity as it was signed, at 10" in verdict
    assert package.status == "Final"
    assert set(members(package)) >= {
        "data/README.html",
        "data/report.pdf",
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


def test_a_run_that_two_agents_told_is_told_of_both(made, steward):
    """Each has a run of its own under the id; the package holds all that was told there."""
    grant = GrantFactory(identity=BindingFactory(agent=made.other).identity)
    whose = Whose(agent_id=made.other.pk, agent=made.other.name)
    keep(said("action", "look-up", 3, span_id="e" * 16), whose=whose)
    sign(made.folder, later=timedelta(minutes=2))
    theirs = Invocation.objects.get(trace_id=TRACE, agent_id=made.other.pk)

    for run in (made.run, theirs):
        package = build_run(run, steward)
        passes(package)
        assert "look-up" in {one["name"] for one in lines(package)}
        assert "=refund" in {one["name"] for one in lines(package)}
        assert len(rows(package, "data/invocations.csv")) == 2
        assert len(rows(package, "data/agents.csv")) == 2
        assert str(grant.pk) in {one["grant"] for one in rows(package, "data/grants.csv")}


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


def test_a_name_that_is_a_formula_is_disarmed_in_the_workbook_too(made, steward):
    package = build_run(made.run, steward)

    with zipfile.ZipFile(io.BytesIO(members(package)["data/index.xlsx"])) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert ">'=refund<" in sheet
    assert ">=refund<" not in sheet
    assert "<f>" not in sheet


def test_words_are_left_out_and_listed_as_left_out(made, steward):
    package = build_run(made.run, steward)

    assert [one["redacted"] for one in lines(package, "data/payloads.jsonl")] == [True] * 3
    [row] = rows(package, "data/redactions.csv")
    assert (row["what"], row["count"]) == ("What was told, decided, and answered", "3")
    assert all(b"refunded" not in content for content in members(package).values())


def test_an_agents_period_accounts_for_every_record_of_the_range(made, steward):
    package = build_agent(made.agent, steward)

    verdict = passes(package)
    assert "Of the log activity, every record from 0 up to 10 is there" in verdict
    assert "or counted as left out (4)" in verdict
    assert package.status == "Interim"
    assert len(lines(package)) == 6
    assert len(members(package)["data/proof/activity/excluded.txt"].splitlines()) == 4
    assert b"Other agent" not in members(package)["data/events.jsonl"]


def test_everything_in_a_period_is_every_record_and_every_entry(made, steward):
    package = build_everything(steward)

    verdict = passes(package)
    assert "Of the log activity, every record from 0 up to 10 is there" in verdict
    assert "Of the log governance, every record from" in verdict
    assert len(lines(package)) == 10
    assert [row["name"] for row in rows(package, "data/agents.csv")] == [
        "Refund agent",
        "Other agent",
    ]
    assert [row["kind"] for row in rows(package, "data/index.csv")].count("api") == 2
    assert len(lines(package, "data/ocsf.jsonl")) == 10


def test_everything_in_a_period_tells_who_held_what_and_why(made, steward):
    """What ended before it is not of it."""
    other = GrantFactory(identity=made.binding.identity, service="kms")
    begun, over = timezone.now() - timedelta(days=9), timezone.now() - timedelta(days=3)
    GrantFactory(
        identity=made.binding.identity,
        service="sqs",
        state=GrantState.REVOKED,
        first_seen_at=begun,
        ended_at=over,
    )
    request = AccessRequestFactory(agent=made.agent, identity=made.binding.identity)
    request.votes.create(
        person=steward, choice="approve", round=1, step_at=1, reason="It needs it."
    )

    package = build_everything(steward)

    passes(package)
    assert {row["grant"] for row in rows(package, "data/grants.csv")} == {
        str(made.grant.pk),
        str(other.pk),
    }
    assert [row["reason"] for row in rows(package, "data/justifications.csv")] == [
        "'=It pays refunds."
    ]
    assert [row["request"] for row in rows(package, "data/votes.csv")] == [str(request.pk)]
    assert [row["number"] for row in rows(package, "data/requests.csv")] == [str(request.pk)]
    assert [row["binding"] for row in rows(package, "data/bindings.csv")] == [str(made.binding.pk)]


def test_the_record_is_told_as_ocsf_too(made, steward):
    """What gives or takes access is User Access Management, and the rest Entity Management."""
    nobody = System("test")
    for verb in (Verb.GRANT_ISSUED, Verb.GRANT_REVOKED, Verb.GRANT_SUSPENDED):
        record(actor=nobody, verb=verb, target=made.grant, changes={}, reason="So it is.")
    sign(made.folder, later=timedelta(minutes=1))

    package = build_agent(made.agent, steward)

    assert "The OCSF events of the record say what its entries say" in passes(package)
    told = lines(package, "data/ocsf_governance.jsonl")
    entries = lines(package, "data/governance.jsonl")
    assert [one["metadata"]["uid"] for one in told] == [str(one["entry"]) for one in entries]
    owner, given, taken, suspended = told[-4:]
    assert (owner["class_uid"], owner["activity_name"]) == (3004, "Update")
    assert owner["entity"]["name"] == "Refund agent"
    assert [one["type_uid"] for one in (given, taken, suspended)] == [300501, 300502, 300412]
    assert given["privileges"] == [made.grant.label]
    assert given["user"]["name"] == made.binding.identity.name
    assert given["comment"] == "So it is."


def test_a_sign_in_that_a_system_recorded_is_authentication(made, steward):
    identity = made.binding.identity
    of_it = Whose(identity_id=identity.pk, identity=identity.name, system_id=identity.system_id)
    keep(said("api", "sts:AssumeRole", 3, 0, "", account="111122223333"), whose=of_it)
    sign(made.folder, later=timedelta(minutes=1))

    package = build_agent(made.agent, steward)

    passes(package)
    signed_in = lines(package, "data/ocsf.jsonl")[-1]
    assert (signed_in["class_uid"], signed_in["type_uid"]) == (3002, 300201)
    assert signed_in["user"]["name"] == identity.name
    assert signed_in["cloud"]["account"] == {"uid": "111122223333"}


def test_no_table_has_two_columns_of_one_name(made, steward):
    for package in (build_everything(steward), build_run(made.run, steward)):
        tables = {name: one for name, one in members(package).items() if name.endswith(".csv")}
        assert tables
        for name, content in tables.items():
            columns = content.decode().splitlines()[0].split(",")
            assert len(columns) == len(set(columns)), name


def test_a_later_package_proves_that_the_log_went_on(made, steward):
    first = build_run(made.run, steward)
    sign(made.folder)

    again = build_run(made.run, steward)

    assert "goes on from the checkpoints of 1 earlier package" in passes(again)
    assert first.claims["logs"][0]["size"] == 10


def test_a_record_whose_header_was_made_something_else_is_refused_in_words(made, steward):
    as_owner(
        "activity_event",
        "UPDATE activity_event SET header = 'half of a {' WHERE kind = 'action' AND trace_id = %s",
        TRACE,
    )

    with pytest.raises(DomainError, match="do not lead to the root that was signed"):
        build_run(made.run, steward)


def test_the_records_are_told_as_ocsf_too(made, steward):
    Agent.objects.filter(pk=made.agent.pk).update(
        version="7", purpose="It pays refunds.", model="some-model"
    )
    package = build_run(made.run, steward)
    told = lines(package, "data/ocsf.jsonl")

    assert {one["class_uid"] for one in told} == {6003}
    assert {one["metadata"]["version"] for one in told} == {"1.8.0"}
    root, _, action, *_, listed = told
    assert action["api"]["operation"] == "=refund"
    assert (action["status"], action["type_uid"]) == ("Failure", 600399)
    assert action["trace"]["uid"] == root["trace"]["uid"] == TRACE
    assert action["ai_agent"] == {
        "uid": str(made.agent.pk),
        "name": "Refund agent",
        "instance_uid": TRACE,
        "version": "7",
        "charter": "It pays refunds.",
        "ai_model": {"name": "some-model"},
    }
    leaf = leaf_hash(members(package)["data/events.jsonl"].splitlines()[2]).hex()
    [attested] = action["record_integrity"]["attestation_list"]
    assert attested["fingerprint"]["value"] == leaf
    assert attested["chain_uid"].endswith("/activity")
    assert (listed["activity_name"], listed["type_uid"]) == ("Read", 600302)
    assert listed["metadata"]["profiles"] == []
    assert listed["actor"]["user"]["name"] == made.binding.identity.name


def test_words_that_were_erased_are_told_as_erased(made, steward):
    erased_at = timezone.now()
    Payload.objects.filter(leaf_index=4).update(salt=None, body=None, erased_at=erased_at)

    package = build_run(made.run, steward, with_payloads=True)

    passes(package)
    told = {one["i"]: set(one) - {"i"} for one in lines(package, "data/payloads.jsonl")}
    assert told == {3: {"salt", "body"}, 4: {"erased"}, 5: {"salt", "body"}}
    gaps = {row["what"]: row["count"] for row in rows(package, "data/not_covered.csv")}
    assert gaps["Words that were erased"] == "1"


def test_what_is_not_signed_yet_is_counted_and_left_out(made, steward):
    keep(said("step", "more", body={"decided": "more"}), whose=Whose(agent_id=made.agent.pk))

    package = build_run(made.run, steward)

    assert "1 records are newer than the last checkpoint of activity." in passes(package)
    assert package.status == "Interim"
    assert len(lines(package)) == 6


def test_two_builds_of_one_state_are_alike_but_for_what_proves_them(made, steward):
    build_run(made.run, steward)
    one, two = (members(build_run(made.run, steward)) for _ in range(2))

    assert set(one) == set(two)
    assert {name for name in one if one[name] != two[name]} <= VARYING


def test_its_cost_does_not_grow_with_the_records(made, steward, django_assert_max_num_queries):
    more = [said("step", f"step {at}", body={"decided": "x"}) for at in range(60)]
    keep(*more, whose=Whose(agent_id=made.agent.pk))
    sign(made.folder, later=timedelta(minutes=1))
    actor = Person(steward)
    signing_key_ensure(actor=actor)
    package = invocation_package_request(invocation_id=made.run.pk, actor=actor)

    with django_assert_max_num_queries(70):
        package_build(package_id=package.pk, actor=actor)

    package.refresh_from_db()
    assert len(lines(package)) == 66


def test_the_tree_is_built_anew_from_any_choice_of_records():
    leaves = [leaf_hash(b"%d" % at) for at in range(77)]
    root = root_of(leaves)
    for chosen in ([], [0], [76], [3, 4, 5, 40], list(range(10, 60)), list(range(77))):
        runs = runs_of(chosen)
        parts = [root_of(leaves[start:end]) for start, end in parts_beside(runs, 77)]
        known = iter([(at, leaves[at]) for at in chosen])
        assert verify.rebuild(77, known, iter(parts)) == root
        assert list(holes_in(runs, 0, 77)) == runs_of(at for at in range(77) if at not in chosen)


def root_of(leaves):
    """After the definition of RFC 6962, 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(root_of(leaves[:half]), root_of(leaves[half:]))


def test_records_that_are_no_longer_kept_are_accounted_for_by_their_hash(made, steward):
    as_owner("activity_event", "DELETE FROM activity_event WHERE leaf_index < 2")

    package = build_everything(steward)

    verdict = passes(package)
    assert "every record from 0 up to 10 is there, or counted as left out (2)" in verdict
    gaps = {row["what"]: row["count"] for row in rows(package, "data/not_covered.csv")}
    assert gaps["Records that are no longer kept here"] == "2"
