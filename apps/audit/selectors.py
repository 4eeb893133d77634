"""What the log says of one entry, checked at the moment of asking."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from apps.audit.headers import GOVERNANCE, header_of
from apps.audit.models import AuditEntry, Seal
from apps.core.errors import DomainError
from apps.proof.alone import proof_alone
from apps.proof.merkle import ProofError, leaf_hash, verify_inclusion
from apps.proof.models import Checkpoint, Epoch, Log
from apps.proof.notes import NoteError
from apps.proof.selectors import checkpoint_opened, tiles_at

# The sealer comes every ten seconds.
SEALED_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sealing:
    """How an entry stands: without an index not sealed, without a size not signed yet."""

    index: int | None = None
    sealed_at: datetime | None = None
    size: int | None = None
    signed_at: datetime | None = None
    checkpoint_id: int | None = None
    trouble: str = ""


def sealing_of(entry: AuditEntry) -> Sealing:
    """Check an entry against its seal, the log, and the newest signed checkpoint; five queries."""
    seal = Seal.objects.filter(entry=entry).first()
    if seal is None:
        return Sealing()
    log = Log.objects.get(name=GOVERNANCE)
    newest = Checkpoint.objects.newest_of(log).first()
    signed = newest if newest is not None and newest.size > seal.leaf_index else None
    trouble = _trouble(entry, seal, log, signed)
    if signed is None:
        return Sealing(seal.leaf_index, seal.sealed_at, trouble=trouble)
    return Sealing(
        seal.leaf_index,
        seal.sealed_at,
        signed.size,
        signed.signed_at,
        signed.pk,
        trouble,
    )


def entry_proof(entry: AuditEntry) -> str:
    """What proves an entry alone, as it was sealed. Raises `DomainError` while it is not."""
    seal = Seal.objects.filter(entry=entry).first()
    if seal is None:
        raise DomainError("It is not sealed yet. The sealer comes every 10 seconds.")
    return proof_alone(Log.objects.get(name=GOVERNANCE), seal.leaf_index, seal.header)


def is_log_missing(now: datetime) -> bool:
    """Whether entries were written a while ago, and there is no log that they would stand in.

    The sealer makes one that was taken away anew within seconds: so also while there is one that
    began a while after entries, and that nobody signed yet. Who signs it looks whether it is the
    one that was.
    """
    signed = Checkpoint.objects.filter(log=OuterRef("pk"))
    log = Log.objects.annotate(is_signed=Exists(signed)).filter(name=GOVERNANCE).first()
    if log is not None and log.is_signed:
        return False
    until = now if log is None else log.begun_at
    return AuditEntry.objects.filter(occurred_at__lt=until - SEALED_WITHIN).exists()


def _trouble(entry: AuditEntry, seal: Seal, log: Log, signed: Checkpoint | None) -> str:
    if header_of(entry) != seal.header:
        return "The entry says other than what was sealed."
    try:
        tiles = tiles_at(log, signed)
        if signed is None:
            size, root = log.size, tiles.root(log.size)
        else:
            told = checkpoint_opened(signed, Epoch.objects.filter(log=log))
            size, root = told.size, told.root
        verify_inclusion(
            leaf=leaf_hash(seal.header.encode()),
            index=seal.leaf_index,
            size=size,
            root=root,
            proof=tiles.inclusion(seal.leaf_index, size),
        )
    except (ProofError, NoteError) as error:
        return str(error)
    return ""
