"""One review from the import of an account to a package that an auditor checks outside."""

import pytest
from celery import signature
from playwright.sync_api import expect

from apps.reviews.models import Campaign
from tests.e2e import account, bench, campaigns, evidence, orders, sources
from tests.e2e.people import make_stale, person
from tests.factories.accounts import SeatFactory, TeamFactory

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("journey"),
]

NAME = "Write access, fourth quarter"
AWS = "AWS account authorization details"
REMOVED = {
    ("ticket-triage", "s3:DeleteObject"),
    ("ticket-triage", "ses:SendEmail"),
    ("vendor-invoices", "firehose:PutRecord"),
    ("vendor-invoices", "kinesis:PutRecord"),
    ("old-deploy", "lambda:UpdateFunctionCode"),
}
DISPOSITIONS = {"Kept": 9, "Narrowed": 1, "Revoked": 3, "No answer: suspension ordered": 1}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


@pytest.fixture
def people(transactional_db):
    manager = person("Head of support")
    TeamFactory(name="Support", manager=manager)
    auditor = person("External auditor", role="auditor")
    SeatFactory(user=auditor)
    return {
        "steward": person("Head of IT", steward=True),
        "colleague": person("Cloud engineer", steward=True),
        "manager": manager,
        "owner": person("Owner of the agents", email="owner@example.com"),
        "auditor": auditor,
    }


@pytest.mark.usefixtures("worker")
def test_a_review_goes_from_the_import_to_a_package_that_checks_itself(arrive, people, tmp_path):
    steward = arrive(people["steward"])
    _import_and_launch(steward, tmp_path)

    manager = arrive(people["manager"])
    _decide_at_the_desk(manager)
    _decide_on_the_phone(arrive(people["manager"], **PHONE))
    steward.open(_campaign())
    campaigns.end_early(steward, "Everybody who was asked has answered, but for one.")
    assert campaigns.dispositions_on(steward) == (DISPOSITIONS, 14)

    _settle_the_orders(steward, arrive(people["colleague"]), tmp_path)
    steward.open(_campaign())
    campaigns.close(steward)
    assert campaigns.dispositions_on(steward) == (DISPOSITIONS, 14)
    make_stale(people["manager"])
    manager.open(_campaign())
    campaigns.acknowledge(manager)

    auditor = arrive(people["auditor"])
    auditor.follow(NAME)
    assert campaigns.dispositions_on(auditor) == (DISPOSITIONS, 14)
    package, keys = evidence.export(auditor, tmp_path)
    code, said = evidence.check(package, keys)
    assert code == 0, said
    assert "PASS  Dispositions sum to the population (14)" in said
    assert "INTERIM" not in said
    _tampering_is_caught(package, keys)


def _import_and_launch(steward, folder):
    before = account.written(folder / "account.json", account.account())
    listed = account.agents(owner="owner@example.com", team="Support")
    sources.bring_in(steward, before, kind=AWS, shows={"Grants": [16, 0, 0, 0, 0]})
    sources.bring_in(
        steward,
        account.written(folder / "agents.json", listed),
        kind="Countersign inventory",
        shows={"Agents": [2, 0, 0, 0, 0], "Justifications": [1, 0, 0, 0, 0]},
    )
    campaigns.make_from_ready_template(steward, NAME)
    campaigns.stage(steward)
    left_out = steward.page.locator(".card", has_text="What is not in it, and why")
    expect(left_out).to_contain_text("Grants of service-linked identities")
    assert campaigns.dispositions_on(steward) == ({"Not ended yet": 14}, 14)
    campaigns.launch(steward)
    expect(steward.page.locator(".card", has_text="Who was written to")).to_contain_text(
        "13 items to decide"
    )


def _decide_at_the_desk(manager):
    page = manager.page
    expect(page.get_by_text("13 decisions left of 13")).to_be_visible()
    manager.follow(NAME)
    bench.narrow_by_keys(page, "· s3 ·", "It files attachments, deletes none.", to="s3:PutObject")
    bench.revoke_by_keys(page, "· ses ·", "It answers nobody by mail.")
    bench.keep_by_keys(page, "· sqs ·", "It hands each ticket to the team that answers it.")
    manager.look()
    bench.submit_by_keys(page, 3)
    manager.look()


def _decide_on_the_phone(manager):
    page = manager.page
    manager.follow(NAME)
    assert bench.too_small(page) == []
    for action in account.INVOICES:
        service = action.partition(":")[0]
        unused = service in {"firehose", "kinesis"}
        bench.decide_by_touch(
            page,
            f"· {service} ·",
            "Revoke" if unused else "Keep",
            "Nothing reads that stream." if unused else "Booking an invoice needs it.",
        )
    assert bench.too_small(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    manager.look()
    page.locator("#bench-submit").tap()
    page.get_by_role("button", name="Submit 10").tap()
    expect(page.locator("#dialog-title")).to_have_text("10 of 10 decided")
    manager.look()


def _settle_the_orders(steward, colleague, folder):
    """One is confirmed by hand by somebody else; the import that follows shows the others."""
    steward.follow("5 orders")
    mail = f"ticket-triage · {account.SYSTEM} · ses · write"
    orders.carry_out(steward, mail, "Wrote the policy anew, without the line.")
    expect(steward.page.get_by_text("somebody else must confirm that it is gone")).to_be_visible()
    seen = folder / "console.txt"
    seen.write_text("aws iam get-role-policy: ses:SendEmail is not listed.")
    orders.confirm(colleague, mail, "Read the policy in the console.", seen)

    after = account.written(folder / "later.json", account.account(without=REMOVED))
    sources.bring_in(steward, after, kind=AWS, shows={"Grants": [0, 1, 4, 0, 11]})
    for label in ("s3", "firehose", "kinesis"):
        orders.expect_listed(steward, f"· {label} ·", "Verified")
    orders.expect_listed(steward, "old-deploy", "Verified")
    # As beat asks for every minute.
    signature("reviews.settle_orders").apply_async()
    steward.open(_campaign())
    campaigns.expect_state(steward, "Verifying")


def _tampering_is_caught(package, keys):
    """Everything inside is made to agree, its verifier too; the one from outside is not fooled."""
    decisions = evidence.member(package, "data/decisions.csv")
    changed = {
        "data/decisions.csv": decisions.replace(b"revoke", b"keep"),
        "data/verify/verify.py": b"print('RESULT every claim holds')",
    }
    code, said = evidence.check(evidence.tampered(package, "changed.zip", changed), keys)
    assert code == 10
    assert "data/decisions.csv was changed" in said
    assert "data/verify/verify.py was changed" in said

    changed["manifest-sha256.txt"] = evidence.listing(package, "manifest-sha256.txt", changed)
    tags = "tagmanifest-sha256.txt"
    changed[tags] = evidence.listing(package, tags, changed)
    spoilt = evidence.tampered(package, "agreeing.zip", changed)
    inside = package.with_name("inside.py")
    inside.write_bytes(evidence.member(spoilt, "data/verify/verify.py"))
    assert evidence.check(spoilt, keys, inside)[0] == 0
    code, said = evidence.check(spoilt, keys)
    assert code == 30, said
    assert "manifest-sha256.txt is not the one that was signed" in said


def _campaign():
    return Campaign.objects.get().get_absolute_url()
