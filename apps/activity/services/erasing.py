"""Erasing the words of one record: asked by one person, approved by another, and then for good.

Only the words go. The header, its leaf, and every proof stay, and every page says "erased".
"""

import logging

from django.db import connection, transaction
from django.utils import timezone

from apps.activity import policies
from apps.activity.archives import BROKEN, broken_told
from apps.activity.models import Archive, Erasure, Payload
from apps.activity.selectors.archived import Subject, agent_of, archive_of
from apps.activity.services.archive_parts import erased_text
from apps.activity.services.archiving import archive_held, archive_words_remove
from apps.activity.states import ERASURE_MOVES, Basis, ErasureState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import enforce

logger = logging.getLogger(__name__)


@transaction.atomic
def erasure_ask(
    *, subject: Subject, basis: str, reason: str, actor: Person, invocation_id: int | None = None
) -> Erasure:
    """Ask that the words of a record be erased. Refused where there are none any more."""
    enforce(policies.can_ask_erasure(actor))
    if basis not in Basis:
        raise DomainError("Say by what right.", field="basis")
    standing = Erasure.objects.of_record(subject.log_id, subject.leaf).first()
    if standing is not None:
        said = "were erased" if standing.state == ErasureState.ERASED else "are asked for"
        raise DomainError(f"These words {said} already: erasure {standing.pk}.")
    if not subject.header.get("payload"):
        raise DomainError("This record has no words to erase.")
    if subject.archive is None and _is_gone(subject):
        raise DomainError("These words are erased already.")
    erasure = Erasure.objects.create(
        log_id=subject.log_id,
        leaf_index=subject.leaf,
        recorded_at=subject.recorded_at,
        record_name=subject.header.get("name", ""),
        agent_id=agent_of(subject),
        invocation_id=invocation_id,
        state=ErasureState.ASKED,
        basis=basis,
        reason=reason.strip(),
        asked_by=actor.user,
    )
    record(
        actor=actor,
        verb=Verb.ERASURE_ASKED,
        target=erasure,
        changes={"record": (None, subject.leaf), "basis": (None, basis)},
        reason=erasure.reason,
    )
    return erasure


@transaction.atomic
def erasure_approve(*, erasure_id: int, reason: str, actor: Person) -> Erasure:
    """Approve, and erase in the same transaction. What lies in the archive follows at once."""
    erasure = _decide(erasure_id, ErasureState.APPROVED, Verb.ERASURE_APPROVED, reason, actor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_erase_payload(%s)", [erasure.pk])
        was_here = bool(cursor.fetchone()[0])
    erasure.is_in_archive = archive_of(erasure.log_id, erasure.leaf_index) is not None
    erasure.save(update_fields=["is_in_archive"])
    if not was_here and not erasure.is_in_archive:
        raise DomainError("These words are erased already, or nowhere to be found.")
    if erasure.is_in_archive:
        enqueue("activity.erase_in_archive")
    else:
        _ended(erasure, actor)
    return erasure


def erasure_refuse(*, erasure_id: int, reason: str, actor: Person) -> Erasure:
    with transaction.atomic():
        return _decide(erasure_id, ErasureState.REFUSED, Verb.ERASURE_REFUSED, reason, actor)


@transaction.atomic
def erasure_withdraw(*, erasure_id: int, reason: str, actor: Person) -> Erasure:
    erasure = _locked(erasure_id)
    enforce(policies.can_withdraw_erasure(actor, erasure))
    _move(erasure, ErasureState.WITHDRAWN)
    record(actor=actor, verb=Verb.ERASURE_WITHDRAWN, target=erasure, reason=reason.strip())
    return erasure


def erasures_in_archive(*, actor: Actor) -> int:
    """Take approved words out of the archive's files; returns how many. Raises `Busy`.

    What a broken file holds up stays approved, is tried again, and is a finding after a while.
    """
    done = 0
    with archive_held():
        for archive in Archive.objects.all():
            mine = [
                one
                for one in Erasure.objects.in_archive().filter(log_id=archive.log_id)
                if archive.holds(one.leaf_index)
            ]
            if not mine:
                continue
            now = erased_text(timezone.now())
            left: dict[int, Exception]
            try:
                left = archive_words_remove(archive, {one.leaf_index: now for one in mine}, actor)
            except BROKEN as error:
                left = {one.leaf_index: error for one in mine}
            for one in mine:
                if why := left.get(one.leaf_index):
                    logger.error("%s in %s is held up: %s", one, archive, broken_told(why))
                else:
                    done += _archived_ended(one.pk, actor)
    return done


def _is_gone(subject: Subject) -> bool:
    return not Payload.objects.filter(
        log_id=subject.log_id,
        leaf_index=subject.leaf,
        recorded_at=subject.recorded_at,
        erased_at__isnull=True,
    ).exists()


def _decide(
    erasure_id: int, state: ErasureState, verb: Verb, reason: str, actor: Person
) -> Erasure:
    erasure = _locked(erasure_id)
    enforce(policies.can_decide_erasure(actor, erasure))
    erasure.decided_by, erasure.decided_at = actor.user, timezone.now()
    erasure.decision = reason.strip()
    _move(erasure, state, "decided_by", "decided_at", "decision")
    record(
        actor=actor,
        verb=verb,
        target=erasure,
        changes={"asked by": (None, str(erasure.asked_by))},
        reason=erasure.decision,
    )
    return erasure


def _archived_ended(erasure_id: int, actor: Actor) -> int:
    with transaction.atomic():
        erasure = _locked(erasure_id)
        if erasure.state != ErasureState.APPROVED:
            return 0
        erasure.is_in_archive = False
        erasure.save(update_fields=["is_in_archive"])
        _ended(erasure, actor)
    return 1


def _ended(erasure: Erasure, actor: Actor) -> None:
    erasure.erased_at = timezone.now()
    _move(erasure, ErasureState.ERASED, "erased_at")
    record(
        actor=actor,
        verb=Verb.PAYLOAD_ERASED,
        target=erasure,
        changes={"record": (None, erasure.leaf_index), "basis": (None, erasure.basis)},
        reason=erasure.reason,
    )


def _move(erasure: Erasure, state: ErasureState, *also: str) -> None:
    ERASURE_MOVES.check(erasure.state, state)
    erasure.state = state
    erasure.save(update_fields=["state", *also])


def _locked(erasure_id: int) -> Erasure:
    return Erasure.objects.select_related("asked_by").locked(erasure_id)
