"""The Merkle tree of RFC 6962: hashes, roots, and proofs, as plain functions over bytes.

A *node* is (level, index): the root of the perfect subtree over leaves [index * 2^level,
(index + 1) * 2^level). A proof is told as what it is made of, so that whoever keeps the hashes
(`apps.proof.tiles`) fetches no more than those.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

type Node = tuple[int, int]
type NodeHash = Callable[[Node], bytes]

HASH = 32
PAIR = 2 * HASH
EMPTY_ROOT = sha256(b"").digest()


class ProofError(ValueError):
    """A proof does not prove what it was said to."""


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: bytes) -> bytes:
    """The root over neighbours, as one piece of bytes, whose number is a power of two."""
    while len(hashes) > HASH:
        hashes = b"".join(
            [
                sha256(b"\x01" + hashes[at : at + PAIR]).digest()
                for at in range(0, len(hashes), PAIR)
            ]
        )
    return hashes


def joined(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that lie side by side, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def frontier_append(frontier: list[bytes], size: int, leaf: bytes) -> None:
    """Put a leaf's hash behind a tree of `size` leaves, known by its perfect subtrees alone."""
    while size & 1:
        leaf = node_hash(frontier.pop(), leaf)
        size >>= 1
    frontier.append(leaf)


def nodes_between(start: int, end: int) -> list[Node]:
    """The largest perfect subtrees that together are the leaves [start, end), from the left."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def inclusion_nodes(index: int, size: int) -> list[list[Node]]:
    """What each hash of the proof that a leaf is in a tree is joined from."""
    if not 0 <= index < size:
        raise ProofError(f"There is no leaf {index} in a tree of {size}.")
    path: list[list[Node]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(nodes_between(middle, end))
            end = middle
        else:
            path.append(nodes_between(start, middle))
            start = middle
    return path[::-1]


def consistency_nodes(old: int, new: int) -> list[list[Node]]:
    """What each hash of the proof that a tree begins with an older one is joined from."""
    if not 0 < old <= new:
        raise ProofError(f"A tree of {new} does not begin with one of {old}.")
    path: list[list[Node]] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(nodes_between(middle, end))
            end = middle
        else:
            path.append(nodes_between(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(nodes_between(start, end))
    return path[::-1]


def proof_from(path: Iterable[Sequence[Node]], hash_of: NodeHash) -> list[bytes]:
    return [joined([hash_of(node) for node in nodes]) for nodes in path]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a leaf's hash and its proof lead to (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofError(f"There is no leaf {index} in a tree of {size}.")
    root = leaf
    for one, is_left in _climbed(index, size - 1, proof):
        root = node_hash(one, root) if is_left else node_hash(root, one)
    return root


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise ProofError(f"Leaf {index} is not in the tree of {size}.")


def verify_consistency(
    *, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise unless the tree of `new` leaves begins with that of `old` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        raise ProofError(f"The tree shrank from {old} to {new}.")
    if old in {0, new}:
        known = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != known:
            raise ProofError(f"The trees of {old} and {new} are not one.")
        return
    if not proof:
        raise ProofError("The proof is too short.")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for one, is_left in _climbed(at, last, path[1:]):
        before = node_hash(one, before) if is_left else before
        after = node_hash(one, after) if is_left else node_hash(after, one)
    if before != old_root or after != new_root:
        raise ProofError(f"The tree of {new} does not begin with that of {old}.")


def _climbed(at: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a proof on the way up to the root, and whether it stands on the left."""
    for one in proof:
        if last == 0:
            raise ProofError("The proof is too long.")
        is_left = bool(at & 1) or at == last
        while is_left and at and not at & 1:
            at, last = at >> 1, last >> 1
        yield one, is_left
        at, last = at >> 1, last >> 1
    if last:
        raise ProofError("The proof is too short.")


def _split(count: int) -> int:
    """The largest power of two below a number of leaves."""
    return 1 << ((count - 1).bit_length() - 1)
