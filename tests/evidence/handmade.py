"""A small package made by hand, so that each part of it can be spoilt on its own."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.evidence import signing
from apps.evidence.bag import BAG_INFO, BAGIT, MANIFEST, Bag
from apps.evidence.verify import verify

PROOF = b"the console after the key was deleted"
PROOF_SHA256 = hashlib.sha256(PROOF).hexdigest()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))

FILES = {
    "data/population_at_launch.csv": "item,kind,subject_id\n1,grant,11\n2,grant,12\n3,grant,13\n",
    "data/population_at_close.csv": (
        "item,origin,disposition\n1,launch,kept\n2,launch,revoked\n3,launch,uncertified\n"
    ),
    "data/assignments.csv": "item,reviewer\n1,4\n2,4\n3,5\n",
    "data/decisions.csv": "item,outcome\n1,keep\n2,revoke\n",
    "data/no_answers.csv": "item\n3\n",
    "data/orders.csv": f"order,item,proof_sha256\n9,2,{PROOF_SHA256}\n",
    "data/exceptions.csv": "item,what\n3,uncertified\n",
    "data/sources.csv": f"source,raw_sha256,raw_in_package\n1,{'0' * 64},no\n",
    "data/governance.jsonl": (
        '{"entry":7,"target_type":"reviews.reviewitem","target_id":1}\n'
        '{"entry":8,"target_type":"reviews.reviewitem","target_id":2}\n'
    ),
    "data/controls.csv": "requirement,file\nPCI DSS 7.2.4,data/decisions.csv data/orders.csv\n",
    f"data/raw/{PROOF_SHA256}": PROOF.decode(),
    "data/verify/verify.py": "print('the copy in the package')\n",
}
CAMPAIGN = {
    "package": "campaign-1",
    "name": "Quarterly",
    "number": 0,
    "status": "FINAL",
    "orders_planned": True,
    "dispositions": {"kept": 1, "revoked": 1, "uncertified": 1},
    "counts": {
        "data/population_at_launch.csv": 3,
        "data/decisions.csv": 2,
        "data/governance.jsonl": 2,
    },
}


def key_entry(key=KEY, **changes):
    public = signing.public_bytes(key)
    return {
        "keyid": signing.key_id(public),
        "public_key": signing.base64.b64encode(public).decode(),
        "vkey": signing.vkey(public),
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": None,
        "withdrawn": False,
        **changes,
    }


def key_file(key=KEY, **changes) -> str:
    return json.dumps({"keys": [key_entry(key, **changes)]})


def make(
    folder: Path, *, files=None, campaign=None, predicate=None, key=KEY, name="package.zip"
) -> Path:
    """Build and sign a package. `files` replaces members by name; None leaves one out.

    `predicate` is signed instead of what the campaign states.
    """
    stated = {**CAMPAIGN, **(campaign or {})}
    members = {**FILES, "data/campaign.json": json.dumps(stated), **(files or {})}
    return _sealed(
        folder, name, members, _predicate(stated) if predicate is None else predicate, key
    )


def make_addendum(folder: Path, number: int, *, before: Path, first: Path, **changes) -> Path:
    """Build and sign an addendum that follows `before` and adds to `first`."""
    stated = {
        "package": "campaign-1",
        "number": number,
        "status": "FINAL",
        "name": "Quarterly",
        "counts": {"data/orders.csv": 0},
        "adds_to_manifest_sha256": manifest_of(first),
        "follows_manifest_sha256": manifest_of(before),
        **changes,
    }
    members = {
        "data/addendum.json": json.dumps(stated),
        "data/orders.csv": "order,item,proof_sha256\n",
        "data/sources.csv": "source,raw_sha256,raw_in_package\n",
    }
    return _sealed(folder, f"addendum-{number}.zip", members, _predicate(stated), KEY)


def manifest_of(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return hashlib.sha256(archive.read(MANIFEST)).hexdigest()


def _predicate(stated):
    return {field: stated[field] for field in ("package", "number", "status", "counts")}


def _sealed(folder: Path, name: str, members, predicate, key) -> Path:
    bag = Bag(folder / f"work-{name}")
    for member, content in members.items():
        if content is not None:
            bag.add(member, content.encode())
    vkey = signing.vkey(signing.public_bytes(key))
    bag.add("data/keys/vkeys.txt", f"# keys\n{vkey} 2026-01-01T00:00:00Z -\n".encode())
    bag.add("build.json", b'{"built_at":"2026-11-24T00:00:00Z"}')
    bag.describe({"Bagging-Date": "2026-11-24"})
    bag.list_payload()
    subjects = {tag: bag.digest(tag) for tag in (MANIFEST, BAG_INFO, BAGIT, "build.json")}
    statement = signing.statement(subjects=subjects, predicate=predicate)
    bag.add("attestation.dsse.json", signing.envelope(statement, key))
    bag.list_tags()
    bag.pack(folder / name)
    return folder / name


def rewrite(path: Path, *, change=None, drop=(), add=()) -> Path:
    """Pack a package anew with members changed, dropped, or added, and nothing signed again."""
    out = path.with_name(f"rewritten-{path.name}")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            if info.filename not in drop:
                content = source.read(info)
                target.writestr(info.filename, (change or {}).get(info.filename, content))
        for name, content in add:
            target.writestr(name, content)
    return out


def check(path: Path, keys=None, known=None, addenda=()) -> tuple[int, str]:
    out = io.StringIO()
    return verify.verify(path, keys, known, out, addenda), out.getvalue()
