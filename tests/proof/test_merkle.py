"""Against the vectors that every implementation of RFC 6962 is tried on, and its own definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.proof import merkle
from apps.proof.merkle import ProofError, leaf_hash, node_hash, verify_consistency, verify_inclusion

# The eight leaves of the certificate-transparency reference tests, and the root of each number.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (leaf, size) to its proof; leaves are counted from nought.
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
SIZES = st.integers(1, 70)


def defined_root(hashes):
    """RFC 6962, 2.1, word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(defined_root(hashes[:k]), defined_root(hashes[k:]))


def defined_path(m, hashes):
    """RFC 6962, 2.1.1."""
    if len(hashes) == 1:
        return []
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m < k:
        return [*defined_path(m, hashes[:k]), defined_root(hashes[k:])]
    return [*defined_path(m - k, hashes[k:]), defined_root(hashes[:k])]


def defined_consistency(m, hashes, *, whole=True):
    """RFC 6962, 2.1.2."""
    if m == len(hashes):
        return [] if whole else [defined_root(hashes)]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m <= k:
        return [*defined_consistency(m, hashes[:k], whole=whole), defined_root(hashes[k:])]
    return [*defined_consistency(m - k, hashes[k:], whole=False), defined_root(hashes[:k])]


def hash_in(hashes):
    return lambda node: defined_root(hashes[node[1] << node[0] : (node[1] + 1) << node[0]])


def leaves_of(size):
    return [leaf_hash(b"%d" % number) for number in range(size)]


def hexes(proof):
    return [one.hex() for one in proof]


def test_the_empty_tree_has_the_published_root():
    assert merkle.EMPTY_ROOT.hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert merkle.joined([]) == merkle.EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_trees_of_the_sample_leaves_have_the_published_roots(size):
    frontier = []
    for number, leaf in enumerate(LEAVES[:size]):
        merkle.frontier_append(frontier, number, leaf_hash(leaf))

    assert merkle.joined(frontier).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("index_and_size", INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index_and_size):
    index, size = index_and_size
    hashes = [leaf_hash(leaf) for leaf in LEAVES]

    proof = merkle.proof_from(merkle.inclusion_nodes(index, size), hash_in(hashes))

    assert hexes(proof) == INCLUSION[index_and_size]
    verify_inclusion(
        leaf=hashes[index],
        index=index,
        size=size,
        root=bytes.fromhex(ROOTS[size - 1]),
        proof=proof,
    )


@pytest.mark.parametrize("sizes", CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(sizes):
    old, new = sizes
    hashes = [leaf_hash(leaf) for leaf in LEAVES]

    proof = merkle.proof_from(merkle.consistency_nodes(old, new), hash_in(hashes))

    assert hexes(proof) == CONSISTENCY[sizes]
    verify_consistency(
        old=old,
        old_root=bytes.fromhex(ROOTS[old - 1]),
        new=new,
        new_root=bytes.fromhex(ROOTS[new - 1]),
        proof=proof,
    )


@given(SIZES)
def test_a_frontier_leads_to_the_root_of_the_definition(size):
    hashes, frontier = leaves_of(size), []
    for number, one in enumerate(hashes):
        merkle.frontier_append(frontier, number, one)

    assert merkle.joined(frontier) == defined_root(hashes)


@given(SIZES, st.data())
def test_inclusion_is_as_defined_and_holds_for_that_leaf_alone(size, data):
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves_of(size)
    root = defined_root(hashes)

    proof = merkle.proof_from(merkle.inclusion_nodes(index, size), hash_in(hashes))

    assert proof == defined_path(index, hashes)
    verify_inclusion(leaf=hashes[index], index=index, size=size, root=root, proof=proof)
    for wrong in (
        {"leaf": leaf_hash(b"another")},
        {"proof": [*proof, root]},
        {"index": index + 1},
        {"root": leaf_hash(b"another")},
        *([{"proof": proof[:-1]}] if proof else []),
    ):
        told = {"leaf": hashes[index], "index": index, "size": size, "root": root, "proof": proof}
        with pytest.raises(ProofError):
            verify_inclusion(**{**told, **wrong})


@given(SIZES, st.data())
def test_consistency_is_as_defined_and_holds_for_those_trees_alone(size, data):
    old = data.draw(st.integers(1, size))
    hashes = leaves_of(size)
    told = {
        "old": old,
        "old_root": defined_root(hashes[:old]),
        "new": size,
        "new_root": defined_root(hashes),
    }

    proof = merkle.proof_from(merkle.consistency_nodes(old, size), hash_in(hashes))

    assert proof == defined_consistency(old, hashes)
    verify_consistency(**told, proof=proof)
    for wrong in (
        {"old_root": leaf_hash(b"another")},
        {"new_root": leaf_hash(b"another")},
        {"proof": [*proof, told["new_root"]]},
        {"old": size + 1},
        *([{"proof": proof[:-1]}] if proof else []),
    ):
        with pytest.raises(ProofError):
            verify_consistency(**{"proof": proof, **told, **wrong})
