from celery import shared_task
from django.utils import timezone

from apps.activity.services.drifting import drift_measure
from apps.activity.services.hours import bindings_heed, hours_count
from apps.activity.services.measuring import use_measure, use_tell
from apps.activity.services.projecting import events_project


@shared_task(name="activity.project_events")
def project_events() -> int:
    """Sum up and join what came in since the last time, and count the hours it belongs to."""
    read = events_project()
    hours_count()
    return read


@shared_task(name="activity.heed_bindings")
def heed_bindings() -> int:
    """Count anew whose the calls are of identities that are bound otherwise now."""
    return bindings_heed()


@shared_task(name="activity.measure_use")
def measure_use() -> int:
    """Count for every grant what came in since, and say where its use is known."""
    measured = use_measure()
    use_tell(timezone.now())
    return measured


@shared_task(name="activity.measure_drift")
def measure_drift() -> int:
    """Find anew the API calls that no task of an agent's purpose needs."""
    return drift_measure(moment=timezone.now())
