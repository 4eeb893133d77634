from celery import shared_task

from apps.activity.services.projecting import events_project


@shared_task(name="activity.project_events")
def project_events() -> int:
    """Sum up and join what came in since the last time."""
    return events_project()
