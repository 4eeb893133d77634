"""Packages of incidents that somebody changed: the verifier names what was done to them."""

import pytest
from django.db import transaction

from apps.core.errors import DomainError
from apps.evidence.models import Package
from apps.evidence.services.packages import package_path
from tests.evidence.access import build_incident, members, signed_anew
from tests.evidence.handmade import check, rewrite
from tests.evidence.incident import AWAY, HOME, over
from tests.evidence.test_access_forged import change_first, edit, without
from tests.evidence.test_packages import keys

pytestmark = pytest.mark.django_db

FORGERIES = {
    "a call left out": (
        edit("data/calls.csv", without(0)),
        "is not alike in calls.csv and calls.jsonl",
    ),
    "a call from elsewhere": (
        edit("data/calls.csv", change_first(address=HOME)),
        "is not alike in calls.csv and calls.jsonl",
    ),
    "an address left out": (
        edit("data/addresses.csv", without(0)),
        f"{AWAY} is missing from addresses.csv",
    ),
    "fewer calls of an address": (
        edit("data/addresses.csv", change_first(calls="1")),
        f"{AWAY}: its calls are not these",
    ),
    "a thing that was made left out": (
        edit("data/made.csv", without(0)),
        "was made, and incident.json says",
    ),
    "a thing said to be taken back": (
        edit("data/made.csv", lambda made: [made[0], {**made[1], "outcome": "taken_back"}]),
        "snapshot snap-1 is by_hand, not taken_back",
    ),
    "another reason for the kill": (
        edit("data/orders.csv", change_first(reason="It was old.")),
        "its reason is not as in the record",
    ),
    "an order left out": (
        edit("data/orders.csv", without(1)),
        "is in the record and not in orders.csv",
    ),
    "a kill confirmed by who did it": (
        edit(
            "data/orders.csv",
            lambda rows: [{**rows[0], "confirmed_by_id": rows[0]["decided_by_id"]}, *rows[1:]],
        ),
        "it was confirmed by who decided it",
    ),
    "an order that did not come to its end": (
        edit("data/orders.csv", change_first(state="manual_needed")),
        "it is manual_needed, and in the record confirmed",
    ),
    "a leak left out": (
        edit("data/leaks.csv", without(0)),
        "is in the record and not in leaks.csv",
    ),
    "an index without a call": (
        edit(
            "data/index.csv", lambda rows: [row for row in rows if "ListUsers" not in row["told"]]
        ),
        "index.csv holds 2 of 3: call",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_changed_is_named_even_if_it_was_signed_anew(steward, system, tmp_path, forgery):
    change, wanted = FORGERIES[forgery]
    package = build_incident(over(steward), steward)

    forged = signed_anew(package, tmp_path, system, change, "data/incident.json")

    code, said = check(forged, keys())
    assert code == 50, said
    assert wanted in said


def test_signed_anew_without_a_change_it_passes(steward, system, tmp_path):
    package = build_incident(over(steward), steward)

    forged = signed_anew(package, tmp_path, system, lambda files: None, "data/incident.json")

    assert check(forged, keys())[0] == 0


def test_a_call_taken_out_of_every_file_is_not_what_was_signed(steward, system, tmp_path):
    package = build_incident(over(steward), steward)

    def all_of_it(files):
        edit("data/calls.csv", without(2))(files)
        edit("data/addresses.csv", without(1))(files)
        files["data/calls.jsonl"] = b"".join(
            files["data/calls.jsonl"].splitlines(keepends=True)[:2]
        )

    code, said = check(
        signed_anew(package, tmp_path, system, all_of_it, "data/incident.json"), keys()
    )
    assert code == 50
    assert "2 calls are not the 3 that were signed" in said


@pytest.mark.parametrize("name", ["data/calls.csv", "data/calls.jsonl", "data/index.xlsx"])
def test_a_file_that_was_changed_is_named(steward, name):
    package = build_incident(over(steward), steward)
    broken = rewrite(package_path(package), change={name: members(package)[name][:-40]})

    code, said = check(broken, keys())

    assert code == 10
    assert f"{name} was changed" in said


def test_what_does_not_add_up_in_the_database_is_not_kept(steward):
    incident = over(steward)
    with transaction.atomic():
        incident.order.__class__.objects.filter(pk=incident.order_id).update(reason="It was old.")

    with pytest.raises(DomainError, match="its reason is not as in the record"):
        build_incident(incident, steward)

    assert Package.objects.get().built_at is None
