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
from apps.notices.states import By, DeliveryStatus

if TYPE_CHECKING:
    from apps.accounts.models import User

GRACE = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 10
HAND_OVER = {By.MAIL: mail_send, By.CHAT: chat_post}


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
    return _queued(
        dedupe_key,
        about,
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
    return _queued(
        f"chat:{dedupe_key}",
        about,
        kind=kind,
        by=By.CHAT,
        address=chat_host()[:254],
        subject=" ".join(subject.split())[:200],
        body=body,
        sent_for=str(actor)[:150],
    )


def _queued(dedupe_key: str, about: models.Model, **said: Any) -> Notice:
    notice, is_new = Notice.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={"about_type": about._meta.label_lower, "about_id": about.pk, **said},
    )
    if is_new:
        # The task sends at once; the schedule finds it later if the task was lost.
        Delivery.objects.create(notice=notice, next_attempt_at=timezone.now() + GRACE)
        enqueue("notices.deliver", notice_id=notice.pk)
    return notice


@transaction.atomic
def notice_deliver(*, notice_id: int) -> Delivery | None:
    """Hand a queued notice to the mail server, or the chat. None if it is over, or in other hands.

    A failure that may heal leaves it queued for later, further off each time; one that cannot,
    or the tenth, ends it. A crash after the server took it can send it twice: both carry the
    same Message-ID.
    """
    delivery = Delivery.objects.taken(notice_id)
    if delivery is None:
        return None
    notice = delivery.notice
    delivery.attempts += 1
    delivery.message_id = message_id(notice)
    if notice.recipient is not None and not notice.recipient.is_active:
        return _failed(delivery, "Not sent: this person's account was deactivated.")
    try:
        delivery.answer = HAND_OVER[By(notice.by)](notice)
    except (OSError, ValueError) as error:
        return _put_off(delivery, error)
    delivery.status = DeliveryStatus.SENT
    delivery.sent_at = timezone.now()
    delivery.save()
    return delivery


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
    if is_permanent(error) or delivery.attempts >= MOST_ATTEMPTS:
        return _failed(delivery, words_of(error))
    delivery.answer = words_of(error)
    delivery.next_attempt_at = timezone.now() + min(
        LONGEST_WAIT, timedelta(minutes=2**delivery.attempts)
    )
    delivery.save()
    return delivery


def _failed(delivery: Delivery, answer: str) -> Delivery:
    delivery.status, delivery.answer = DeliveryStatus.FAILED, answer
    delivery.save()
    return delivery
