"""Packages of what left the database: exact lines from the archive, and what cannot be read."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.activity.headers import NOBODY
from apps.activity.models import Archive, Erasure, Event
from apps.activity.services import append, archive_parts
from apps.activity.services.archiving import months_archive
from apps.activity.services.erasing import erasures_in_archive
from apps.activity.services.hours import hours_count
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.models import Setting
from apps.evidence.policies import Period
from apps.evidence.services.keys import signing_key_ensure
from apps.evidence.services.trail_packages import everything_package_request
from apps.proof.models import Log
from tests.evidence.access import members, rows
from tests.evidence.test_trail_packages import lines, passes
from tests.evidence.trail import (
    build,
    build_agent,
    build_everything,
    build_run,
    keep,
    ran,
    said,
    sign,
)
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

JULY = datetime(2025, 7, 14, 12, tzinfo=UTC)
UNREAD = "Records in a part of the archive that cannot be read"
UNREAD_WORDS = "Words in a part of the archive that cannot be read"
LEFT = "Records that are no longer kept here"


@pytest.fixture
def told(tmp_path, settings, monkeypatch, system):
    """A run of July with its calls, signed and archived in parts of three; another of today."""
    settings.TRAIL_ARCHIVE_DIR = tmp_path / "archive"
    monkeypatch.setattr(archive_parts, "PART", 3)
    signing_key_ensure(actor=system)
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_make_partitions(%s, 1)", [JULY.date()])
    with monkeypatch.context() as patched:
        patched.setattr(append.timezone, "now", lambda: JULY)
        made = ran(tmp_path / "signer", signed=False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE activity_ingestrequest SET received_at = %s", [JULY])
    headers = dict(Event.objects.values_list("leaf_index", "header"))
    keep(said("action", "late", trace="9" * 32), whose=NOBODY)
    sign(tmp_path / "signer")
    hours_count()
    Setting.objects.create(key="trail_months", value=3)
    assert len(months_archive(actor=system).months) == 1
    assert Event.objects.count() == 1
    made.headers, made.place = headers, settings.TRAIL_ARCHIVE_DIR / "2025-07"
    return made


def of_july(person, **how):
    period = Period(JULY.date(), JULY.date())
    return build(everything_package_request(period=period, actor=Person(person), **how), person)


def gaps(package):
    return {row["what"]: row for row in rows(package, "data/not_covered.csv")}


def exact(package):
    return members(package)["data/events.jsonl"].decode().splitlines()


def spoil(path):
    """Other bytes in the middle of a file, as a bad disk or a hand would leave them."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_an_archived_run_is_told_by_its_exact_lines(told, steward):
    package = build_run(told.run, steward)

    verdict = passes(package)
    assert "Its 6 records stand in the log activity as it was signed" in verdict
    stands = [told.headers[leaf] for leaf in sorted(told.headers)]
    assert exact(package) == [stands[at] for at in (3, 4, 5, 6, 7)] + exact(package)[5:]
    assert set(exact(package)) <= set(stands)
    assert package.status == "Final"
    assert not {UNREAD, LEFT} & set(gaps(package))
    # Who it acted as is told from the archive too.
    assert [row["identity"] for row in rows(package, "data/bindings.csv")]
    assert {one.get("redacted") for one in lines(package, "data/payloads.jsonl")} == {True}


def test_its_words_are_told_to_who_asks_for_them_and_may(told, steward):
    package = build_run(told.run, steward, with_payloads=True)

    passes(package)
    said_of = {one["i"]: one for one in lines(package, "data/payloads.jsonl")}
    assert "refunded" in "".join(one.get("body", "") for one in said_of.values())


def test_words_that_were_erased_in_the_archive_are_told_as_erased(told, steward, system):
    leaves = [one for one, header in told.headers.items() if "=refund" in header]
    leaf = max(leaves)  # of two such runs, the later
    erasure = approved(leaf, steward)

    waiting = build_run(told.run, steward, with_payloads=True)
    erasures_in_archive(actor=system)
    after = build_run(told.run, steward, with_payloads=True)

    erasure.refresh_from_db()
    assert erasure.state == "erased"
    for package, state in ((waiting, "redacted"), (after, "erased")):
        passes(package)
        (of_it,) = [one for one in lines(package, "data/payloads.jsonl") if one["i"] == leaf]
        assert state in of_it
        assert "refunded" not in json.dumps(of_it)


def approved(leaf, steward):
    """Two people agreed; the file still holds the words."""
    return Erasure.objects.create(
        log_id=Log.objects.get(name="activity").pk,
        leaf_index=leaf,
        recorded_at=JULY,
        record_name="=refund",
        state="approved",
        basis="person",
        reason="They asked.",
        asked_by=steward,
        decided_by=UserFactory(role="steward"),
        decided_at=timezone.now(),
        is_in_archive=True,
    )


