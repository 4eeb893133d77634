import contextlib
import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.evidence import tasks  # noqa: F401  (so that the job finds its task)
from apps.evidence.models import Addendum, Package
from apps.evidence.services.keys import keys_published, signing_key_rotate
from apps.evidence.services.packages import package_build, package_path, package_request
from apps.remediation.proofs import proof_path
from apps.reviews.models import Campaign, Decision, ReviewItem
from tests.evidence.handmade import check, rewrite
from tests.evidence.scenario import PROOF_SHA256, build, happen_later, review_over

pytestmark = pytest.mark.django_db

VARYING = {
    "attestation.dsse.json",
    "bag-info.txt",
    "build.json",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
}


def members(package) -> dict[str, bytes]:
    with zipfile.ZipFile(package_path(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(package, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(members(package)[name].decode())))


def keys() -> str:
    return json.dumps(keys_published())


def test_a_final_package_holds_the_whole_review_and_checks(steward):
    made = review_over(steward=steward)

    package = build(made)

    code, said = check(package_path(package), keys())
    assert code == 0, said
    assert set(members(package)) >= {
        "data/README.html",
        "data/report.pdf",
        "data/acknowledgement.json",
        "data/assignments.csv",
        "data/campaign.json",
        "data/carried_forward.csv",
        "data/contacts.csv",
        "data/controls.csv",
        "data/decisions.csv",
        "data/difference.csv",
        "data/exceptions.csv",
        "data/governance.jsonl",
        "data/index.csv",
        "data/index.xlsx",
        "data/keys/vkeys.txt",
        "data/no_answers.csv",
        "data/not_covered.csv",
        "data/orders.csv",
        "data/population_at_close.csv",
        "data/population_at_launch.csv",
        "data/population_at_launch.jsonl",
        f"data/raw/{PROOF_SHA256}",
        "data/sources.csv",
        "data/verify/verify.py",
        *VARYING,
    }
    assert (package.is_interim, package.number, package.status) == (False, 0, "Final")
    assert package.claims["dispositions"] == {"kept": 1, "revoked": 1, "uncertified": 1}
    entry = AuditEntry.objects.get(verb=Verb.PACKAGE_BUILT)
    assert entry.changes["sha256"] == [None, package.sha256]


def test_what_the_files_say_is_what_happened(steward):
    made = review_over(steward=steward)
    kept, revoked, silent = made.items

    package = build(made)

    decisions = rows(package, "data/decisions.csv")
    assert [(row["item"], row["outcome"], row["decided_by"]) for row in decisions] == [
        (str(kept.pk), "keep", "Head of support"),
        (str(revoked.pk), "revoke", "Head of support"),
    ]
    assert [row["item"] for row in rows(package, "data/no_answers.csv")] == [str(silent.pk)]
    order = rows(package, "data/orders.csv")[0]
    assert (order["item"], order["state"]) == (str(revoked.pk), "confirmed")
    assert order["proof_sha256"] == PROOF_SHA256
    assert rows(package, "data/assignments.csv")[0]["how_found"] == "Manager of the agent's team"
    contacts = rows(package, "data/contacts.csv")
    assert [(row["kind"], row["item"], row["server_answer"]) for row in contacts] == [
        ("review-launched", "", "250 OK"),
        ("review-question", str(kept.pk), "250 OK"),
    ]
    source = rows(package, "data/sources.csv")[0]
    assert (source["obtained"], source["raw_sha256"]) == ("not independently obtained", "ab" * 32)
    assert rows(package, "data/not_covered.csv")[0]["why"] == "AWS owns them."
    assert rows(package, "data/exceptions.csv")[0]["item"] == str(silent.pk)
    acknowledged = json.loads(members(package)["data/acknowledgement.json"])
    assert acknowledged["words"] == "Access remains appropriate."
    entries = [json.loads(line) for line in members(package)["data/governance.jsonl"].splitlines()]
    assert [entry["verb"] for entry in entries] == [
        "reviews.reviewitem.decided",
        "reviews.reviewitem.decided",
        "reviews.campaign.acknowledged",
    ]


def test_a_cell_that_would_be_a_formula_is_disarmed(steward):
    package = build(review_over(steward=steward))

    reasons = [row["reason"] for row in rows(package, "data/decisions.csv")]
    assert reasons == ["Serves the ticket task", "'=HYPERLINK()"]


def test_nothing_that_somebody_wrote_becomes_part_of_a_page(steward):
    made = review_over(steward=steward)
    hostile = """<script>alert(1)</script>"><img src=x onerror=alert(2)>"""
    Campaign.objects.filter(pk=made.campaign.pk).update(name=hostile)
    User.objects.filter(pk=made.campaign.run_by_id).update(display_name=hostile)

    files = members(build(made))

    page = files["data/README.html"].decode()
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    book = zipfile.ZipFile(io.BytesIO(files["data/index.xlsx"]))
    assert not [name for name in book.namelist() if b"<f>" in book.read(name)]
    assert b"=HYPERLINK()" in book.read("xl/worksheets/sheet1.xml")


def test_a_final_package_is_built_once(steward):
    made = review_over(steward=steward)

    first, second = build(made), build(made)

    assert first.pk == second.pk
    assert Package.objects.count() == 1
    assert AuditEntry.objects.filter(verb=Verb.PACKAGE_BUILT).count() == 1


def test_before_the_acknowledgement_every_page_says_interim(steward):
    made = review_over(state="closed", steward=steward)

    package = build(made)

    assert package.status == "Interim"
    for name, content in members(package).items():
        if name.endswith(".csv"):
            assert all(row["package_status"] == "INTERIM" for row in rows(package, name)), name
        if name.endswith((".html", ".jsonl")) or name == "data/campaign.json":
            assert b"INTERIM" in content, name
    code, said = check(package_path(package), keys())
    assert code == 0
    assert "INTERIM: the review is not over" in said


def test_asking_twice_while_it_is_being_built_gives_one_interim_package(steward):
    campaign = review_over(state="closed", steward=steward).campaign

    asked = [package_request(campaign_id=campaign.pk, actor=Person(steward)) for _ in range(2)]

    assert asked[0].pk == asked[1].pk
    assert Package.objects.count() == 1


def test_an_open_item_is_told_as_open_in_an_interim_package(steward):
    made = review_over(state="closed", steward=steward)
    ReviewItem.objects.filter(pk=made.items[2].pk).update(disposition="")

    package = build(made)

    assert package.claims["dispositions"] == {"kept": 1, "open": 1, "revoked": 1}


def test_a_decided_item_that_is_not_final_yet_is_told_so(steward):
    made = review_over(state="closed", steward=steward)
    with transaction.atomic():
        record(actor=Person(steward), verb=Verb.ITEM_MOVED, target=made.items[0])
        ReviewItem.objects.filter(pk=made.items[0].pk).update(disposition="", state="decided")

    package = build(made)

    assert package.claims["dispositions"] == {"decided": 1, "revoked": 1, "uncertified": 1}


def test_two_builds_of_one_state_are_alike_member_by_member(steward):
    made = review_over(state="closed", steward=steward)

    first, second = members(build(made)), members(build(made))

    assert set(first) == set(second)
    assert {name for name in first if first[name] != second[name]} <= VARYING
    assert first["build.json"] != second["build.json"]


@pytest.mark.django_db(transaction=True)
def test_what_began_before_a_package_and_ended_after_it_comes_in_the_addendum(steward):
    made = review_over(steward=steward)
    began_before = made.campaign.acknowledgement.given_at - timedelta(minutes=5)
    other = connection.copy()
    with contextlib.closing(other), other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "INSERT INTO audit_auditentry (occurred_at, xact_id, actor_label, channel, verb,"
            " target_type, target_id, target_label, changes, reason, request_id)"
            " VALUES (%s, pg_current_xact_id()::text::bigint, 'test', 'task', %s,"
            " 'remediation.order', %s, 'order', '{}', 'It took long', '')",
            [began_before, Verb.ORDER_MOVED, made.order.pk],
        )
        final = build(made)
        assert build(made).pk == final.pk
        cursor.execute("COMMIT")

    addendum = build(made)

    assert b"It took long" not in members(final)["data/governance.jsonl"]
    assert addendum.number == 1
    assert b"It took long" in members(addendum)["data/governance.jsonl"]
    assert build(made).pk == addendum.pk


