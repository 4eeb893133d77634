"""What the trail sealed of a credential, in the package of its incident."""

import json
from functools import partial

import pytest

from apps.activity.headers import Whose
from apps.evidence.services.packages import package_path
from tests.evidence.access import build_incident, members, rows, signed_anew
from tests.evidence.handmade import check
from tests.evidence.incident import killed, over
from tests.evidence.test_packages import keys
from tests.evidence.trail import keep, said, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(steward, tmp_path):
    """An incident of which the trail holds three calls, one before the exposure; and two others."""
    made = killed(steward)
    credential = made.credential
    of_it = Whose(
        identity_id=credential.identity_id,
        system_id=credential.identity.system_id,
        credential_id=credential.pk,
    )
    day = 24 * 3600
    reading = partial(said, "api", lasting=0, trace="")
    keep(reading("iam:ListUsers", -4 * day), whose=of_it)
    keep(reading("iam:CreateUser", -2 * day, body={"params": "twin"}), whose=of_it)
    keep(reading("s3:GetObject", -2 * day), whose=Whose(identity_id=credential.identity_id))
    keep(said("action", "theirs", -2 * day), whose=of_it)
    keep(reading("iam:DeleteTrail", -day), whose=of_it)
    sign(tmp_path / "signer")
    return made.incident


def lines(package, name="data/events.jsonl") -> list[dict]:
    return [json.loads(line) for line in members(package)[name].splitlines()]


def test_an_incident_holds_the_sealed_records_of_its_calls_with_their_proof(steward, sealed):
    package = build_incident(sealed, steward)

    code, words = check(package_path(package), keys())
    assert code == 0, words
    assert "The sealed records are the credential's, since the exposure" in words
    assert [one["name"] for one in lines(package)] == ["iam:CreateUser", "iam:DeleteTrail"]
    assert lines(package, "data/payloads.jsonl") == [{"i": 1, "redacted": True}]
    facts = json.loads(members(package)["data/incident.json"])
    assert (facts["records"], facts["payloads"]) == ({"api": 2}, {"redacted": 1})
    [words_left_out] = rows(package, "data/redactions.csv")
    assert words_left_out["count"] == "1"
    [log] = [
        one
        for one in json.loads(members(package)["data/proof/logs.json"])["logs"]
        if one["log"] == "activity"
    ]
    assert (log["included"], log["unsigned"]) == (2, 0)


FORGED = {
    "a record changed": (
        lambda files: files["data/events.jsonl"].replace(b"CreateUser", b"CreateRole"),
        20,
        "do not lead to the root",
    ),
    "a record left out": (
        lambda files: files["data/events.jsonl"].split(b"\n", 1)[1],
        20,
        "fewer lines than records",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_sealed_records_that_were_changed_do_not_pass(name, steward, sealed, tmp_path, system):
    change, code, words = FORGED[name]
    package = build_incident(sealed, steward)

    def forge(files):
        files["data/events.jsonl"] = change(files)

    forged = signed_anew(package, tmp_path, system, forge, "data/incident.json")

    found, told = check(forged, keys())
    assert words in told
    assert found == code


def test_records_of_another_credential_do_not_pass(steward, sealed, tmp_path, system):
    package = build_incident(sealed, steward)

    def forge(files):
        facts = json.loads(files["data/incident.json"])
        facts["credential"] += 1
        files["data/incident.json"] = json.dumps(facts).encode()

    forged = signed_anew(package, tmp_path, system, forge, "data/incident.json")

    code, told = check(forged, keys())
    assert "record 1 is of something else" in told
    assert code == 50


def test_without_a_signed_trail_the_package_says_that_it_holds_no_record_of_it(steward):
    package = build_incident(over(steward), steward)

    assert "data/events.jsonl" not in members(package)
    told = [row["what"] for row in rows(package, "data/not_covered.csv")]
    assert "What the trail holds of the credential" in told
