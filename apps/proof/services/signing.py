"""Signing logs: by a process of its own, which remembers outside the database.

The database is not trusted here. What the signer signed last is in its own files; it signs what
provably goes on from there, and nothing else.
"""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from apps.core.errors import DomainError
from apps.core.keyfiles import key_read, key_write
from apps.proof import notes
from apps.proof.memory import Line, Memory
from apps.proof.merkle import EMPTY_ROOT, ProofError, verify_consistency
from apps.proof.models import Checkpoint, Epoch, Log
from apps.proof.selectors import Tiles
from apps.proof.services.logs import origin_of
from apps.proof.services.watching import watch_cleared, watch_looked, watch_troubled
from apps.proof.states import WatchKind

OFTENEST = timedelta(seconds=10)
IDLE = timedelta(hours=1)


class Untrue(DomainError):
    """The log is not what it was signed as. Nothing more may be signed until a person knows why."""


def key_path() -> Path:
    return Path(
        settings.PROOF_SIGNER_KEY or Path(settings.DATA_DIR) / "signer" / "key.pem"
    ).absolute()


def signer_key(*, may_replace: bool = False) -> Ed25519PrivateKey:
    """The key, made on first use.

    Where the signer remembers having had one, a lost key is made anew only if that is asked for.
    """
    path = key_path()
    if path.exists() or (signer_memory().logs() and not may_replace):
        return key_read(path)
    return key_write(path)


def signer_memory() -> Memory:
    return Memory(key_path().parent)


def logs_sign(
    *, key: Ed25519PrivateKey, memory: Memory, now: datetime, is_first: bool = False
) -> list[Checkpoint]:
    """Sign every log that is due. Raises `Untrue` where one may not be signed.

    Nothing is signed behind that one, but the others are looked at too. Each trouble is kept where
    pages and findings tell of it. The first time everything that was ever remembered is looked for
    in the database, and later what was lately.
    """
    logs = {log.name: log for log in Log.objects.all()}
    troubles = [_lost_tell(name, memory, now) for name in memory.logs() if name not in logs]
    signed = []
    for log in logs.values():
        try:
            _require_checkpoints(log, memory, is_whole=is_first)
            last, root = _checked(log, key=key, memory=memory, now=now)
        except (Untrue, ProofError) as error:
            troubles.append(f"{log}: {error}")
            watch_troubled(log, WatchKind.SIGNER, said=troubles[-1], now=now)
            continue
        watch_cleared(log, WatchKind.SIGNER)
        if not troubles and _is_due(log, last, now):
            one = _log_sign(log, last, root, key=key, memory=memory, now=now)
            signed += [one] if one else []
    if troubles:
        raise Untrue(troubles[0])
    return signed


def epoch_begin(
    *, log: Log, reason: str, key: Ed25519PrivateKey, memory: Memory, now: datetime
) -> Epoch:
    """Begin a log anew under another origin, from its tree as it stands now.

    The first checkpoint of the new epoch names the last of the old, as the signer remembers it.
    Remembered before the database hears of it; one that was cut off in between is passed over.
    """
    with transaction.atomic():
        log = Log.objects.select_for_update().get(pk=log.pk)
        last = memory.last(log.name)
        number = max(log.epoch, last.epoch if last else 0) + 1
        origin = origin_of(log.name, number)
        line = Line(
            epoch=number,
            origin=origin,
            vkey=notes.vkey(origin, notes.public_bytes(key)),
            size=log.size,
            root=_root(Tiles(log), log.size),
            at=now,
            before=(last.note or last.before) if last else _newest_note(log),
            reason=reason,
        )
        memory.append(log.name, line)
        log.epoch, log.origin = number, origin
        log.save(update_fields=["epoch", "origin"])
        return _epoch_keep(log, line)


def _lost_tell(name: str, memory: Memory, now: datetime) -> str:
    """Its watches went with it, and maybe those of every other log: its head is made anew, empty,
    to carry the alarm. Nothing is signed of it."""
    last = memory.last(name)
    known = {"origin": last.origin, "epoch": last.epoch} if last else {"origin": origin_of(name)}
    log = Log.objects.get_or_create(name=name, defaults=known)[0]
    said = f"The database has no log {name}, which was signed before."
    watch_troubled(log, WatchKind.SIGNER, said=said, now=now)
    return said