@pytest.mark.django_db(transaction=True)
def test_late_facts_become_a_numbered_addendum_and_the_package_stays(steward):
    made = review_over(steward=steward)
    final = build(made)
    before = members(final)
    happen_later(made)

    addendum = build(made)
    happen_later(made, "Again")
    second = build(made)

    assert (addendum.number, second.number) == (1, 2)
    assert members(final) == before
    assert Addendum.objects.count() == 2
    told = json.loads(members(second)["data/addendum.json"])
    assert told["adds_to_manifest_sha256"] == final.claims["manifest_sha256"]
    assert told["follows_manifest_sha256"] == addendum.claims["manifest_sha256"]
    series = [package_path(addendum), package_path(second)]
    assert check(package_path(final), keys(), addenda=series)[0] == 0
    assert check(package_path(final), keys(), addenda=series[1:])[0] == 50
    late = [json.loads(line) for line in members(addendum)["data/governance.jsonl"].splitlines()]
    assert [entry["reason"] for entry in late] == ["It was found in use again"]
    assert check(package_path(addendum), keys())[0] == 0
    assert build(made).pk == second.pk


def test_reading_and_exporting_is_no_late_fact(steward):
    made = review_over(steward=steward)
    final = build(made)

    assert package_request(campaign_id=made.campaign.pk, actor=Person(steward)).pk == final.pk
    assert not Addendum.objects.exists()


