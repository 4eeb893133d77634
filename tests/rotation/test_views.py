"""Rotation in the browser: the panel of a credential, the dialogs, the pages."""

import re

import pytest
from django.urls import reverse

from apps.inventory.states import CredentialState
from apps.rotation.models import Migration, Rotation
from apps.rotation.states import MigrationState, RotationState
from tests.factories.accounts import UserFactory
from tests.factories.inventory import CredentialFactory, IdentityFactory, SystemFactory
from tests.factories.rotation import MigrationFactory, RotationFactory
from tests.rotation.company import owned_by

pytestmark = pytest.mark.django_db
WHY = "It is due by the house's rule."


def test_the_page_of_a_credential_asks_for_its_rotation(as_steward):
    credential = CredentialFactory()

    page = as_steward.get(credential.get_absolute_url()).content.decode()

    assert reverse("rotation:credential_panel", args=[credential.pk]) in page


def test_the_panel_says_how_it_is_rotated_and_names_its_way_out(as_steward, htmx):
    identity = IdentityFactory(system=SystemFactory(kind="aws", account="1"))
    credential = CredentialFactory(identity=identity, kind="access-key")

    response = as_steward.get(
        reverse("rotation:credential_panel", args=[credential.pk]),
        headers=htmx("credential-rotation"),
    )

    page = response.content.decode()
    assert page.lstrip().startswith("<section")
    assert "only by hand" in page
    assert "IAM Roles Anywhere" in page
    assert "aws rolesanywhere create-trust-anchor" in page


def test_it_is_rotated_from_a_dialog_and_leads_to_its_rotation(as_steward):
    credential = CredentialFactory()
    url = reverse("rotation:rotation_new", args=[credential.pk])

    form = as_steward.get(url).content.decode()
    refused = as_steward.post(url, {"reason": WHY, "place": "a drawer", "overlap_days": "7"})
    done = as_steward.post(url, {"reason": WHY, "overlap_days": "3"})

    rotation = Rotation.objects.get()
    assert re.search(r'name="overlap_days"[^>]* value="7"', form)
    assert refused.status_code == 422
    assert "An ARN of Secrets Manager" in refused.content.decode()
    assert (done.status_code, done["Location"]) == (302, rotation.get_absolute_url())
    assert rotation.overlap_days == 3


def test_an_auditor_sees_why_they_may_not(as_auditor):
    rotation = RotationFactory()

    page = as_auditor.get(rotation.get_absolute_url()).content.decode()

    assert "Only a steward, or the owner or technical owner" in page
    done = reverse("rotation:rotation_done", args=[rotation.pk])
    assert as_auditor.post(done, {"told": WHY}).status_code == 403


def test_an_owner_says_that_it_was_done(client, as_reviewer, reviewer, htmx):
    credential = owned_by(reviewer, CredentialFactory())
    rotation = RotationFactory(credential=credential, owner=reviewer)

    response = as_reviewer.post(
        reverse("rotation:rotation_done", args=[rotation.pk]),
        {"told": "Made a new one in the console.", "new_id": "key-2"},
        headers=htmx("dialog"),
    )

    rotation.refresh_from_db()
    assert response.status_code == 204
    assert "rotation:changed" in response["HX-Trigger"]
    assert rotation.state == RotationState.SWITCHED
    assert rotation.new_credential.state == CredentialState.ACTIVE


def test_home_tells_what_waits_for_its_owner(as_reviewer, reviewer):
    RotationFactory(credential=owned_by(reviewer, CredentialFactory()), owner=reviewer)
    RotationFactory()

    page = as_reviewer.get("/").content.decode()
    listed = as_reviewer.get(reverse("rotation:rotation_list", query={"mine": "on"}))

    assert "1 rotation to carry out" in page
    assert len(listed.context["listing"].page.rows) == 1


def test_a_way_out_is_proposed_and_led_in_the_browser(as_steward):
    identity = IdentityFactory(system=SystemFactory(kind="aws"))
    credential = CredentialFactory(identity=identity, kind="access-key")
    as_steward.post(
        reverse("rotation:migration_new", args=[credential.pk]), {"way": "aws-roles-anywhere"}
    )
    one = Migration.objects.get()

    finish = reverse("rotation:migration_finish", args=[one.pk])
    refused = as_steward.post(finish, {"reason": ""})
    as_steward.post(
        reverse("rotation:migration_agree", args=[one.pk]),
        {"target_on": "2099-01-01", "reason": WHY},
    )

    one.refresh_from_db()
    assert (refused.status_code, one.state) == (422, MigrationState.AGREED)
    assert "still works" in refused.content.decode()
    page = as_steward.get(one.get_absolute_url()).content.decode()
    assert one.way_out.source in page


def test_a_change_names_another_owner(as_steward):
    one, owner = MigrationFactory(), UserFactory()

    as_steward.post(
        reverse("rotation:migration_change", args=[one.pk]),
        {"way": one.way, "owner_id": owner.pk, "reason": "They know the code host."},
    )

    one.refresh_from_db()
    assert one.owner == owner


@pytest.mark.parametrize("name", ["rotation_list", "migration_list"])
def test_lists_ask_the_same_number_of_questions_however_long(
    as_steward, django_assert_max_num_queries, name
):
    for _ in range(12):
        RotationFactory()
        MigrationFactory()

    with django_assert_max_num_queries(10):
        as_steward.get(reverse(f"rotation:{name}"))


def test_the_pages_of_one_ask_few_questions(as_steward, django_assert_max_num_queries):
    rotation, one = RotationFactory(), MigrationFactory()
    for title in "abcdefgh":
        rotation.steps.create(title=title)

    with django_assert_max_num_queries(10):
        as_steward.get(rotation.get_absolute_url())
    with django_assert_max_num_queries(10):
        as_steward.get(one.get_absolute_url())
    with django_assert_max_num_queries(14):
        as_steward.get(reverse("rotation:credential_panel", args=[rotation.credential_id]))
