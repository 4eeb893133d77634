from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from apps.core.actors import Actor
from apps.core.jobs import enqueue
from apps.core.policies import enforce
from apps.notices import policies
from apps.notices.chat import chat_post
from apps.notices.chat import host as chat_host
from apps.notices.chat import is_configured as chat_is_configured
from apps.notices.mail import is_permanent, mail_send, message_id, words_of
from apps.notices.models import Delivery, Notice
from apps.notices.pagerduty import dedup_key, pagerduty_post
from apps.notices.states import By, DeliveryStatus, Event, PageState
from apps.notices.webhook import webhook_post

if TYPE_CHECKING:
    from apps.accounts.models import User

GRACE = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 10
BACK_OFF = timedelta(minutes=1)
# Somebody is to be woken: tried again as often as the schedule runs.
BACK_OFF_OF_PAGES = timedelta(seconds=30)
HAND_OVER = {
    By.MAIL: mail_send,
    By.CHAT: chat_post,
    By.PAGERDUTY: pagerduty_post,
    By.WEBHOOK: webhook_post,
}


@transaction.atomic
def notice_send(
    *,
    kind: str,
    recipient: "User | None",
    about: models.Model,
    subject: str,
    body: str,
    dedupe_key: str,
    actor: Actor,
    address: str = "",
) -> Notice:
    """Write a notice and queue its mail for after the commit.

    Asking again with the same `dedupe_key` returns the first notice and sends nothing. Give
    `address` only for somebody who has no account yet.
    """
    return notice_queue(
        dedupe_key,
        (about._meta.label_lower, about.pk),
        kind=kind,
        recipient=recipient,
        address=recipient.email if recipient is not None else address,
        subject=" ".join(subject.split())[:200],
        body=body,
        sent_for=str(actor)[:150],
    )


@transaction.atomic
def chat_send(
    *, kind: str, about: models.Model, subject: str, body: str, dedupe_key: str, actor: Actor
) -> Notice | None:
    """The same to the chat of the house; nothing where it has none."""
    if not chat_is_configured():
        return None
    return notice_queue(
        f"chat:{dedupe_key}",
        (about._meta.label_lower, about.pk),
        kind=kind,
        by=By.CHAT,
        address=chat_host()[:254],
        subject=" ".join(subject.split())[:200],
        body=body,
        sent_for=str(actor)[:150],
    )


def notice_queue(dedupe_key: str, about: tuple[str, int], **said: Any) -> Notice:
    """Write a notice about a record, named by its type and key, unless one has this key already."""
    notice, is_new = Notice.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={"about_type": about[0], "about_id": about[1], **said},
    )
    if is_new:
        # The task sends at once; the schedule finds it later if the task was lost.
        Delivery.objects.create(notice=notice, next_attempt_at=timezone.now() + GRACE)
        enqueue("notices.deliver", notice_id=notice.pk)
    return notice


@transaction.atomic
def notice_deliver(*, notice_id: int) -> Delivery | None:
    """Hand a queued notice over. None if it is over, or in other hands.

    A failure that may heal leaves it queued for later, further off each time; one that cannot,
    or the tenth, ends it. A crash after the other side took it can send it twice: both carry the
    same identity, by which it can be told.
    """
    delivery = Delivery.objects.taken(notice_id)
    if delivery is None:
        return None
    notice = delivery.notice
    delivery.attempts += 1
    delivery.message_id = _identity(notice)
    if notice.recipient is not None and not notice.recipient.is_active:
        return _ended(
            delivery, DeliveryStatus.FAILED, "Not sent: this person's account was deactivated."
        )
    if (why := _needless(notice)) is not None:
        return _ended(delivery, DeliveryStatus.DROPPED, why)
    try:
        delivery.answer = HAND_OVER[By(notice.by)](notice)
    except (OSError, ValueError) as error:
        return _put_off(delivery, error)
    delivery.status = DeliveryStatus.SENT
    delivery.sent_at = timezone.now()
    delivery.save()
    return delivery


def _identity(notice: Notice) -> str:
    """By what the other side tells two attempts of one notice, or two events of one page."""
    if notice.by == By.PAGERDUTY:
        return dedup_key(notice)
    return message_id(notice) if notice.by == By.MAIL else f"notice-{notice.pk}"


def _needless(notice: Notice) -> str | None:
    """Why a notice of a page need not go out any more.

    What a page came to waits for the page itself, which may be on its way in another worker: the
    tool would take them in the wrong order, and keep open what is over here.
    """
    if notice.page is None:
        return None
    if notice.event == Event.TRIGGER:
        if notice.page.state == PageState.SENT:
            return None
        return f"Not sent: the page was {notice.page.get_state_display().lower()} before."
    paged = Delivery.objects.of_triggers(notice).select_for_update().order_by("pk")
    if any(one.status in {DeliveryStatus.SENT, DeliveryStatus.QUEUED} for one in paged):
        return None
    return "Not sent: the page itself never went out there."


@transaction.atomic
def notice_retry(*, notice_id: int, actor: Actor) -> Notice:
    """Queue a failed notice once more."""
    delivery = Delivery.objects.select_for_update().get(notice=notice_id)
    enforce(policies.can_retry(actor, delivery.notice))
    delivery.status = DeliveryStatus.QUEUED
    delivery.attempts = 0
    delivery.next_attempt_at = timezone.now() + GRACE
    delivery.save(update_fields=["status", "attempts", "next_attempt_at"])
    enqueue("notices.deliver", notice_id=notice_id)
    return delivery.notice


def _put_off(delivery: Delivery, error: Exception) -> Delivery:
    """Try again later; a test of a route never: whoever asked for it waits for the answer."""
    notice, answer = delivery.notice, words_of(error)
    is_test = notice.route is not None and notice.page is None
    if is_permanent(error) or is_test or delivery.attempts >= MOST_ATTEMPTS:
        return _ended(delivery, DeliveryStatus.FAILED, answer)
    first = BACK_OFF if notice.page is None else BACK_OFF_OF_PAGES
    asked = getattr(error, "retry_after", None) or timedelta(0)
    wait = max(first * 2**delivery.attempts, asked)
    delivery.answer, delivery.next_attempt_at = answer, timezone.now() + min(LONGEST_WAIT, wait)
    delivery.save()
    return delivery


def _ended(delivery: Delivery, status: DeliveryStatus, answer: str) -> Delivery:
    delivery.status, delivery.answer = status, answer
    delivery.save()
    return delivery
