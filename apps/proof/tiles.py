"""The layout of C2SP tlog-tiles: hashes in tiles of 256, each level over the roots of the last.

Level L, tile n holds the roots of the subtrees of 256^L leaves from n * 256 on. A tile that is
full never changes. The others, at most one a level, are the *edge*: their hashes, lowest level
first, as one piece of bytes that the size alone takes apart.
"""

from collections.abc import Callable, Iterable, Sequence

from apps.proof.merkle import HASH, Node, joined, nodes_between, perfect_root

BITS = 8
WIDTH = 1 << BITS
TILE = WIDTH * HASH

type Place = tuple[int, int]
type Filled = tuple[int, int, bytes]


def split(data: bytes) -> list[bytes]:
    return [data[at : at + HASH] for at in range(0, len(data), HASH)]


def levels_of(size: int) -> int:
    """How many levels have hashes, in a log of so many leaves."""
    return (size.bit_length() + BITS - 1) // BITS


def edge_parts(size: int, edge: bytes) -> list[bytes]:
    """The not yet full tile of each level. Raises `ValueError` if the edge is not of that size."""
    parts, at = [], 0
    for level in range(levels_of(size)):
        length = ((size >> (BITS * level)) % WIDTH) * HASH
        parts.append(edge[at : at + length])
        at += length
    if at != len(edge):
        raise ValueError(f"An edge of {len(edge)} bytes is not that of {size} leaves.")
    return parts


def appended(size: int, edge: bytes, leaves: Sequence[bytes]) -> tuple[bytes, list[Filled]]:
    """The edge after these leaves' hashes, and every tile that they filled."""
    parts = edge_parts(size, edge)
    filled: list[Filled] = []
    fresh: Sequence[bytes] = leaves
    level = 0
    while fresh:
        before = parts[level] if level < len(parts) else b""
        index = size >> (BITS * (level + 1))
        data = before + b"".join(fresh)
        whole = len(data) // TILE
        roots = []
        for at in range(whole):
            tile = data[at * TILE : (at + 1) * TILE]
            filled.append((level, index + at, tile))
            roots.append(perfect_root(tile))
        parts[level : level + 1] = [data[whole * TILE :]]
        fresh, level = roots, level + 1
    return b"".join(parts), filled


def place_of(node: Node) -> Place:
    """The tile that a node's hash is worked out from."""
    level, index = node
    return level // BITS, (index << (level % BITS)) >> BITS


def is_filled(place: Place, size: int) -> bool:
    level, index = place
    return index < size >> (BITS * (level + 1))


def places_of(nodes: Iterable[Node]) -> set[Place]:
    return {place_of(node) for node in nodes}


def node_from(tile: Callable[[Place], bytes], node: Node) -> bytes:
    level, index = node
    count = 1 << (level % BITS)
    at = (index * count) % WIDTH
    data = tile(place_of(node))[at * HASH : (at + count) * HASH]
    if len(data) != count * HASH:
        raise ValueError(f"The tile of node {node} is too short.")
    return perfect_root(data)


def root_from(tile: Callable[[Place], bytes], size: int) -> bytes:
    return joined([node_from(tile, node) for node in nodes_between(0, size)])


def path_of(level: int, index: int, width: int = WIDTH) -> str:
    """The address of a tile as C2SP writes it: `tile/0/x001/234`, and `.p/8` where partial."""
    *upper, last = _thousands(index)
    number = "/".join([*(f"x{part:03}" for part in upper), f"{last:03}"])
    return f"tile/{level}/{number}" + (f".p/{width}" if width < WIDTH else "")


def _thousands(number: int) -> list[int]:
    parts = [number % 1000]
    while number := number // 1000:
        parts.insert(0, number % 1000)
    return parts
