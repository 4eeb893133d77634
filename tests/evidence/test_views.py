from pathlib import Path

import pytest
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.evidence import tasks
from apps.evidence.models import Package, Sample
from apps.evidence.services.samples import drawn, sample_draw
from apps.evidence.verify import verify
from tests.evidence.scenario import build, review_over

pytestmark = pytest.mark.django_db


def test_exporting_starts_the_build_and_leads_to_the_package(as_steward, steward):
    made = review_over(steward=steward)

    url = reverse("evidence:package_create", args=[made.campaign.pk])
    response = as_steward.post(url)

    package = Package.objects.get()
    assert response.status_code == 302
    assert response.headers["Location"] == package.get_absolute_url()
    assert package.job.subject_id == package.pk
    assert tasks.build_package(package.job_id) == 1
    page = as_steward.get(package.get_absolute_url()).content.decode()
    assert "RESULT every claim holds" in page
    assert tasks.build_package(package.job_id) == 0


def test_a_failed_build_says_why_on_the_page(as_steward, steward):
    made = review_over(steward=steward)
    made.campaign.items.filter(pk=made.items[2].pk).update(disposition="revoked")
    as_steward.post(reverse("evidence:package_create", args=[made.campaign.pk]))
    package = Package.objects.get()

    assert tasks.build_package(package.job_id) == 0

    page = as_steward.get(package.get_absolute_url()).content.decode()
    assert "does not add up" in page
    assert "Try again" in page


def test_a_download_is_recorded(as_auditor, auditor, steward):
    package = build(review_over(steward=steward))

    response = as_auditor.post(reverse("evidence:package_download", args=[package.pk]))

    assert b"".join(response.streaming_content)[:2] == b"PK"
    assert AuditEntry.objects.get(verb=Verb.PACKAGE_DOWNLOADED).actor == auditor


def test_an_auditor_limited_to_other_systems_does_not_find_the_package(
    as_auditor, auditor, steward
):
    package = build(review_over(steward=steward))
    auditor.seat.limited_to_systems = True
    auditor.seat.save()

    assert as_auditor.get(package.get_absolute_url()).status_code == 404
    download = reverse("evidence:package_download", args=[package.pk])
    assert as_auditor.post(download).status_code == 404


def test_a_reviewer_sees_no_evidence(as_reviewer, steward):
    package = build(review_over(steward=steward))

    assert as_reviewer.get(reverse("evidence:package_list")).status_code == 403
    assert as_reviewer.get(package.get_absolute_url()).status_code == 403


def test_the_list_shows_each_package(as_steward, steward):
    package = build(review_over(steward=steward))

    page = as_steward.get(reverse("evidence:package_list")).content.decode()

    assert package.get_absolute_url() in page
    assert "Final" in page


def test_verifier_and_keys_are_public(client, steward):
    package = build(review_over(steward=steward))

    keys = client.get("/.well-known/countersign-log.json")
    source = client.get("/.well-known/countersign-verify.py")

    assert keys.json()["keys"][0]["keyid"] == package.claims["key_id"]
    assert source.content == Path(verify.__file__).read_bytes()


def test_the_same_seed_draws_the_same_sample(steward):
    made = review_over(steward=steward)
    actor = Person(steward)

    first = sample_draw(campaign_id=made.campaign.pk, size=2, seed="spring", actor=actor)

    items = [item.pk for item in made.items]
    assert first.item_ids == drawn(items, size=2, seed="spring")
    assert drawn(list(reversed(items)), size=2, seed="spring") == first.item_ids
    assert AuditEntry.objects.get(verb=Verb.SAMPLE_DRAWN).changes["seed"] == [None, "spring"]


def test_a_sample_larger_than_the_population_is_refused(steward):
    made = review_over(steward=steward)

    with pytest.raises(DomainError, match="has 1 to 3 items"):
        sample_draw(campaign_id=made.campaign.pk, size=4, seed="", actor=Person(steward))

    assert not Sample.objects.exists()


def test_each_row_of_a_sample_opens_its_whole_story(as_auditor, steward):
    made = review_over(steward=steward)
    url = reverse("evidence:sample_create", args=[made.campaign.pk])
    as_auditor.post(url, {"size": 3, "seed": "spring"})

    page = as_auditor.get(Sample.objects.get().get_absolute_url()).content.decode()
    story = reverse("evidence:item_story", args=[made.items[1].pk])
    told = as_auditor.get(story).content.decode()

    assert story in page
    assert "Manager of the agent&#x27;s team" in told
    assert "=HYPERLINK()" in told
    assert "Confirmed by hand" in told
    assert "250 OK" in told


def test_the_story_of_an_item_holds_the_mails_about_it_alone(as_auditor, steward):
    made = review_over(steward=steward)

    asked, other = (
        as_auditor.get(reverse("evidence:item_story", args=[item.pk])).context["story"]
        for item in made.items[:2]
    )

    assert [notice.kind for notice in asked.contacts] == ["review-launched", "review-question"]
    assert [notice.kind for notice in other.contacts] == ["review-launched"]


def test_the_dialogs_say_why_not(as_steward, steward):
    made = review_over(state="staged", steward=steward)

    export = as_steward.get(reverse("evidence:package_create", args=[made.campaign.pk]))
    sample = as_steward.get(reverse("evidence:sample_create", args=[made.campaign.pk]))

    assert "has not been launched" in export.content.decode()
    assert "has not been launched" in sample.content.decode()