def test_an_agents_archived_period_is_told_as_it_was(told, steward):
    package = build_agent(told.agent, steward, Period(JULY.date(), JULY.date()))

    passes(package)
    names = [json.loads(line)["name"] for line in exact(package)]
    assert sorted(names) == sorted(
        ["refunds", "chat", "=refund", "s3:GetObject", "s3:GetObject", "s3:ListBuckets"]
    )


def test_everything_of_an_archived_period_is_whole(told, steward):
    package = of_july(steward)

    verdict = passes(package)
    assert "every record from 0 up to 10 is there, or counted as left out (0)" in verdict
    assert exact(package) == [told.headers[leaf] for leaf in sorted(told.headers)]


@pytest.mark.parametrize("how", ["changed", "missing", "renamed", "a line with its manifest"])
def test_a_part_that_cannot_be_read_is_said_and_accounted_for_by_hash(told, steward, how):
    path = told.place / "events-0002.jsonl.gz"
    if how == "changed":
        spoil(path)
    elif how == "missing":
        path.unlink()
    elif how == "renamed":
        path.write_bytes((told.place / "events-0001.jsonl.gz").read_bytes())
    else:
        replace_a_line(told.place, path)

    package = of_july(steward)

    verdict = passes(package)
    assert "every record from 0 up to 10 is there, or counted as left out (3)" in verdict
    assert package.status == "Interim"
    gap = gaps(package)[UNREAD]
    assert (gap["count"], "Archive of 2025-07: " in gap["why"]) == ("3", True)
    assert LEFT not in gaps(package)
    assert len(exact(package)) == 7


def replace_a_line(place, path):
    """As one would who owns the database too: the file, its manifest, and what is noted of it."""
    text = gzip.decompress(path.read_bytes()).replace(b"chat", b"chap").replace(b"step", b"stop")
    path.write_bytes(gzip.compress(text))
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["parts"][1]["events"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (place / "manifest.json").write_text(json.dumps(manifest))
    digest = hashlib.sha256((place / "manifest.json").read_bytes()).hexdigest()
    Archive.objects.update(digest=digest)


def test_an_archive_that_is_gone_leaves_a_package_that_says_so(told, steward):
    told.place.rename(told.place.with_name("elsewhere"))

    whole = of_july(steward)

    assert "left out (10)" in passes(whole)
    assert gaps(whole)[UNREAD]["count"] == "10"
    assert "manifest.json cannot be read" in gaps(whole)[UNREAD]["why"]
    assert whole.status == "Interim"
    assert gaps(whole)["Joins to records that cannot be read"]["count"] == "2"
    with pytest.raises(DomainError, match="holds no signed record"):
        build_run(told.run, steward)


def test_a_run_of_which_a_part_cannot_be_read_says_how_much(told, steward):
    spoil(told.place / "events-0002.jsonl.gz")

    package = build_run(told.run, steward)

    passes(package)
    assert (package.status, gaps(package)[UNREAD]["count"]) == ("Interim", "3")
    assert len(exact(package)) == 3


def test_records_whose_words_cannot_be_read_are_told_without_them(told, steward):
    (path,) = told.place.glob("payloads-0001.*")
    spoil(path)

    package = of_july(steward, with_payloads=True)

    passes(package)
    assert len(exact(package)) == 10
    gap = gaps(package)[UNREAD_WORDS]
    assert int(gap["count"]) == sum(
        "absent" in one for one in lines(package, "data/payloads.jsonl")
    )
    assert "not the file that the manifest names" in gap["why"]


@pytest.mark.parametrize("odd", [b"half of a {", b"[7]"])
def test_of_a_part_only_a_header_that_is_no_json_cannot_be_read(request, monkeypatch, steward, odd):
    """Sealed as it is, it is accounted for by its hash, and nothing else is lost for it."""
    real = append.header_of

    def header_of(reading, *rest, **more):
        return odd if reading.name == "chat" else real(reading, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(append, "header_of", header_of)
        told = request.getfixturevalue("told")

    package = of_july(steward, with_payloads=True)

    assert "is there, or counted as left out (2)" in passes(package)
    kept = [told.headers[leaf] for leaf in sorted(told.headers)]
    assert exact(package) == [one for one in kept if one != odd.decode()]
    assert (gaps(package)[UNREAD]["count"], package.status) == ("2", "Interim")
    assert "the header of record 1 is not JSON" in gaps(package)[UNREAD]["why"]
    assert UNREAD_WORDS not in gaps(package)
    included = [one for one in lines(package, "data/payloads.jsonl") if "body" in one]
    assert len(included) == 4


def test_what_is_here_and_what_is_archived_come_in_the_order_of_the_log(told, steward):
    period = Period(JULY.date(), (timezone.now() + timedelta(days=1)).date())

    package = build_everything(steward, period)

    passes(package)
    assert len(exact(package)) == 11
    assert [int(row["leaf"]) for row in rows(package, "data/index.csv")] == list(range(11))
