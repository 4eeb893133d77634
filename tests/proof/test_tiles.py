from hypothesis import given
from hypothesis import strategies as st

from apps.proof import tiles
from apps.proof.merkle import leaf_hash
from tests.proof.test_merkle import defined_root


def leaves(count, start=0):
    return [leaf_hash(b"%d" % number) for number in range(start, start + count)]


def built(*batches):
    size, edge, kept = 0, b"", {}
    for count in batches:
        edge, filled = tiles.appended(size, edge, leaves(count, size))
        kept |= {(level, index): data for level, index, data in filled}
        size += count
    return size, edge, kept


def reader(size, edge, kept):
    parts = tiles.edge_parts(size, edge)
    return lambda place: kept[place] if tiles.is_filled(place, size) else parts[place[0]]


@given(st.lists(st.integers(0, 700), max_size=6))
def test_in_whatever_batches_leaves_come_the_root_is_that_of_the_definition(batches):
    size, edge, kept = built(*batches)

    assert tiles.root_from(reader(size, edge, kept), size) == defined_root(leaves(size))
    assert len(kept) == size // 256


def test_two_levels_fill_as_the_layout_says():
    size, edge, kept = built(65_536, 300)

    assert {(level, index) for level, index in kept if level} == {(1, 0)}
    assert len([place for place in kept if place[0] == 0]) == 257
    assert {len(data) for data in kept.values()} == {tiles.TILE}
    # 44 leaves of tile 257, one root of level 1, one root of level 2.
    assert [len(part) // 32 for part in tiles.edge_parts(size, edge)] == [44, 1, 1]
    assert tiles.root_from(reader(size, edge, kept), size) == defined_root(leaves(size))


def test_the_root_of_every_earlier_size_is_still_to_be_had():
    size, edge, kept = built(1000)

    read = reader(size, edge, kept)

    for earlier in (1, 255, 256, 257, 511, 513, 999):
        assert tiles.root_from(read, earlier) == defined_root(leaves(earlier))


def test_paths_are_those_of_the_specification():
    assert tiles.path_of(0, 0) == "tile/0/000"
    assert tiles.path_of(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.path_of(1, 273, 112) == "tile/1/273.p/112"
