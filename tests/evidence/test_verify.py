import ast
import hashlib
import json
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

from apps.evidence import signing
from apps.evidence.verify import verify
from tests.evidence.handmade import (
    CAMPAIGN,
    FILES,
    KEY,
    OTHER_KEY,
    PROOF_SHA256,
    check,
    key_file,
    make,
    rewrite,
)


def test_the_verifier_speaks_python_3_8_and_imports_the_standard_library_alone():
    tree = ast.parse(Path(verify.__file__).read_text(), feature_version=(3, 8))

    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= set(sys.stdlib_module_names)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_a_whole_package_passes_with_the_key_from_outside(tmp_path):
    code, said = check(make(tmp_path), key_file())

    assert code == 0, said
    assert "FAIL" not in said
    assert said.count("PASS") == 15
    assert "RESULT every claim holds" in said


def test_without_an_outside_key_the_verifier_says_what_that_is_worth(tmp_path):
    code, said = check(make(tmp_path))

    assert code == 0
    assert "The key came out of the package" in said


def test_the_command_line_exits_with_the_code(tmp_path):
    package = make(tmp_path)
    keys = tmp_path / "countersign-log.json"
    keys.write_text(key_file(OTHER_KEY))
    command = [sys.executable, "-I", verify.__file__, str(package)]

    passed = subprocess.run(command, capture_output=True, text=True, check=False)
    failed = subprocess.run(
        [*command, "--key", str(keys)], capture_output=True, text=True, check=False
    )

    assert (passed.returncode, failed.returncode) == (0, 30)
    assert "signed with a key that is not known" in failed.stdout
    assert failed.stderr == ""


def test_a_package_packed_anew_without_a_change_passes(tmp_path):
    assert check(rewrite(make(tmp_path)), key_file())[0] == 0


def test_a_changed_byte_is_named(tmp_path):
    changed = FILES["data/decisions.csv"].replace("revoke", "keep")
    spoilt = rewrite(make(tmp_path), change={"data/decisions.csv": changed})

    code, said = check(spoilt, key_file())

    assert code == 10
    assert "data/decisions.csv was changed" in said


@pytest.mark.parametrize("name", ["data/decisions.csv", f"data/raw/{PROOF_SHA256}"])
def test_a_removed_member_is_named(tmp_path, name):
    code, said = check(rewrite(make(tmp_path), drop=[name]), key_file())

    assert code in {20, 50}
    assert f"{name} is missing" in said


@pytest.mark.parametrize(
    "name", ["attestation.dsse.json", "manifest-sha256.txt", "build.json", "bagit.txt"]
)
def test_a_removed_tag_file_fails(tmp_path, name):
    code, said = check(rewrite(make(tmp_path), drop=[name]), key_file())

    assert code in {10, 30, 50}
    assert f"{name} is missing" in said


def test_an_added_member_is_named(tmp_path):
    spoilt = rewrite(make(tmp_path), add=[("data/decisions_2.csv", "item\n")])

    code, said = check(spoilt, key_file())

    assert code == 10
    assert "data/decisions_2.csv is not listed" in said


def test_an_added_tag_file_is_named(tmp_path):
    code, said = check(rewrite(make(tmp_path), add=[("note.txt", "hello")]), key_file())

    assert code == 10
    assert "note.txt does not belong into a package" in said