def test_a_package_that_does_not_add_up_is_refused_and_not_kept(steward, data_dir):
    made = review_over(steward=steward)
    ReviewItem.objects.filter(pk=made.items[2].pk).update(disposition="revoked")

    with pytest.raises(DomainError, match="does not add up"):
        build(made)

    package = Package.objects.get()
    assert package.built_at is None
    assert list((data_dir / "evidence").iterdir()) == []
    assert Decision.objects.count() == 2


def test_a_missing_proof_file_is_named(steward):
    made = review_over(steward=steward)
    proof_path(PROOF_SHA256).unlink()

    with pytest.raises(DomainError, match=f"proof file {PROOF_SHA256} of order {made.order.pk}"):
        build(made)


def test_a_tampered_package_is_caught_with_the_published_key(steward, tmp_path):
    package = build(review_over(steward=steward))
    spoilt = rewrite(
        package_path(package),
        change={"data/decisions.csv": members(package)["data/decisions.csv"] + b"x"},
    )

    code, said = check(spoilt, keys())

    assert code == 10
    assert "data/decisions.csv was changed" in said


def test_a_package_signed_before_a_rotation_still_checks(steward, system):
    package = build(review_over(steward=steward))
    before = keys_published()["keys"]

    signing_key_rotate(reason="Yearly", compromised=False, actor=system)

    assert len(keys_published()["keys"]) == len(before) + 1
    assert check(package_path(package), keys())[0] == 0
    assert check(package_path(build(review_over(steward=steward))), keys())[0] == 0


def test_a_compromised_key_takes_its_packages_with_it(steward, system):
    package = build(review_over(steward=steward))

    signing_key_rotate(reason="The laptop was lost", compromised=True, actor=system)

    code, said = check(package_path(package), keys())
    assert code == 30
    assert "was withdrawn" in said
    entry = AuditEntry.objects.filter(verb=Verb.SIGNING_KEY_ROTATED).latest("pk")
    assert entry.reason == "The laptop was lost"


@pytest.mark.parametrize(
    ("state", "reason"),
    [("staged", "has not been launched"), ("cancelled", "no evidence of a review")],
)
def test_what_was_not_reviewed_is_not_exported(steward, state, reason):
    made = review_over(state=state, steward=steward)

    with pytest.raises(PermissionDenied, match=reason):
        package_request(campaign_id=made.campaign.pk, actor=Person(steward))

    assert not Package.objects.exists()


def test_a_reviewer_may_not_export(steward, reviewer):
    made = review_over(steward=steward)

    with pytest.raises(PermissionDenied, match="Only stewards and auditors"):
        package_request(campaign_id=made.campaign.pk, actor=Person(reviewer))


def test_the_command_builds_and_copies(steward, tmp_path, capsys):
    made = review_over(steward=steward)
    out = tmp_path / "out.zip"

    call_command("evidence_build", str(made.campaign.pk), str(out))

    assert check(out, keys())[0] == 0
    assert "every claim holds" in capsys.readouterr().out


def test_the_command_names_what_is_wrong(steward, tmp_path):
    with pytest.raises(CommandError, match="There is no campaign 'Nothing'"):
        call_command("evidence_build", "Nothing", str(tmp_path / "out.zip"))

    made = review_over(state="staged", steward=steward)
    with pytest.raises(CommandError, match="has not been launched"):
        call_command("evidence_build", made.campaign.name, str(tmp_path / "out.zip"))


def test_building_twice_gives_the_first(steward):
    made = review_over(steward=steward)
    package = build(made)

    again = package_build(package_id=package.pk, actor=Person(steward))

    assert again.built_at == package.built_at
