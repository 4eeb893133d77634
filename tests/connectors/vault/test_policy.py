"""Vault's policy language: what is read, what it makes possible, and what is taken out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.adapters.vault_grants import Holding, grants_of
from apps.connectors.adapters.vault_policy import (
    BadPolicy,
    covers,
    level_of,
    read,
    reads_secrets,
    service_of,
    without,
    written,
)
from apps.connectors.adapters.vault_seeing import allows

TEXT = """
# One comment { with brackets }
path "apps/crm/*" {
  capabilities = ["read", "update"] // why
  allowed_parameters = {
    "kind" = ["a", "b"]
    "*"    = []
  }
  min_wrapping_ttl = "1s"
}
/* path "apps/none" { capabilities = ["read"] } */
path "sys/mounts" { policy = "write" }
"""


def test_paths_capabilities_and_limits_are_read():
    crm, mounts = read(TEXT)

    assert (crm.path, crm.capabilities) == ("apps/crm/*", ("read", "update"))
    assert crm.limits == ("allowed_parameters", "min_wrapping_ttl")
    assert crm.actions == ("read apps/crm/*", "update apps/crm/*")
    assert mounts.capabilities == ("create", "read", "update", "delete", "list")


def test_a_policy_in_json_is_read_and_narrowed():
    text = '{"path": {"a/*": {"capabilities": ["read", "delete"]}, "b": {"policy": "read"}}}'

    assert [one.path for one in read(text)] == ["a/*", "b"]
    left = read(without(text, ["delete a/*", "read b", "list b"]))
    assert [(one.path, one.capabilities) for one in left] == [("a/*", ("read",))]


@pytest.mark.parametrize(
    "text",
    ['path "a" {', 'path "a" { capabilities = ["read" }', "what is this", "{]", '{"path": 3}'],
)
def test_what_is_no_policy_is_said_to_be_none(text):
    with pytest.raises(BadPolicy):
        read(text)


def test_narrowing_leaves_comments_and_everything_else_as_it_was():
    text = without(TEXT, ["update apps/crm/*", "delete sys/mounts"])

    assert text == TEXT.replace('["read", "update"]', '["read"]').replace(
        'policy = "write"', 'capabilities = ["create", "read", "update", "list"]'
    )


def test_a_path_that_keeps_nothing_goes_whole():
    text = without(TEXT, ["read apps/crm/*", "update apps/crm/*"])

    assert [one.path for one in read(text)] == ["sys/mounts"]
    assert "# One comment" in text


NAMES = st.sampled_from(["read", "list", "create", "update", "delete", "sudo"])
POLICIES = st.dictionaries(
    st.from_regex(r"[a-z+]{1,5}(/[a-z+]{1,4}){0,2}(/\*)?", fullmatch=True),
    st.lists(NAMES, min_size=1, unique=True),
    min_size=1,
    max_size=5,
)


@given(POLICIES, st.data())
def test_narrowing_takes_exactly_what_was_asked(paths, data):
    text = written(paths)
    held = [name for stanza in read(text) for name in stanza.actions]
    gone = data.draw(st.lists(st.sampled_from(held), unique=True))

    left = [name for stanza in read(without(text, gone)) for name in stanza.actions]

    assert left == [name for name in held if name not in gone]


@pytest.mark.parametrize(
    ("action", "level", "secret"),
    [
        ("list apps/metadata/crm", "read", False),
        ("read apps/metadata/crm", "read", False),
        ("read apps/data/crm", "write", True),
        ("read database/creds/crm", "write", True),
        ("update transit/decrypt/key", "write", True),
        ("update transit/encrypt/key", "write", False),
        ("update pki/issue/web", "write", True),
        ("update apps/data/crm", "write", False),
        ("delete apps/data/crm", "write", False),
        ("patch apps/data/crm", "write", False),
        ("sudo apps/data/crm", "admin", False),
        ("update sys/policies/acl/x", "admin", False),
        ("read sys/policies/acl/x", "read", False),
        ("update identity/entity/id/x", "admin", False),
        ("update auth/token/create", "admin", True),
        ("update auth/approle/role/crm/secret-id", "admin", True),
        ("update auth/token/renew-self", "read", False),
        ("update sys/capabilities-self", "read", False),
        ("update *", "admin", True),
        ("read +/creds/*", "write", True),
    ],
)
def test_an_action_has_the_level_of_what_it_makes_possible(action, level, secret):
    assert (level_of(action), reads_secrets(action)) == (level, secret)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("apps/*", "apps/crm/x", True),
        ("apps/c*", "apps/crm/x", True),
        ("apps/+/x", "apps/crm/x", True),
        ("apps/+", "apps/crm/x", False),
        ("apps/crm", "apps/crm/x", False),
        ("+/+/*", "apps/crm/x", True),
        ("*", "apps", True),
    ],
)
def test_a_path_covers_as_vault_matches(pattern, path, covered):
    assert covers(pattern, path) is covered


def test_the_longest_mount_is_the_service():
    assert service_of("team/apps/crm/*", ["team", "team/apps"]) == "team/apps"
    assert service_of("auth/approle/role/x") == "auth/approle"
    assert service_of("+/creds/x") == "*"


def test_what_one_policy_denies_on_a_path_no_other_allows():
    texts = {
        "wide": read('path "apps/*" { capabilities = ["read", "update"] }\n'
                     'path "apps/hr/*" { capabilities = ["read"] }'),
        "no": read('path "apps/hr/*" { capabilities = ["deny"] }'),
    }  # fmt: skip
    holding = Holding("v", "crm", [("wide", ""), ("no", "")], texts)

    grants = list(grants_of(holding, ["apps"]))

    assert {name for grant in grants for name in grant.actions} == {"read apps/*", "update apps/*"}
    assert all(grant.limits[0].resources == ("apps/hr/*",) for grant in grants)
    stanzas = [one for text in texts.values() for one in text]
    assert allows(stanzas, "read", "apps/crm/x")
    assert not allows(stanzas, "read", "apps/hr/x")