def _checked(
    log: Log, *, key: Ed25519PrivateKey, memory: Memory, now: datetime
) -> tuple[Line, bytes]:
    """What was signed last, from which the log provably goes on, and its root now."""
    last = memory.last(log.name) or _remembered_first(log, key=key, memory=memory, now=now)
    _require_known(log, last, notes.vkey(last.origin, notes.public_bytes(key)))
    if log.size < last.size:
        raise Untrue(f"It shrank from {last.size} to {log.size}.")
    tiles = Tiles(log)
    root = _root(tiles, log.size)
    verify_consistency(
        old=last.size,
        old_root=last.root,
        new=log.size,
        new_root=root,
        proof=[] if log.size == last.size else tiles.consistency(last.size, log.size),
    )
    _keep(log, last)
    watch_looked(log, WatchKind.SIGNER, now=now, position=last.size)
    return last, root


def _log_sign(
    log: Log, last: Line, root: bytes, *, key: Ed25519PrivateKey, memory: Memory, now: datetime
) -> Checkpoint | None:
    line = _signed(last, size=log.size, root=root, key=key, now=now)
    memory.append(log.name, line)
    kept = _keep(log, line)
    watch_looked(log, WatchKind.SIGNER, now=now, position=line.size)
    return kept


def _require_checkpoints(log: Log, memory: Memory, *, is_whole: bool) -> None:
    """What was signed in this epoch has to be there, but for the last, of which the database may
    not have heard."""
    for some in batched(memory.lines(log.name, is_whole=is_whole), 1000, strict=False):
        signed = [one for one in some if one.note and one.epoch == log.epoch]
        if not signed:
            continue
        here = set(
            Checkpoint.objects.filter(
                log=log, epoch=log.epoch, signed_at__range=(signed[0].at, signed[-1].at)
            ).values_list("size", "signed_at")
        )
        gone = [one for one in signed if (one.size, one.at) not in here]
        last = memory.last(log.name)
        if gone and gone != [last]:
            raise Untrue(f"Its checkpoint {gone[0].size}, signed {gone[0].at}, was taken out.")


def _is_due(log: Log, last: Line, now: datetime) -> bool:
    if log.size == 0:
        return False
    if not last.note:
        return True
    return now - last.at >= (OFTENEST if log.size > last.size else IDLE)


def _signed(last: Line, *, size: int, root: bytes, key: Ed25519PrivateKey, now: datetime) -> Line:
    extensions = [f"signed {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"]
    if last.before and not last.note:
        before = notes.checkpoint_parsed(last.before.rpartition("\n\n")[0] + "\n")
        old_root = base64.b64encode(before.root).decode()
        extensions.append(f"after {before.origin} {before.size} {old_root}")
    told = notes.Checkpoint(last.origin, size, root, tuple(extensions))
    note = notes.signed(told.text(), name=last.origin, key=key)
    return replace(last, size=size, root=root, at=now, note=note, before="", reason="")


def _remembered_first(log: Log, *, key: Ed25519PrivateKey, memory: Memory, now: datetime) -> Line:
    if Checkpoint.objects.newest_of(log).exists() or log.epoch != 1:
        raise Untrue("It was signed before, and the signer remembers nothing of it.")
    line = Line(
        epoch=1,
        origin=log.origin,
        vkey=notes.vkey(log.origin, notes.public_bytes(key)),
        size=0,
        root=EMPTY_ROOT,
        at=now,
    )
    memory.append(log.name, line)
    return line


def _require_known(log: Log, last: Line, vkey: str) -> None:
    if (log.epoch, log.origin) != (last.epoch, last.origin):
        raise Untrue(
            f"It is epoch {log.epoch}, {log.origin}, and was signed as epoch {last.epoch},"
            f" {last.origin}."
        )
    if vkey != last.vkey:
        raise Untrue("The signer's key is another than the one this epoch was signed with.")


def _keep(log: Log, line: Line) -> Checkpoint | None:
    """Put into the database what was signed, if it is not there yet."""
    if not line.note:
        _epoch_keep(log, line)
        return None
    return Checkpoint.objects.get_or_create(
        log=log,
        epoch=line.epoch,
        size=line.size,
        signed_at=line.at,
        defaults={"root": line.root, "note": line.note},
    )[0]


def _epoch_keep(log: Log, line: Line) -> Epoch:
    return Epoch.objects.get_or_create(
        log=log,
        number=line.epoch,
        defaults={
            "origin": line.origin,
            "vkey": line.vkey,
            "size": line.size,
            "root": line.root,
            "before": line.before,
            "reason": line.reason,
        },
    )[0]


def _newest_note(log: Log) -> str:
    newest = Checkpoint.objects.newest_of(log).first()
    return newest.note if newest else ""


def _root(tiles: Tiles, size: int) -> bytes:
    return tiles.root(size) if size else EMPTY_ROOT
