from uuid import uuid4

from django.utils import timezone

from apps.activity.models import Invocation
from apps.core.models import Job
from apps.evidence.models import Package, Sample
from tests.architecture.url_matrix import PUBLIC, READERS, READERS_RECORD, Row
from tests.factories.approvals import AccessRequestFactory
from tests.factories.inventory import AgentFactory
from tests.factories.remediation import IncidentFactory
from tests.factories.reviews import ReviewItemFactory


def _campaign():
    """Running, with one item on a system that the limited seat does not cover."""
    return [ReviewItemFactory().campaign_id]


def _item():
    return [ReviewItemFactory().pk]


def _package():
    [campaign] = _campaign()
    job = Job.objects.create(kind="evidence", task="evidence.build", channel="web")
    return [Package.objects.create(campaign_id=campaign, is_interim=True, job=job).pk]


def _request():
    return [AccessRequestFactory(pending=True).pk]


def _incident():
    return [IncidentFactory().pk]


def _sample():
    item = ReviewItemFactory()
    sample = Sample.objects.create(
        campaign=item.campaign,
        size=1,
        seed="1",
        population_count=1,
        population_digest="0" * 64,
        item_ids=[item.pk],
    )
    return [sample.pk]


def _invocation():
    """Of an agent on a system that the limited seat does not cover."""
    at = timezone.now()
    agent = AgentFactory()
    run = Invocation.objects.create(
        log_id=1,
        trace_id=uuid4(),
        agent_id=agent.pk,
        started_at=at,
        ended_at=at,
        first_recorded=at,
        last_recorded=at,
    )
    return [run.pk]


def _agent():
    return [AgentFactory().pk]


# Whoever sees the campaign sees its form; outside their seat it says so and builds nothing.
SAYS_SO = {"limited auditor": 200}
NOT_BUILT_YET = {"steward": 403, "auditor": 403}

ROWS = {
    "evidence:keys": Row(PUBLIC),
    "evidence:verifier": Row(PUBLIC),
    "evidence:package_list": Row(READERS),
    "evidence:package_detail": Row(READERS_RECORD, _package),
    "evidence:package_job": Row(READERS_RECORD, _package),
    "evidence:package_create": Row(READERS_RECORD, _campaign, overrides=SAYS_SO),
    "evidence:request_package_create": Row(READERS_RECORD, _request),
    "evidence:incident_package_create": Row(READERS_RECORD, _incident),
    "evidence:invocation_package_create": Row(READERS_RECORD, _invocation),
    "evidence:agent_package_create": Row(READERS_RECORD, _agent),
    "evidence:everything_package_create": Row(READERS),
    "evidence:period_package_create": Row(READERS),
    "evidence:package_download": Row(
        READERS_RECORD, _package, method="post", overrides=NOT_BUILT_YET
    ),
    "evidence:sample_list": Row(READERS),
    "evidence:sample_create": Row(READERS_RECORD, _campaign, overrides=SAYS_SO),
    "evidence:sample_detail": Row(READERS_RECORD, _sample),
    "evidence:item_story": Row(READERS_RECORD, _item),
}
