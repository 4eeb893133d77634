"""Time `verify.py` over a package of a million records, in a process of its own.

    python -m tests.bench.verifier [--records 1000000] [--keep FOLDER]

The package is made by hand, without a database: a whole period, each record with a payload that
is left out, a row of the index, and an OCSF event, as an export has it. Beside the time stands
what `unzip` and `sha256sum` take to read the same bytes once.
"""

import argparse
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.activity.headers import Whose, header_of, stamp_of
from apps.activity.models import Event
from apps.activity.readings import Reading
from apps.evidence import signing
from apps.evidence.bag import BAG_INFO, BAGIT, MANIFEST, Bag
from apps.evidence.content.files import Files, line
from apps.evidence.content.trail.events import INDEX
from apps.evidence.content.trail.links import LINKS
from apps.evidence.content.trail.ocsf import NAME as OCSF
from apps.evidence.content.trail.ocsf import Beside, event_of
from apps.evidence.verify import verify
from apps.proof import notes
from apps.proof.merkle import leaf_hash
from apps.proof.tiles import appended, edge_parts, is_filled, root_from

BOUND = 60.0
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "bench/activity"
AT = datetime(2026, 1, 1, tzinfo=UTC)
START = int(AT.timestamp()) * 10**9
BATCH = 10_000
DESIGN = {"version": "4.2", "charter": "Refunds orders that came late.", "model": "small-1"}
BESIDE = Beside("FINAL", ORIGIN, {7: DESIGN})
WHOSE = Whose(agent_id=7, agent="Refund agent", identity_id=9, identity="refunds", system="CRM")


def make(folder: Path, count: int) -> tuple[Path, Path]:
    """Write the package and the keys that check it."""
    bag = Bag(folder / "work")
    files = Files(bag, "FINAL", lambda done, words: None)
    root = write_records(files, count)
    note = notes.signed(notes.Checkpoint(ORIGIN, count, root).text(), name=ORIGIN, key=KEY)
    prefix = "data/proof/activity"
    files.add(f"{prefix}/checkpoint.txt", "", note.encode())
    files.add(f"{prefix}/included.txt", "", b"0-%d\n" % (count - 1))
    files.add(f"{prefix}/hashes.bin", "", b"")
    with files.csv("data/links.csv", "", LINKS):
        pass
    with files.csv("data/controls.csv", "", ["file"]):
        pass
    facts = {
        "package": "everything",
        "number": 0,
        "status": "FINAL",
        "name": "Everything",
        "about": "whole",
        "records": {"action": count},
        "payloads": {"redacted": count},
        "counts": dict(files.counts),
    }
    logs = [log_of(count, root)]
    files.json("data/trail.json", "", facts)
    files.json("data/proof/logs.json", "", {"logs": logs})
    return seal(bag, folder, {**facts, "logs": logs}), write_keys(folder)


def write_records(files: Files, count: int) -> bytes:
    """The lines, what is told of their words, and the index; returns the root of the log."""
    edge, tiles, size = b"", {}, 0
    with (
        files.exact("data/events.jsonl", "") as exact,
        files.exact("data/payloads.jsonl", "") as words,
        files.csv("data/index.csv", "", INDEX) as index,
        files.exact(OCSF, "") as ocsf,
    ):
        for first in range(0, count, BATCH):
            leaves = []
            for leaf in range(first, min(first + BATCH, count)):
                header = header_at(leaf)
                exact(header)
                words(b'{"i":%d,"redacted":true}' % leaf)
                told = json.loads(header)
                index(row_of(leaf, told))
                ocsf(line(event_of(event_at(leaf, header), told, BESIDE)).encode())
                leaves.append(leaf_hash(header))
            edge, filled = appended(size, edge, leaves)
            tiles |= {(level, at): data for level, at, data in filled}
            size += len(leaves)
    return root_of(tiles, edge, size)


def root_of(tiles: dict[tuple[int, int], bytes], edge: bytes, size: int) -> bytes:
    parts = edge_parts(size, edge)
    return root_from(
        lambda place: tiles[place] if is_filled(place, size) else parts[place[0]], size
    )


def header_at(leaf: int) -> bytes:
    reading = Reading(
        "action",
        f"refund_order_{leaf % 50}",
        START + leaf * 10**6,
        START + leaf * 10**6 + 5 * 10**5,
        trace_id=f"{leaf // 20:032x}",
        span_id=f"{leaf:016x}",
        parent_id=f"{leaf - leaf % 20:016x}",
        target=f"order/{leaf}",
        outcome="ok",
        request_id=f"{leaf:024x}",
        claimed_agent="refund-agent",
        conversation=f"conversation-{leaf // 100}",
    )
    return header_of(reading, WHOSE, recorded=stamp_of(AT), payload=f"{leaf:064x}")


def event_at(leaf: int, header: bytes) -> Event:
    happened = AT + timedelta(milliseconds=leaf)
    return Event(
        leaf_index=leaf,
        recorded_at=AT,
        happened_at=happened,
        ended_at=happened + timedelta(microseconds=500),
        kind="action",
        header=header.decode(),
    )


def row_of(leaf: int, header: dict) -> list:
    whose = header["whose"]
    return [
        *(leaf, AT, AT, header["kind"], header["name"], header["target"], "", header["outcome"], 0),
        *(whose["agent"], whose["identity"], whose["system"], header["trace"], header["span"]),
        *("", "redacted"),
    ]


def log_of(count: int, root: bytes) -> dict:
    return {
        "log": "activity",
        "file": "data/events.jsonl",
        "origin": ORIGIN,
        "size": count,
        "root": base64.b64encode(root).decode(),
        "from": 0,
        "until": count,
        "included": count,
        "excluded": 0,
        "unsigned": 0,
        "goes_on_from": [],
    }


def seal(bag: Bag, folder: Path, predicate: dict) -> Path:
    bag.add("build.json", b'{"built_at":"2026-11-24T00:00:00Z"}')
    bag.describe({"Bagging-Date": "2026-11-24"})
    bag.list_payload()
    subjects = {tag: bag.digest(tag) for tag in (MANIFEST, BAG_INFO, BAGIT, "build.json")}
    statement = signing.statement(subjects=subjects, predicate=predicate)
    bag.add("attestation.dsse.json", signing.envelope(statement, KEY))
    bag.list_tags()
    bag.pack(folder / "package.zip")
    bag.remove()
    return folder / "package.zip"


def write_keys(folder: Path) -> Path:
    public = signing.public_bytes(KEY)
    key = {
        "keyid": signing.key_id(public),
        "public_key": base64.b64encode(public).decode(),
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": None,
    }
    logs = [{"vkey": notes.vkey(ORIGIN, notes.public_bytes(KEY))}]
    out = folder / "keys.json"
    out.write_text(json.dumps({"keys": [key], "logs": logs}))
    return out


def timed(command: list[str]) -> tuple[float, float, subprocess.CompletedProcess]:
    """Seconds on the clock, and of the processor."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = options.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        package, keys = make(folder, options.records)
        plain, *_ = timed(["sh", "-c", f"unzip -p {package} | sha256sum"])
        script = [sys.executable, verify.__file__, str(package), "--key", str(keys)]
        spent, worked, done = timed(script)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(done.stdout + done.stderr)
    holds = done.returncode == 0 and (spent < BOUND or options.records < 1_000_000)
    sys.stdout.write(
        f"{'ok' if holds else 'OVER'}  {options.records:,} records in {spent:.1f} s "
        f"({worked:.1f} s of the processor, {peak:.0f} MB at most), bound {BOUND:.0f} s; "
        f"{spent / plain:.1f} times unzip and sha256sum\n"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
