"""The pages of logs: what of each system's log is here, bringing more in, and who may."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import Event, LogImport, Stream
from apps.activity.services import logs
from apps.activity.tasks import read_log
from apps.audit.models import AuditEntry
from apps.connectors import uploads
from apps.core.models import Job, JobStatus
from apps.inventory.models import SeatSystem
from tests.activity.logs import as_lines, bring, delivered, event, stream
from tests.factories.accounts import SeatFactory
from tests.factories.inventory import SystemFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

MAPPING = "name = what\nhappened_at = when\nprincipal = who.name"
LINE = json.dumps({"what": "order.refund", "when": "2026-07-10T11:00:00Z", "who": {"name": "bot"}})


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def page_of(client, name, *args, query=""):
    return client.get(reverse(f"activity:{name}", args=args) + query).content.decode()


def upload(client, log, raw, name="log.json", **more):
    address = reverse("activity:log_upload", args=[log.pk])
    return client.post(address, {"file": SimpleUploadedFile(name, raw), **more})


def test_a_system_without_a_log_is_not_known_and_one_with_a_log_is_until_when(as_steward):
    SystemFactory(name="Mail")
    log = stream(name="AWS production")
    bring(log, delivered(event(1), event(2)))
    bring(log, as_lines(event(3), "{"), name="broken.json")

    page = page_of(as_steward, "log_list")

    assert "none: not known" in page
    assert "AWS CloudTrail" in page
    assert "broken.json, line 2" in page
    assert log.get_absolute_url() in page


def test_a_log_that_is_here_is_not_said_to_be_unread(as_steward):
    """Its readings may not be kept, as of one that was covered before they were."""
    log = stream()
    assert "Nothing of it was read yet" in page_of(as_steward, "log_detail", log.pk)
    begun = timezone.now() - timedelta(days=90)
    Stream.objects.update(complete_from=begun, complete_until=timezone.now())

    page = page_of(as_steward, "log_detail", log.pk)

    assert "Everything it recorded from" in page
    assert "Nothing of it was read yet" not in page
    assert "No reading of it is listed" in page


def test_the_list_of_logs_asks_the_same_however_many_systems(
    as_steward, django_assert_num_queries, django_assert_max_num_queries
):
    def made(count):
        for _ in range(count):
            bring(stream(), delivered(event(1)))

    made(2)
    page_of(as_steward, "log_list")
    with django_assert_max_num_queries(14) as few:
        page_of(as_steward, "log_list")
    made(6)
    with django_assert_num_queries(len(few)):
        page_of(as_steward, "log_list")


def test_the_list_is_taken_away_as_csv(as_steward):
    log = stream(name="AWS production")
    bring(log, delivered(event(1)))

    told = as_steward.get(reverse("activity:log_list") + "?export=csv")

    assert b"AWS CloudTrail" in b"".join(told.streaming_content)


def test_a_file_is_taken_in_read_in_the_background_and_reported(as_steward, steward, data_dir):
    log = stream()
    gone = upload(as_steward, log, as_lines(event(1), "{", event(2)), "trail.jsonl")
    held = LogImport.objects.get()
    waiting = page_of(as_steward, "log_import_detail", held.pk)

    assert gone.url == held.get_absolute_url()
    assert "every 2s" in waiting
    assert len(list((data_dir / "uploads").iterdir())) == 1

    read_log(job_id=Job.objects.get().pk)

    page = page_of(as_steward, "log_import_detail", held.pk)
    assert "every 2s" not in page
    assert "trail.jsonl" in page
    assert "not valid JSON" in page
    assert list((data_dir / "uploads").iterdir()) == []
    assert Event.objects.count() == 2
    held.refresh_from_db()
    assert (held.brought_by, held.sha256[:0], len(held.sha256)) == (steward, "", 64)
    assert Job.objects.get().status == JobStatus.DONE


def test_what_is_not_in_a_file_is_known_once_it_is_said_to_be_whole(as_steward):
    log, raw = stream(), delivered(event(1), event(2))
    upload(as_steward, log, raw)
    read_log(job_id=Job.objects.latest("pk").pk)

    log.refresh_from_db()
    assert log.complete_until is None
    page = page_of(as_steward, "log_import_detail", LogImport.objects.get().pk)
    assert "its time does not count as complete" in page

    upload(as_steward, log, raw, is_whole="on")
    read_log(job_id=Job.objects.latest("pk").pk)

    log.refresh_from_db()
    assert log.complete_until is not None
    assert Event.objects.count() == 2


def test_the_same_file_again_keeps_nothing_twice(as_steward):
    log, raw = stream(), delivered(event(1), event(2))

    for _ in range(2):
        upload(as_steward, log, raw)
        read_log(job_id=Job.objects.latest("pk").pk)
    read_log(job_id=Job.objects.latest("pk").pk)

    again = LogImport.objects.latest("pk")
    assert (again.kept, again.repeated) == (0, 2)
    assert Event.objects.count() == 2


class Killed(BaseException):
    """As a process that is stopped dead between two statements."""


def test_a_worker_that_dies_is_followed_by_one_that_goes_on(as_steward, monkeypatch):
    monkeypatch.setattr(logs, "MOST_RECORDS", 10)
    log = stream()
    upload(as_steward, log, as_lines(*(event(number) for number in range(35))))
    job = Job.objects.get()

    def die(*args, done, **kwargs):
        if done == 20:
            raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("apps.activity.tasks.job_advance", die)
        with pytest.raises(Killed):
            read_log(job_id=job.pk)
    assert Event.objects.count() == 20
    read_log(job_id=job.pk)

    held = LogImport.objects.get()
    assert (held.status, held.kept, held.repeated) == ("done", 35, 0)
    assert Event.objects.count() == 35


def test_an_upload_that_vanished_is_said_to_have(as_steward, data_dir):
    upload(as_steward, stream(), delivered(event(1)))
    for path in (data_dir / "uploads").iterdir():
        path.unlink()

    read_log(job_id=Job.objects.get().pk)

    held = LogImport.objects.get()
    assert held.status == "failed"
    assert "no longer here" in page_of(as_steward, "log_import_detail", held.pk)


def test_a_file_that_is_too_large_is_refused_with_the_command_for_it(as_steward, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", -uploads.AROUND)

    told = upload(as_steward, stream(), delivered(event(1)))

    assert told.status_code == 422
    assert "manage.py log_import" in told.content.decode()
    assert not LogImport.objects.exists()


def test_a_line_is_tried_before_a_mapping_is_kept(as_steward):
    given = {"log_format": "generic", "mapping": MAPPING, "sample": LINE}

    tried = as_steward.post(reverse("activity:log_try"), given).content.decode()

    assert "order.refund" in tried
    assert "bot" in tried
    assert not Stream.objects.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mapping": "nonsense", "sample": LINE}, "has no ="),
        ({"mapping": "name = what", "sample": LINE}, "happened_at has to be mapped"),
        ({"mapping": MAPPING, "sample": ""}, "Paste a line"),
        ({"mapping": MAPPING, "sample": "{"}, "not valid JSON"),
        ({"mapping": MAPPING, "sample": '{"what": 1}'}, "No time stands at when"),
        ({"mapping": MAPPING, "sample": "\n"}, "Paste a line"),
    ],
)
def test_a_line_that_does_not_fit_says_why(as_steward, given, said):
    told = as_steward.post(reverse("activity:log_try"), {"log_format": "generic"} | given)

    assert said in told.content.decode()


def test_a_log_is_added_with_its_mapping_and_mapped_anew(as_steward):
    system = SystemFactory(name="CRM", kind="crm")
    given = {"system": system.pk, "log_format": "generic", "mapping": MAPPING}
    as_steward.post(reverse("activity:log_new"), given)
    log = Stream.objects.get()

    as_steward.post(
        reverse("activity:log_change", args=[log.pk]), {"mapping": f"{MAPPING}\nlevel = =write"}
    )

    log.refresh_from_db()
    assert log.mapping["level"] == "=write"
    page = page_of(as_steward, "log_detail", log.pk)
    assert "principal = who.name" in page
    assert set(AuditEntry.objects.values_list("verb", flat=True)) >= {
        "activity.stream.added",
        "activity.stream.changed",
    }


def test_the_same_log_twice_and_a_mapping_without_a_name_are_refused(as_steward):
    log = stream()
    twice = {"system": log.system_id, "log_format": "cloudtrail", "mapping": ""}
    nameless = {"system": log.system_id, "log_format": "generic", "mapping": "happened_at = a"}

    assert "here already" in as_steward.post(reverse("activity:log_new"), twice).content.decode()
    told = as_steward.post(reverse("activity:log_new"), nameless)
    assert "name has to be mapped" in told.content.decode()
    assert Stream.objects.count() == 1


def test_the_page_of_a_log_tells_what_is_complete_and_where_gaps_are(as_steward):
    log = stream()
    bring(log, delivered(event(0), event(60)), name="first.json.gz")
    bring(log, delivered(event(40 * 60), event(50 * 60)))

    page = page_of(as_steward, "log_detail", log.pk)

    assert "Also complete" in page
    assert "first.json.gz" in page
    assert reverse("connectors:log_sources", args=[log.pk]) in page


def test_an_auditor_reads_and_changes_nothing(client):
    log = stream()
    bring(log, delivered(event(1)))
    sign_in(client, SeatFactory().user)

    assert "Complete until" in page_of(client, "log_detail", log.pk)
    for name, args in (("log_new", []), ("log_upload", [log.pk]), ("log_change", [log.pk])):
        assert client.get(reverse(f"activity:{name}", args=args)).status_code == 403


def test_a_limited_auditor_sees_the_logs_of_their_systems(client):
    mine, other = stream(name="Mine"), stream(name="Other")
    seat = SeatFactory(limited_to_systems=True)
    SeatSystem.objects.create(seat=seat, system=mine.system)
    sign_in(client, seat.user)

    page = page_of(client, "log_list")

    assert "Mine" in page
    assert "Other" not in page
    assert client.get(other.get_absolute_url()).status_code == 404
    assert client.get(mine.get_absolute_url()).status_code == 200


def test_the_page_of_a_system_leads_to_its_log_or_to_adding_it(as_steward):
    log, without = stream(), SystemFactory()
    bring(log, delivered(event(1)))

    known = as_steward.get(log.system.get_absolute_url()).content.decode()
    unknown = as_steward.get(without.get_absolute_url()).content.decode()

    assert reverse("activity:log_list") + "?q=" in known
    assert f"{reverse('activity:log_new')}?system={without.pk}" in unknown
