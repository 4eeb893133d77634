"""Secrets leave a text before it is kept, and nothing else does."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.activity.scrubbing import (
    PATTERNS,
    cut,
    may_hold_secrets,
    replaced,
    scrub,
    scrubbed,
)

AWS = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\n-----END RSA PRIVATE KEY-----"
AZURE_KEY = "a" * 86 + "=="

SECRETS = {
    "AWS secret key": [
        f"aws_secret_access_key = {AWS}",
        f'{{"SecretAccessKey": "{AWS}"}}',
        f"AWS_SECRET_ACCESS_KEY={AWS}",
    ],
    "AWS session token": [f'"sessionToken": "{"IQoJb3JpZ2lu" * 20}"'],
    "GitHub token": ["ghp_" + "a1B2" * 9, "github_pat_" + "a1_B" * 10],
    "JWT": [f"Cookie {JWT}"],
    "Vault token": ["hvs." + "CAESIJ" * 5, " s." + "a1B2c3" * 4],
    "Slack token": ["xoxb-1234567890-abcdefghij", "hooks.slack.com/services/T00/B00/" + "x" * 20],
    "Azure account key": [f"AccountName=x;AccountKey={AZURE_KEY};EndpointSuffix=core"],
    "Azure client secret": ["abc8Q~" + "d" * 34],
    "client secret": ['client_secret="kD93kdfj39sSD"', "client_secret=kD93kdfj39sSD&scope=x"],
    "provider key": ["sk-" + "a1B2" * 8, "sk-ant-api03-" + "a1B2" * 8, "sk_live_" + "a1B2" * 6],
    "Google API key": ["AIza" + "a" * 35],
    "bearer token": ["Authorization: Bearer abcdef0123456789abcdef"],
    "basic credentials": ["Authorization: Basic dXNlcjpwYXNzd29yZA=="],
    "password in an address": ["postgresql://app:hunter22@db.example/x"],
    "password": ["Server=db;User=sa;Password=hunter22;", '{"password": "hunter22"}'],
    "API key": ["api_key=0123456789abcdef0123"],
    "private key": [PEM],
}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in SECRETS.items() for text in texts]
)
def test_a_secret_gives_way_to_its_kind(kind, text):
    found, count = scrubbed(f"before {text} after")

    assert f"[secret removed: {kind}]" in found
    assert found.startswith("before ")
    assert found.endswith(" after")
    assert count == 1


@pytest.mark.parametrize("text", [text for texts in SECRETS.values() for text in texts])
def test_a_secret_within_json_leaves_valid_json(text):
    once = json.dumps({"did": {"arguments": text}, "told": "refund order A1"})
    twice = json.dumps({"rest": {"raw": once}})

    for document in (once, twice):
        found, count = scrubbed(document)

        assert count >= 1
        assert json.loads(found)
        assert "hunter22" not in found
        assert AWS not in found
        assert "MIIEow" not in found


@pytest.mark.parametrize(
    "text",
    [
        "refund order A1 for 20 dollars, the password was not asked",
        '{"requestID": "e033959a-0c5a-4211-9a46-d1d4a7c55abc", "readOnly": true}',
        "arn:aws:iam::123837392027:role/stratus-red-team-ec2-get-password-data-role",
        "AKIAIOSFODNN7EXAMPLE",
        "https://registry.terraform.io/providers/hashicorp/aws",
        "9e7c57447799c7786c13b4e234748309",
        "the secretary's key to the risk-averse task-force-of-the-whole-department",
        "max_tokens: 4096, input_tokens=53",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert scrubbed(text) == (text, 0)


def test_a_private_key_that_breaks_off_is_removed_to_the_end():
    found, count = scrubbed(f"key: {PEM[:50]}")

    assert (found, count) == ("key: [secret removed: private key]", 1)


def test_what_is_scrubbed_twice_stays_as_it_is():
    text = " ".join(one for texts in SECRETS.values() for one in texts)

    once, _ = scrubbed(text)

    assert scrubbed(once)[0] == once


@pytest.mark.parametrize(
    "part",
    [
        "eyJaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----", "secret", "secret key ", "://a:", "bearer ",
        "password=", "aws secret access key id ", "sk-", "s.", "xoxb-", "key=", "api key token ",
        "session token", "authorization: basic ", "Q~", "client secret : ", "a1Q~", "eyJ", '\\"',
    ],
)  # fmt: skip
def test_time_grows_with_the_text_and_no_faster(part):
    def taken(size):
        text = (part * (size // len(part) + 1))[:size]
        start = time.process_time()
        scrubbed(text)
        return time.process_time() - start

    small = min(taken(32_000) for _ in range(3))
    large = min(taken(256_000) for _ in range(2))

    assert large < max(small, 0.002) * 8 * 4


PIECES = st.sampled_from(
    [
        *(text for texts in SECRETS.values() for text in texts),
        *("secret", "key", "token", "_access", "_", "-", " ", "api", "password", "\v", "=", ": "),
        *('"', '\\"', "\\n", "s.", "a1B2c3" * 4, "://", "@", "x" * 40, "Q~"),
        *("\u212a", "\u017f", "\u0130", "é"),
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_what_is_passed_over_quickly_holds_no_secret_of_any_shape(text):
    expected = text
    for pattern in PATTERNS:
        expected, _ = replaced(pattern, expected)

    assert scrubbed(text)[0] == expected


def marker(kind):
    return f"[secret removed: {kind}]"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"resetPassword": False, "password": None}, None),
        ({"max_tokens": 4096, "password_hint": "the usual"}, None),
        ({"password": 12345678}, {"password": marker("password")}),
        ({"password": 'abcd,efgh(ijk" "l'}, {"password": marker("password")}),
        ({"db-Password": ["hunter22", "x"]}, {"db-Password": [marker("password"), "x"]}),
        ({"password": "x" * 5000}, {"password": marker("password")}),
        (
            [{"Key": "DB_PASSWORD", "Value": "hunter22"}, {"Key": "size", "Value": "hunter22"}],
            [
                {"Key": "DB_PASSWORD", "Value": marker("password")},
                {"Key": "size", "Value": "hunter22"},
            ],
        ),
        (
            {"parameterKey": "dbpassword", "parameterValue": "hunter22"},
            {"parameterKey": "dbpassword", "parameterValue": marker("password")},
        ),
        ({"arguments": '{"n":1,"api_key": null}'}, None),
        (
            {"arguments": '{"n":1, "pwd": "hunter22"}'},
            {"arguments": '{"n":1,"pwd":"[secret removed: password]"}'},
        ),
        ({"ghp_" + "a1B2" * 9: "x"}, {marker("GitHub token"): "x"}),
        ({"env": "OPENAI\tsk-" + "a1B2" * 8}, {"env": "OPENAI\t" + marker("provider key")}),
        (
            {"cut": '{"a": "OPENAI\\tsk-' + "a1B2" * 8},
            {"cut": '{"a": "OPENAI\\t' + marker("provider key")},
        ),
        ({"cut": '{"password:\\n  hunter22'}, {"cut": '{"password:\\n  ' + marker("password")}),
        (
            {"url": "https://u:[secretABC@host/"},
            {"url": f"https://u:{marker('password in an address')}@host/"},
        ),
    ],
)  # fmt: skip
def test_values_are_scrubbed_where_they_stand(value, expected):
    text = json.dumps(value)
    clean = scrub(value)

    assert clean == (value if expected is None else expected)
    assert may_hold_secrets(text) or clean == value
    assert scrub(clean) == clean


@pytest.mark.parametrize(
    "armour",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nMIIEow==\n"
        "-----END RSA PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: made-here\n\nMIIEow==\n"
        "-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PRIVATE KEY-----\nProc-Type: 4\nMIIEow== and it breaks off",
    ],
)
def test_headers_of_a_private_key_do_not_save_it(armour):
    assert scrubbed(f"before {armour}")[0] == f"before {marker('private key')}"


def test_a_text_of_a_megabyte_that_looks_like_tokens_is_done_soon():
    hostile = {"a": "eyJ" * 350_000 + ".eyJaaaa.x", "b": "8Q~ab" * 20_000, "c": "-" * 500_000}
    hostile["d"] = "-----BEGIN PRIVATE KEY-----" + " -" * 500_000

    start = time.process_time()
    scrub(hostile)

    assert time.process_time() - start < 10


def test_several_threads_look_at_once():
    text = ("order of a refund " * 40_000) + SECRETS["GitHub token"][0]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(may_hold_secrets, [text] * 40))

    assert all(found)


def test_a_secret_at_a_cut_goes_before_the_cut():
    signed = "https://store.example/" + "a" * 140 + "?sig=" + "Ab1" * 14 + "%3D&se=2026"

    assert "Ab1" not in cut(signed, 190)
    assert cut("a" * 190, 200) == "a" * 190
    assert len(cut("a" * 500, 200)) == 200
