"""A log that has ended: nothing more comes of it, what was read stays, and pages say so."""

import io
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from apps.activity.formats.archives import Piece
from apps.activity.models import Event, LogImport
from apps.activity.selectors.breaking import breaks_without_credential
from apps.activity.selectors.coverage import coverage_of
from apps.activity.services import logs
from apps.activity.services.logs import import_open, import_run, import_upload
from apps.activity.services.streams import stream_end
from apps.activity.tasks import read_log
from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.models import Job
from apps.inventory.models import System
from tests.activity.logs import ROBOT, as_lines, bring, delivered, event, stream
from tests.activity.use import logged
from tests.factories.inventory import BindingFactory, CredentialFactory, SystemFactory

pytestmark = pytest.mark.django_db

WHY = "The account was closed."


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def end(client, log, reason=WHY):
    return client.post(reverse("connectors:log_end", args=[log.pk]), {"reason": reason})


def resume(client, log):
    url = reverse("activity:log_resume", args=[log.pk])
    return client.post(url, {"reason": "It was the wrong account."})


def page_of(client, log):
    return " ".join(client.get(log.get_absolute_url()).content.decode().split())


def is_connected(log):
    return System.objects.get(pk=log.system_id).log_connected


def test_a_steward_ends_a_log_with_a_reason_and_it_is_recorded(as_steward, steward):
    log = logged(SystemFactory(log_connected=True))

    assert end(as_steward, log).status_code in {204, 302}

    log.refresh_from_db()
    assert (log.ended_by, log.ended_because) == (steward, WHY)
    entry = AuditEntry.objects.get(verb="activity.stream.ended")
    assert (entry.target_id, entry.reason) == (log.pk, WHY)
    assert not is_connected(log)
    page = page_of(as_steward, log)
    assert "It ended on" in page
    assert WHY in page
    assert "Take it up again" in page
    assert "It has ended…" not in page
    assert "Everything it recorded from" in page


def test_nothing_more_of_it_is_taken_in_until_it_is_taken_up_again(as_steward):
    log = stream()
    end(as_steward, log)
    log.refresh_from_db()

    with pytest.raises(DomainError, match="Take it up again first"):
        bring(log, delivered(event(1)))
    upload = as_steward.post(
        reverse("activity:log_upload", args=[log.pk]),
        {"file": SimpleUploadedFile("log.json", delivered(event(1)))},
    )
    assert upload.status_code == 422
    assert "Take it up again first" in upload.content.decode()
    assert not LogImport.objects.exists()

    resume(as_steward, log)
    log.refresh_from_db()
    bring(log, delivered(event(1)))

    assert LogImport.objects.count() == 1
    assert is_connected(log)
    assert AuditEntry.objects.filter(verb="activity.stream.resumed").exists()


def test_what_waited_when_the_log_ended_is_not_read_and_says_so(steward, tmp_path):
    log, path = stream(), tmp_path / "waits.json"
    path.write_bytes(delivered(event(1)))
    held = import_upload(
        stream=log, name="waits.json", path=str(path), sha256="", actor=Person(steward)
    )
    stream_end(stream_id=log.pk, reason=WHY, actor=Person(steward))

    assert read_log(Job.objects.get().pk) == 0

    held.refresh_from_db()
    log.refresh_from_db()
    assert held.status == "failed"
    assert "The log ended on" in held.said
    assert Job.objects.get().message == held.said
    assert not Event.objects.exists()
    assert log.complete_until is None
    assert not is_connected(log)


