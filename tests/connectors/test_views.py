import json

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.connectors import uploads
from apps.connectors.models import Sync
from apps.connectors.services.jobs import sync_confirm, sync_upload
from apps.connectors.tasks import apply_sync, drop_stale_syncs, read_sync
from apps.core.actors import Person
from apps.core.models import Job
from apps.inventory.models import Identity, Source
from tests.connectors.adapters.reading import FIXTURES
from tests.connectors.importing import bring
from tests.factories.inventory import SourceFactory

LIMITS = FIXTURES / "aws-limits.json"
UPLOAD = "/sources/upload/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def given(path=LIMITS, **fields):
    file = SimpleUploadedFile(path.name, path.read_bytes())
    return {"format": "aws-authorization-details", "file": file, **fields}


@pytest.fixture
def uploaded(as_steward):
    as_steward.post(UPLOAD, given())
    return Sync.objects.get()


@pytest.fixture
def ready(uploaded):
    read_sync(job_id=Job.objects.get().pk)
    uploaded.refresh_from_db()
    return uploaded


def test_an_upload_waits_in_the_data_directory_until_it_is_read(uploaded, data_dir, steward):
    (kept,) = (data_dir / "uploads").iterdir()

    assert uploaded.path == str(kept)
    assert uploaded.brought_by == steward
    assert uploaded.command == "aws iam get-account-authorization-details"
    assert kept.stat().st_mode & 0o077 == 0
    read_sync(job_id=Job.objects.get().pk)
    assert list((data_dir / "uploads").iterdir()) == []


def test_the_preview_says_what_would_change_and_changes_nothing(ready, as_steward):
    page = as_steward.get(ready.get_absolute_url()).content.decode()

    assert "What would change" in page
    assert "not independently obtained" in page
    assert "deny-all" in page
    assert not Identity.objects.exists()
    assert not Source.objects.exists()


def test_applying_writes_the_inventory_once(ready, as_steward, steward):
    as_steward.post(reverse("connectors:sync_apply", args=[ready.pk]))
    job = Job.objects.get(kind="connectors.apply")

    apply_sync(job_id=job.pk)
    apply_sync(job_id=job.pk)

    source = Source.objects.get()
    assert source.brought_by == steward
    assert source.channel == "web"
    assert Identity.objects.count() == 9
    page = as_steward.get(source.get_absolute_url()).content.decode()
    assert source.raw_sha256 in page
    assert "12 read, 12 accepted, 0 rejected" in page


def test_a_second_confirmation_is_refused(ready, as_steward):
    address = reverse("connectors:sync_apply", args=[ready.pk])
    as_steward.post(address)

    assert as_steward.post(address).status_code == 403
    assert Job.objects.filter(kind="connectors.apply").count() == 1


def test_a_dropped_reading_leaves_nothing(ready, as_steward):
    as_steward.post(reverse("connectors:sync_discard", args=[ready.pk]))

    ready.refresh_from_db()
    assert ready.status == "dropped"
    assert not ready.rows.exists()
    assert not Source.objects.exists()


def test_a_refused_file_says_file_place_and_reason(as_steward, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"UserDetailList": [\n{"Arn": }\n]}')
    as_steward.post(UPLOAD, given(path))

    read_sync(job_id=Job.objects.get().pk)

    page = as_steward.get(Sync.objects.get().get_absolute_url()).content.decode()
    assert "broken.json" in page
    assert "line 2, column 9" in page
    assert "This is not valid JSON" in page
    assert Job.objects.get().status == "failed"


def test_a_reading_that_died_begins_anew(uploaded):
    uploaded.rows.create(kind="identity", key="half", data={})
    uploaded.status = "reading"
    uploaded.save()

    read_sync(job_id=Job.objects.get().pk)

    uploaded.refresh_from_db()
    assert uploaded.status == "ready"
    assert not uploaded.rows.filter(key="half").exists()


def test_a_body_that_is_too_large_is_refused_before_it_is_kept(as_steward, data_dir, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 4_000 - uploads.AROUND)

    response = as_steward.post(UPLOAD, given())

    assert response.status_code == 422
    assert uploads.TOO_LARGE in response.content.decode()
    assert not Sync.objects.exists()
    assert not (data_dir / "uploads").exists()


def test_a_form_without_a_file_comes_back_with_the_same_region(as_steward, htmx):
    response = as_steward.post(UPLOAD, {"format": "countersign"}, headers=htmx("upload"))

    assert response.status_code == 422
    assert response.content.decode().lstrip().startswith('<form id="upload"')


def test_readings_nobody_applied_are_dropped_after_a_day(ready):
    Sync.objects.update(created_at="2026-01-01T00:00:00Z")

    assert drop_stale_syncs() == 1

    ready.refresh_from_db()
    assert ready.status == "dropped"


@pytest.mark.parametrize(
    ("name", "args"), [("source_list", []), ("sync_upload", []), ("inventory_export", [])]
)
def test_a_reviewer_sees_no_sources(as_reviewer, name, args):
    assert as_reviewer.get(reverse(f"connectors:{name}", args=args)).status_code == 403


def test_an_auditor_reads_sources_and_brings_none(as_auditor):
    source = SourceFactory()

    assert as_auditor.get("/sources/").status_code == 200
    assert as_auditor.get(source.get_absolute_url()).status_code == 200
    assert as_auditor.get(UPLOAD).status_code == 403
    assert as_auditor.get("/sources/export/").status_code == 403


def test_a_list_says_what_is_stale(as_steward):
    SourceFactory(label="Old file", read_at="2026-01-01T00:00:00Z")
    SourceFactory(label="New file")

    page = as_steward.get("/sources/").content.decode()

    assert page.index("fresh</span>") < page.index("stale</span>")
    only = as_steward.get("/sources/?stale=true").content.decode()
    assert "Old file" in only
    assert "New file" not in only


def test_the_list_costs_the_same_however_long_it_is(as_steward, django_assert_max_num_queries):
    for _ in range(12):
        SourceFactory()

    with django_assert_max_num_queries(12):
        as_steward.get("/sources/")


def test_the_inventory_is_downloaded_as_one_document(as_steward):
    bring(LIMITS, "aws-authorization-details")

    response = as_steward.get("/sources/export/")

    document = json.loads(b"".join(response.streaming_content))
    assert response["Content-Disposition"].startswith('attachment; filename="countersign-')
    assert len(document["identities"]) == 9


def test_only_a_steward_uploads(reviewer, tmp_path):
    path = tmp_path / "in.json"
    path.write_text("{}")

    with pytest.raises(PermissionDenied, match="Only a steward may bring in an inventory"):
        sync_upload(
            path=path, format_name="countersign", file_name="in.json", actor=Person(reviewer)
        )

    assert not Sync.objects.exists()


def test_only_a_steward_confirms(ready, reviewer):
    with pytest.raises(PermissionDenied, match="Only a steward"):
        sync_confirm(sync_id=ready.pk, actor=Person(reviewer))