@pytest.mark.parametrize("name", ["data/decisions.csv", "data/Decisions.csv"])
def test_a_second_member_of_the_same_name_is_refused(tmp_path, name):
    package = make(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spoilt = rewrite(package, add=[(name, "item,outcome\n1,keep\n")])

    code, said = check(spoilt, key_file())

    assert code == 10
    assert f"{name} is there twice" in said


@pytest.mark.parametrize(
    "name", ["../escape.txt", "/etc/passwd", "data/../../escape", "data\\evil", "data//x", "data/é"]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    code, said = check(rewrite(make(tmp_path), add=[(name, "x")]), key_file())

    assert code == 10
    assert "is not a plain name" in said


def test_a_file_and_its_line_in_the_manifest_changed_together_are_caught(tmp_path):
    package = make(tmp_path)
    changed = FILES["data/decisions.csv"].replace("revoke", "keep").encode()
    with zipfile.ZipFile(package) as archive:
        manifest = archive.read("manifest-sha256.txt").decode()
        tags = archive.read("tagmanifest-sha256.txt").decode()
    old = hashlib.sha256(FILES["data/decisions.csv"].encode()).hexdigest()
    forged = manifest.replace(old, hashlib.sha256(changed).hexdigest())
    tags = tags.replace(
        hashlib.sha256(manifest.encode()).hexdigest(), hashlib.sha256(forged.encode()).hexdigest()
    )

    code, said = check(
        rewrite(
            package,
            change={
                "data/decisions.csv": changed,
                "manifest-sha256.txt": forged,
                "tagmanifest-sha256.txt": tags,
            },
        ),
        key_file(),
    )

    assert code == 30
    assert "manifest-sha256.txt is not the one that was signed" in said


def test_a_package_forged_throughout_is_caught_by_the_key_from_outside(tmp_path):
    forged = make(
        tmp_path,
        files={
            "data/decisions.csv": "item,outcome\n1,keep\n2,revoke\n",
            "data/verify/verify.py": "print('RESULT every claim holds')\n",
        },
        key=OTHER_KEY,
    )

    trusting, _ = check(forged)
    code, said = check(forged, key_file())

    assert trusting == 0
    assert code == 30
    assert "signed with a key that is not known" in said


def test_a_withdrawn_key_is_refused(tmp_path):
    code, said = check(make(tmp_path), key_file(withdrawn=True))

    assert code == 30
    assert "was withdrawn" in said


def test_a_key_used_after_its_time_is_refused(tmp_path):
    code, said = check(make(tmp_path), key_file(valid_until="2026-06-01T00:00:00Z"))

    assert code == 30
    assert "was not valid at 2026-11-24T00:00:00Z" in said


def test_a_key_file_that_lies_about_its_id_is_refused(tmp_path):
    lying = json.loads(key_file(OTHER_KEY))
    lying["keys"][0]["keyid"] = signing.key_id(signing.public_bytes(KEY))

    assert check(make(tmp_path), json.dumps(lying))[0] == 30


@pytest.mark.parametrize(
    ("files", "code", "fault"),
    [
        (
            {"data/population_at_close.csv": "item,origin,disposition\n1,launch,kept\n"},
            50,
            "item 2 was in the population at launch and is gone at close",
        ),
        (
            {
                "data/population_at_close.csv": FILES["data/population_at_close.csv"]
                + "4,added,kept\n"
            },
            50,
            "dispositions sum to 3, and the population is 4",
        ),
        (
            {
                "data/population_at_close.csv": FILES["data/population_at_close.csv"].replace(
                    "kept", "open"
                )
            },
            50,
            "item 1 has no disposition: 'open'",
        ),
        (
            {"data/decisions.csv": "item,outcome\n1,keep\n"},
            50,
            "item 2 is revoked; its decision: none",
        ),
        (
            {"data/decisions.csv": "item,outcome\n1,revoke\n2,revoke\n"},
            50,
            "item 1 is kept; its decision: revoke",
        ),
        (
            {"data/decisions.csv": FILES["data/decisions.csv"] + "8,keep\n"},
            50,
            "decisions.csv: item 8 is not in the population",
        ),
        ({"data/no_answers.csv": "item\n"}, 50, "item 3 is uncertified"),
        (
            {"data/orders.csv": "order,item,proof_sha256\n"},
            50,
            "item 2 was to end and has no order",
        ),
        ({"data/assignments.csv": "item,reviewer\n1,4\n"}, 50, "item 2 was never assigned"),
        (
            {"data/governance.jsonl": FILES["data/governance.jsonl"].splitlines()[0] + "\n"},
            50,
            "2 has no entry",
        ),
        ({"data/decisions.csv": "item,outcome\n1,keep\n2\n"}, 50, "has a row of another width"),
        ({"data/decisions.csv": "thing,outcome\n1,keep\n"}, 50, "has no column item"),
        ({"data/decisions.csv": None}, 50, "data/decisions.csv is missing"),
        (
            {"data/controls.csv": "requirement,file\nPCI DSS 7.2.4,data/absent.csv\n"},
            50,
            "controls.csv names data/absent.csv",
        ),
        ({f"data/raw/{PROOF_SHA256}": None}, 20, f"proof {PROOF_SHA256} is missing"),
        ({f"data/raw/{PROOF_SHA256}": "another"}, 20, "does not hold what its name says"),
    ],
)
def test_a_package_that_does_not_add_up_fails_though_it_is_signed(tmp_path, files, code, fault):
    found, said = check(make(tmp_path, files=files), key_file())

    assert found == code, said
    assert fault in said


CARRIED = "item,level,rule,from_decision,outcome\n"
CLOSE_CARRIED = FILES["data/population_at_close.csv"].replace(
    "3,launch,uncertified", "3,launch,carried"
)


@pytest.mark.parametrize(
    ("rows", "code", "fault"),
    [
        ("3,read,Kept lately.,77,keep\n", 0, "read access with a rule and a decision"),
        ("3,write,Kept lately.,77,keep\n", 50, "item 3 is carried forward without what allows it"),
        ("3,read,,77,keep\n", 50, "item 3 is carried forward without what allows it"),
        ("3,read,Kept lately.,77,revoke\n", 50, "item 3 is carried forward without what allows it"),
        ("", 50, "item 3 is carried, which carried_forward.csv contradicts"),
        (
            "3,read,Kept lately.,77,keep\n1,read,Kept lately.,78,keep\n",
            50,
            "item 1 is kept, which carried_forward.csv contradicts",
        ),
    ],
)
def test_what_was_carried_forward_is_read_access_with_a_rule_and_a_decision(
    tmp_path, rows, code, fault
):
    files = {
        "data/population_at_close.csv": CLOSE_CARRIED,
        "data/no_answers.csv": "item\n",
        "data/carried_forward.csv": CARRIED + rows,
    }
    campaign = {"dispositions": {"kept": 1, "revoked": 1, "carried": 1}}

    found, said = check(make(tmp_path, files=files, campaign=campaign), key_file())

    assert found == code, said
    assert fault in said


def test_an_open_item_is_right_in_an_interim_package(tmp_path):
    files = {
        "data/population_at_close.csv": FILES["data/population_at_close.csv"].replace(
            "3,launch,uncertified", "3,launch,open"
        ),
        "data/no_answers.csv": "item\n",
    }
    campaign = {"status": "INTERIM", "dispositions": {"kept": 1, "revoked": 1, "open": 1}}

    code, said = check(make(tmp_path, files=files, campaign=campaign), key_file())

    assert code == 0, said
    assert "INTERIM: the review is not over" in said


def test_a_population_other_than_the_frozen_one_fails(tmp_path):
    code, said = check(make(tmp_path, campaign={"population_sha256": "f" * 64}), key_file())

    assert code == 50
    assert "not the frozen one" in said


def test_counts_that_differ_from_the_signed_ones_fail(tmp_path):
    campaign = {"counts": {**CAMPAIGN["counts"], "data/decisions.csv": 5}}

    code, said = check(make(tmp_path, campaign=campaign), key_file())

    assert code == 50
    assert "data/decisions.csv has 2 rows, not 5" in said


def test_a_package_rebuilt_otherwise_is_told_from_the_one_noted_before(tmp_path):
    first = make(tmp_path)
    _, said = check(first, key_file())
    noted = said.split("(--known-checkpoint): ")[1]
    second = make(tmp_path, files={"data/extra.csv": "item\n"}, name="second.zip")

    assert check(first, key_file(), noted)[0] == 0
    code, said = check(second, key_file(), noted)

    assert code == 40
    assert "campaign-1/0" in said


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"keys": 3}', "nonsense", "a+b+%%% x"])
def test_a_key_file_that_is_none_is_a_wrong_use(tmp_path, text):
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    command = [sys.executable, "-I", verify.__file__, str(make(tmp_path)), "--key", str(keys)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode in {2, 30}
    assert "Traceback" not in done.stderr