def test_a_reading_under_way_when_the_log_ends_keeps_what_it_had_and_stops(steward, monkeypatch):
    monkeypatch.setattr(logs, "MOST_RECORDS", 10)
    log = stream()
    held = import_open(stream=log, way="file", name="long.json", actor=ROBOT)
    raw = as_lines(*(event(number) for number in range(35)))

    def told(now):
        if now.position == 20:
            stream_end(stream_id=log.pk, reason=WHY, actor=Person(steward))

    pieces = [Piece("long.json", io.BytesIO(raw))]
    with pytest.raises(DomainError, match="The log ended on"):
        import_run(log_import=held, pieces=pieces, actor=ROBOT, told=told)

    held.refresh_from_db()
    log.refresh_from_db()
    assert (held.status, held.kept, Event.objects.count()) == ("failed", 20, 20)
    assert "What was kept before stays" in held.said
    assert log.complete_until is None


def test_a_log_that_ended_meanwhile_takes_nothing_from_who_saw_it_before(steward):
    seen_before = stream()
    stream_end(stream_id=seen_before.pk, reason=WHY, actor=Person(steward))
    assert seen_before.ended_at is None

    with pytest.raises(DomainError, match="Take it up again first"):
        import_open(stream=seen_before, way="file", name="late.json", actor=ROBOT)
    assert not LogImport.objects.exists()


def test_an_ended_log_is_neither_ended_twice_nor_taken_up_while_it_goes_on(as_steward, steward):
    log = stream()
    assert resume(as_steward, log).status_code == 403

    end(as_steward, log)

    assert end(as_steward, log).status_code == 403
    with pytest.raises(PermissionDenied):
        stream_end(stream_id=log.pk, reason=WHY, actor=Person(steward))
    assert AuditEntry.objects.filter(verb="activity.stream.ended").count() == 1


def test_without_a_reason_it_does_not_end(as_steward):
    log = stream()

    assert end(as_steward, log, reason="").status_code == 422

    log.refresh_from_db()
    assert log.ended_at is None


def test_an_auditor_reads_why_it_ended_and_ends_none(as_auditor, steward):
    log = stream()
    assert end(as_auditor, log).status_code == 403
    stream_end(stream_id=log.pk, reason=WHY, actor=Person(steward))

    assert WHY in page_of(as_auditor, log)


def test_the_list_says_which_logs_ended(as_steward, steward):
    ended, goes_on = stream(name="Closed"), stream(name="Open")
    stream_end(stream_id=ended.pk, reason=WHY, actor=Person(steward))
    url = reverse("activity:log_list")

    over = as_steward.get(url, {"log": "ended"}).content.decode()
    read = as_steward.get(url, {"log": "read"}).content.decode()

    assert "Closed" in over
    assert "ended" in over
    assert "Open" not in over
    assert goes_on.get_absolute_url() in read
    assert ended.get_absolute_url() not in read


def test_what_rests_on_it_says_that_it_ended(steward):
    """What was read stays known; of what came after, nothing is."""
    binding = BindingFactory()
    credential = CredentialFactory(identity=binding.identity)
    now = timezone.now()
    log = logged(binding.identity.system, until=now - timedelta(days=9))
    stream_end(stream_id=log.pk, reason=WHY, actor=Person(steward))

    breaks = breaks_without_credential(credential, Person(steward))
    (silence,) = coverage_of(
        binding.agent, now - timedelta(days=30), now, Person(steward)
    ).not_known

    assert f"its log ended on {now:%Y-%m-%d}, and the log is complete only" in breaks.in_words
    assert silence.ended_at is not None
    assert silence.until == log.complete_until


def test_another_log_of_the_system_goes_on_for_it(steward):
    credential = CredentialFactory()
    system = credential.identity.system
    log = logged(system, until=timezone.now() - timedelta(days=9))
    stream(log_format="generic")
    other = log.__class__.objects.create(system=system, log_format="generic")
    stream_end(stream_id=log.pk, reason=WHY, actor=Person(steward))

    told = breaks_without_credential(credential, Person(steward)).in_words
    assert "ended" not in told

    stream_end(stream_id=other.pk, reason=WHY, actor=Person(steward))
    assert "its log ended on" in breaks_without_credential(credential, Person(steward)).in_words
