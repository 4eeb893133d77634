"""Ed25519 as the verifier has it, beside the vectors of RFC 8032 and the library that signs."""

import pytest

from apps.evidence import signing
from apps.evidence.verify import verify
from tests.evidence.handmade import (
    KEY,
    OTHER_KEY,
)

RFC8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
        "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
        "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC8032)
def test_the_vectors_of_rfc_8032_hold(public, message, signature):
    public, message, signature = map(bytes.fromhex, (public, message, signature))

    assert verify.ed25519_verify(public, message, signature)
    assert not verify.ed25519_verify(public, message + b"x", signature)
    assert not verify.ed25519_verify(public, message, signature[:-1] + b"\x7f")


def test_a_signature_with_a_scalar_past_the_order_is_refused():
    public, message, signature = (bytes.fromhex(part) for part in RFC8032[1])
    scalar = int.from_bytes(signature[32:], "little") + verify.Q

    malleable = signature[:32] + scalar.to_bytes(32, "little")

    assert not verify.ed25519_verify(public, message, malleable)


def test_signatures_of_the_library_are_taken():
    for length in range(0, 200, 37):
        message = bytes(range(256))[:length]
        public = signing.public_bytes(KEY)
        assert verify.ed25519_verify(public, message, KEY.sign(message))
        assert not verify.ed25519_verify(public, message, OTHER_KEY.sign(message))
