from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.notices import services
from apps.notices.models import Delivery
from apps.notices.states import DeliveryStatus

BATCH = 200


@shared_task(
    name="notices.deliver",
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    retry_jitter=True,
    max_retries=5,
)
def deliver(*, notice_id: int) -> int:
    """Send one notice. Safe to run twice: only a queued one is sent, under a lock."""
    delivery = services.notice_deliver(notice_id=notice_id)
    return int(delivery is not None and delivery.status == DeliveryStatus.SENT)


@shared_task(name="notices.deliver_waiting")
def deliver_waiting() -> int:
    """Send what still waits: its task was lost, or the mail server asked for patience."""
    waiting = Delivery.objects.waiting_at(timezone.now()).order_by("next_attempt_at")
    ids = list(waiting.values_list("notice", flat=True)[:BATCH])
    delivered = [services.notice_deliver(notice_id=pk) for pk in ids]
    return sum(one is not None and one.status == DeliveryStatus.SENT for one in delivered)


@shared_task(name="notices.page_broken_logs")
def page_broken_logs() -> int:
    """Call somebody where the record is not what was sealed."""
    return services.broken_logs_page(actor=System("notices.page_broken_logs"))


@shared_task(name="notices.escalate_pages")
def escalate_pages() -> int:
    """Let pages that nobody acknowledged in time go to the next on call."""
    actor = System("notices.escalate_pages")
    return services.pages_escalate(moment=timezone.now(), actor=actor)
