"""The proof of one record alone, as a file: a C2SP tlog-proof that holds the record itself."""

import base64
from collections.abc import Iterable

from apps.core.errors import DomainError
from apps.proof.merkle import ProofError, leaf_hash, verify_inclusion
from apps.proof.models import Checkpoint, Epoch, Log
from apps.proof.notes import NoteError
from apps.proof.selectors import checkpoint_opened, tiles_at

HEAD = "c2sp.org/tlog-proof@v1"


def proof_alone(log: Log, index: int, line: str) -> str:
    """What proves that this line stands there, under the newest checkpoint.

    The line itself is the extra data, so that nothing else is needed but the key. Raises
    `DomainError` while no checkpoint covers it, and where the log does not say so.
    """
    newest = Checkpoint.objects.newest_of(log).first()
    if newest is None or newest.size <= index:
        raise DomainError("No signed checkpoint covers it yet. One is signed within seconds.")
    data = line.encode()
    try:
        told = checkpoint_opened(newest, Epoch.objects.filter(log=log))
        proof = tiles_at(log, newest).inclusion(index, told.size)
        verify_inclusion(
            leaf=leaf_hash(data), index=index, size=told.size, root=told.root, proof=proof
        )
    except (ProofError, NoteError) as error:
        raise DomainError(f"It cannot be proven: {error}") from error
    return tlog_proof(index, proof, newest.note, extra=data)


def tlog_proof(index: int, proof: Iterable[bytes], note: str, *, extra: bytes = b"") -> str:
    lines = [HEAD, *([f"extra {_text(extra)}"] if extra else []), f"index {index}"]
    return "\n".join([*lines, *map(_text, proof), "", note])


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
