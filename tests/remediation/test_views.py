import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from apps.remediation.models import OrderProof
from apps.remediation.proofs import proof_path
from apps.remediation.states import OrderState
from tests.factories.accounts import UserFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db


def test_the_page_says_the_access_is_still_in_force(as_steward):
    order = OrderFactory(waiting=True)

    page = as_steward.get(order.get_absolute_url())

    assert "still in force" in page.text


def test_carrying_out_and_confirming_take_two_people(as_steward, client, htmx):
    order = OrderFactory(waiting=True)
    url = reverse("remediation:order_carry_out", args=[order.pk])
    confirm = reverse("remediation:order_confirm", args=[order.pk])

    done = as_steward.post(url, {"text": "Detached the policy"}, headers=htmx("dialog"))
    own = as_steward.post(confirm, {"text": "It is gone"}, headers=htmx("dialog"))
    client.force_login(UserFactory(steward=True))
    confirmed = client.post(confirm, {"text": "Not listed"}, headers=htmx("dialog"))

    order.refresh_from_db()
    assert (done.status_code, own.status_code, confirmed.status_code) == (204, 403, 204)
    assert order.state == OrderState.CONFIRMED


def test_a_settled_order_offers_nothing_more_to_do(as_steward):
    order = OrderFactory(state=OrderState.CONFIRMED, verified_at=timezone.now())

    page = as_steward.get(order.get_absolute_url()).text

    assert "Confirmed by hand" in page
    assert "It was carried out…" not in page


def test_the_list_costs_the_same_however_many_rows(as_steward, django_assert_max_num_queries):
    OrderFactory.create_batch(12, waiting=True)

    with django_assert_max_num_queries(6):
        as_steward.get(reverse("remediation:order_list"))


def test_an_order_out_of_sight_is_not_found(as_reviewer):
    assert as_reviewer.get(OrderFactory().get_absolute_url()).status_code == 404


def test_a_proof_file_is_taken_away_and_never_shown(as_steward, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    order = OrderFactory(waiting=True)
    page = SimpleUploadedFile('x".html', b"<script>alert(1)</script>", content_type="text/html")
    as_steward.post(
        reverse("remediation:order_carry_out", args=[order.pk]), {"text": "Done", "file": page}
    )
    proof = OrderProof.objects.get()

    address = reverse("remediation:proof_file", args=[order.pk, proof.pk])
    response = as_steward.get(address)

    assert response.status_code == 200
    assert response["Content-Disposition"] == 'attachment; filename="x\\".html"'
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.getvalue() == b"<script>alert(1)</script>"

    proof_path(proof.file_sha256).unlink()
    assert as_steward.get(address).status_code == 404


def test_a_proof_of_another_order_is_not_found(as_steward):
    first, second = OrderFactory(waiting=True), OrderFactory(waiting=True)
    proof = OrderProof.objects.create(order=first, kind="done", text="Done", file_sha256="a" * 64)

    address = reverse("remediation:proof_file", args=[second.pk, proof.pk])

    assert as_steward.get(address).status_code == 404
