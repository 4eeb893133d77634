"""Measured use of credentials: by what the logs say was signed in with, beside what sources say."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Invocation
from apps.activity.services.hours import hours_count
from apps.activity.services.measuring import use_measure
from apps.findings.rules.credentials import UnusedCredential
from tests.activity.runs import SECOND, START, api, keep, run, shifted
from tests.activity.use import logged, used
from tests.factories.inventory import CredentialFactory
from tests.factories.reviews import ReviewItemFactory

pytestmark = pytest.mark.django_db


def ago(**time):
    return timezone.now() - timedelta(**time)


def signed_in(key, calls=1, **more):
    return used(key.identity, "s3:GetObject", calls, credential_id=key.pk, **more)


def last(key):
    use_measure()
    key.refresh_from_db()
    return key.last_used_at


def test_a_use_that_a_log_tells_is_the_last_use_where_its_source_says_less():
    key = CredentialFactory(use_is_known=True, last_used_at=ago(days=300))
    hour = signed_in(key, ago=3)

    assert last(key) == hour.last_at


def test_a_source_that_knows_of_a_later_use_is_believed():
    at = ago(days=1)
    key = CredentialFactory(use_is_known=True, last_used_at=at)
    signed_in(key, ago=3)

    assert last(key) == at


def test_what_a_system_refused_is_no_use():
    key = CredentialFactory()
    signed_in(key, calls=2, ago=3, denied=2)
    mixed = signed_in(key, calls=2, ago=9, denied=1, first_at=ago(days=9, minutes=30))

    assert last(key) == mixed.first_at


def unused():
    return dict(
        UnusedCredential().subjects(timezone.now()).values_list("external_id", "finding_detail")
    )


def test_a_key_in_use_by_the_log_is_not_called_unused():
    key = CredentialFactory(use_is_known=True, last_used_at=ago(days=300))
    assert list(unused()) == [key.external_id]

    signed_in(key, ago=3)
    use_measure()

    assert unused() == {}


def test_a_log_tells_that_a_key_is_unused_where_it_is_whole_and_ever_named_it():
    named, unnamed, gap = CredentialFactory.create_batch(3, issued_at=ago(days=400))
    for key in (named, unnamed):
        logged(key.identity.system)
    logged(gap.identity.system, days=20)
    for key in (named, gap):
        signed_in(key, ago=150)
    use_measure()

    assert unused() == {
        named.external_id: "Not used within the threshold, as the system's log tells"
    }


def bench(client, item):
    url = reverse("reviews:bench_agent", args=[item.campaign_id, item.agent_id])
    return " ".join(client.get(url).content.decode().split())


@pytest.fixture
def item(reviewer):
    return ReviewItemFactory(reviewer=reviewer, of_credential=True, agent__owner=reviewer)


def test_the_bench_shows_how_a_credential_was_used(as_reviewer, item):
    key = item.credential
    logged(key.identity.system)
    signed_in(key, calls=12, ago=9, proven=6)
    use_measure()

    page = bench(as_reviewer, item)

    assert "Used 12 times in 13 weeks, last" in page
    assert "The log is complete over the 90 days; 50 % of these calls trace to a run." in page
    assert "Removing it breaks nothing seen" not in page


def test_the_bench_names_runs_that_used_a_credential(as_reviewer, item):
    key, agent = item.credential, item.agent
    logged(key.identity.system)
    at = int(ago(days=2).timestamp()) - START // SECOND
    keep(*shifted(run(), at), whose=Whose(agent_id=agent.pk, agent=agent.name))
    keep(
        api(at=at + 2, request_id="REQ1", outcome="ok"),
        whose=Whose(
            identity_id=key.identity_id, credential_id=key.pk, system_id=key.identity.system_id
        ),
    )
    hours_count()
    use_measure()

    page = bench(as_reviewer, item)

    assert "Used once in 13 weeks" in page
    assert f'href="{Invocation.objects.get().get_absolute_url()}"' in page


def test_a_log_that_never_named_a_credential_does_not_say_it_was_unused(as_reviewer, item):
    logged(item.credential.identity.system)

    page = bench(as_reviewer, item)

    assert "The log of the system never named it." in page
    assert "Not used in" not in page


def test_the_reads_of_the_bench_do_not_grow_with_its_credentials(
    as_reviewer, item, django_assert_num_queries, django_assert_max_num_queries
):
    signed_in(item.credential)
    bench(as_reviewer, item)
    with django_assert_max_num_queries(60) as before:
        bench(as_reviewer, item)
    for _ in range(3):
        more = ReviewItemFactory(
            reviewer=item.reviewer, of_credential=True, campaign=item.campaign, agent=item.agent
        )
        signed_in(more.credential)

    with django_assert_num_queries(len(before)):
        bench(as_reviewer, item)
