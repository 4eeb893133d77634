from celery import shared_task

from apps.activity.services.hours import bindings_heed, hours_count
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
