"""The ways a connection signs in, each by a reference to its secret."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apps.connectors.adapters.live import Refused


@pytest.fixture
def signer(world):
    """A mount that trusts one key; yields the maker of its tokens and the mount's name."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mount = world.name("jwt")
    calls = world.as_root
    calls.post(f"sys/auth/{mount}", type="jwt")
    calls.post(f"auth/{mount}/config", jwt_validation_pubkeys=[public.decode()])
    calls.post(
        f"auth/{mount}/role/countersign",
        role_type="jwt",
        user_claim="sub",
        bound_audiences=["vault"],
        token_policies=[world.name("own-reading")],
    )

    def token(audience="vault"):
        now = int(time.time())
        claims = {"sub": "countersign", "aud": audience, "iat": now, "exp": now + 300}
        return jwt.encode(claims, key, "ES256")

    yield token, mount
    calls.delete(f"sys/auth/{mount}")


@pytest.mark.parametrize("how", ["jwt", "kubernetes"])
def test_a_workload_signs_in_with_its_own_token(world, signer, how):
    """Kubernetes' sign-in takes the same body, so one mount answers for both."""
    token, mount = signer
    world.secrets["file:token"] = token()

    adapter = world.adapter(auth=how, auth_mount=mount, role="countersign", jwt="file:token")

    assert all(one.worked for one in adapter.check(removal=False) if one.needed_for == "reading")


def test_a_token_for_somebody_else_signs_nobody_in(world, signer):
    token, mount = signer
    world.secrets["file:token"] = token("another audience")

    [check] = world.adapter(
        auth="jwt", auth_mount=mount, role="countersign", jwt="file:token"
    ).check(removal=False)

    assert not check.worked
    assert world.secrets["file:token"] not in check.said


def test_a_token_by_reference_is_used_as_it_is(world):
    world.secrets["env:T"], _ = world.token(policies=[world.name("own-reading")])

    checks = list(world.adapter(auth="token", token="env:T").check(removal=False))

    assert all(one.worked for one in checks if one.needed_for == "reading")


def test_a_connection_without_its_reference_says_what_is_missing(world):
    with pytest.raises(Refused, match="names no secret id"):
        world.adapter(secret_id="").api.own_accessor()


def test_the_environment_of_the_process_gives_no_token(world, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", world.root)
    world.secrets["env:COUNTERSIGN_SECRET_VAULT"] = "wrong"

    with pytest.raises(Refused):
        world.adapter().api.own_accessor()
