"""A log goes on under another name, and the record says why."""

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.proof.models import Epoch, Log
from apps.proof.services.signing import epoch_begin, signer_key, signer_memory


@transaction.atomic
def log_epoch_begin(*, log_name: str, reason: str, actor: Actor) -> Epoch:
    """Begin an epoch of a log, from where the signer has its key; the signer must not run.

    The first checkpoint of the new epoch names the last of the old. A key that is not there any
    more is made anew. `BlockingIOError` if a
    signer runs.
    """
    if not reason.strip():
        raise DomainError("Say why the log begins anew.", field="reason")
    log = Log.objects.filter(name=log_name).first()
    if log is None:
        raise DomainError(f"There is no log {log_name}.")
    memory = signer_memory()
    with memory.held():
        key = signer_key(may_replace=True)
        epoch = epoch_begin(log=log, reason=reason, key=key, memory=memory, now=timezone.now())
    record(
        actor=actor,
        verb=Verb.EPOCH_BEGUN,
        target=epoch,
        changes={"epoch": (log.epoch, epoch.number), "origin": (log.origin, epoch.origin)},
        reason=reason,
    )
    return epoch
