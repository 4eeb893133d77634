#!/usr/bin/env python3
"""Check Countersign's evidence, offline, with nothing but Python 3.8 or newer.

    python verify.py PACKAGE.zip [ADDENDUM.zip ...] [--key countersign-log.json]
                     [--known-checkpoint FILE]
    python verify.py RECORD.tlog-proof --key countersign-log.json [--known-checkpoint FILE]

Addenda are given after their package, in order; together they are checked as one series. The
second form checks one record alone, by its C2SP tlog-proof; it holds no keys.

Take this file and the keys from outside the package: from the well-known address of the
Countersign that made it (/.well-known/countersign-verify.py and /.well-known/countersign-log.json),
or from its source repository. A package that was changed and signed anew with another key
passes its own copy of this file, and fails this one with the real keys.

Exit codes: 0 all claims hold, 10 a file is not what the manifest says or words are not those that
a record commits to, 20 a proof is missing or does not hold, 30 a signature does not hold, 40 not
the package, or not the log, seen before, 50 incomplete or not adding up, 2 wrong use.
"""

import argparse
import base64
import csv
import datetime as dt
import hashlib
import hmac
import io
import json
import operator
import re
import sys
import zipfile
import zlib

OK, USAGE, HASH, PROOF, SIGNATURE, CHECKPOINT, INCOMPLETE = 0, 2, 10, 20, 30, 40, 50
PRECEDENCE = (HASH, SIGNATURE, PROOF, CHECKPOINT, INCOMPLETE)

MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
ATTESTATION = "attestation.dsse.json"
SIGNED_TAGS = ("bag-info.txt", "bagit.txt", "build.json")
TAGS = {MANIFEST, TAG_MANIFEST, ATTESTATION} | set(SIGNED_TAGS)
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://countersign.dev/evidence/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
TLOG_PROOF = b"c2sp.org/tlog-proof@v1\n"
STATED = ("package", "number", "status", "counts")

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")
DIGEST = re.compile(r"[0-9a-f]{64}\Z")
LINE = re.compile(r"([0-9a-f]{64})  (\S+)\Z")
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOST_SHOWN = 5
CHUNK = 1024 * 1024
# Files read whole stay far below this; one that unpacks to more is there to do harm.
MOST_BYTES_READ_WHOLE = 256 * 1024 * 1024
MOST_BYTES_OF_PROOF = 1024 * 1024

# Dispositions: by whose choice an item ended, or why nobody had to choose.
CHOSEN = {"kept": "keep", "narrowed": "narrow", "revoked": "revoke", "rotated": "rotate"}
UNANSWERED = {"uncertified", "suspended", "withdrawn"}
SETTLED = set(CHOSEN) | UNANSWERED | {"void", "superseded", "excluded", "carried"}
ENDS_ACCESS = {"narrowed", "revoked", "rotated", "suspended", "withdrawn"}
OPEN, DECIDED = "open", "decided"  # not ended yet: in interim packages alone

READ_ERRORS = (
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    UnicodeDecodeError,
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
)

# What reading a file of an unexpected shape raises.
MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)

csv.field_size_limit(2**31 - 1)


# Ed25519, verification only, after RFC 8032 section 6.

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)


def point_multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def point_equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - x2) % P:
        return None
    return P - x if (x & 1) != sign else x


def point_decompress(data):
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point_decompress(public), point_decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % Q
    return point_equal(point_multiply(s, BASE), point_add(r, point_multiply(h, a)))


# What is said, and how.


class Report:
    def __init__(self, out):
        self.out = out
        self.codes = set()

    def say(self, text):
        """Print one line. What a package says must neither break it nor pass for one of ours."""
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
        encoding = getattr(self.out, "encoding", None) or "utf-8"
        print(shown.encode(encoding, "backslashreplace").decode(encoding), file=self.out)

    def claim(self, text, faults=(), code=INCOMPLETE):
        """Print one claim; `faults` name what is wrong with it."""
        faults = list(faults)
        self.say(("FAIL  " if faults else "PASS  ") + text)
        for fault in faults[:MOST_SHOWN]:
            self.say("      - " + fault)
        if len(faults) > MOST_SHOWN:
            self.say(f"      - and {len(faults) - MOST_SHOWN} more")
        if faults:
            self.codes.add(code)
        return not faults

    def note(self, text):
        self.say("NOTE  " + text)

    def exit_code(self):
        return next((code for code in PRECEDENCE if code in self.codes), OK)


class Unreadable(Exception):
    """A member cannot be used; the message names it."""


class Package:
    def __init__(self, archive):
        self.archive = archive
        self.members = {info.filename: info for info in archive.infolist()}

    def open(self, name):
        if name not in self.members:
            raise Unreadable(f"{name} is missing")
        return self.archive.open(name)

    def digest(self, name):
        hasher = hashlib.sha256()
        try:
            with self.open(name) as member:
                for chunk in iter(lambda: member.read(CHUNK), b""):
                    hasher.update(chunk)
        except READ_ERRORS as error:
            raise Unreadable(f"{name} cannot be read: {error}") from error
        return hasher.hexdigest()

    def text(self, name):
        try:
            with self.open(name) as member:
                if self.members[name].file_size > MOST_BYTES_READ_WHOLE:
                    raise Unreadable(f"{name} is larger than such a file can be")
                return member.read().decode("utf-8")
        except READ_ERRORS as error:
            raise Unreadable(f"{name} cannot be read: {error}") from error

    def json(self, name):
        try:
            return json.loads(self.text(name))
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"{name} is not JSON: {error}") from error

    def rows(self, name):
        """The rows of a CSV file, as dictionaries, one at a time."""
        try:
            with self.open(name) as member:
                lines = io.TextIOWrapper(member, encoding="utf-8", newline="")
                for row in csv.DictReader(lines, strict=True):
                    if None in row or None in row.values():
                        raise Unreadable(f"{name} has a row of another width")
                    yield row
        except READ_ERRORS as error:
            raise Unreadable(f"{name} cannot be read: {error}") from error

    def raw(self, name):
        """The lines of a file as bytes, without their ends, one at a time."""
        try:
            with self.open(name) as member:
                for line in io.BufferedReader(member, CHUNK):
                    if line[-1:] != b"\n":
                        raise Unreadable(f"{name} does not end its last line")
                    yield line[:-1]
        except READ_ERRORS as error:
            raise Unreadable(f"{name} cannot be read: {error}") from error

    def table(self, name, columns):
        """Some columns of a CSV file, as tuples, one at a time."""
        try:
            with self.open(name) as member:
                reader = csv.reader(
                    io.TextIOWrapper(member, encoding="utf-8", newline=""), strict=True
                )
                head = next(reader, [])
                if not set(columns) <= set(head):
                    raise Unreadable(f"{name} has other columns")
                picked, width = operator.itemgetter(*map(head.index, columns)), len(head)
                for row in reader:
                    if len(row) != width:
                        raise Unreadable(f"{name} has a row of another width")
                    yield picked(row)
        except READ_ERRORS as error:
            raise Unreadable(f"{name} cannot be read: {error}") from error

    def lines(self, name):
        """The objects of a JSON lines file, one at a time."""
        try:
            with self.open(name) as member:
                for line in member:
                    yield json.loads(line.decode("utf-8"))
        except (*READ_ERRORS, ValueError) as error:
            raise Unreadable(f"{name} cannot be read: {error}") from error


# The container.


def check_container(archive, report):
    """Names must be plain and unique before anything is read by name."""
    faults, seen = [], set()
    for info in archive.infolist():
        name = info.filename
        if not NAME.match(name):
            faults.append(f"{name!r} is not a plain name")
        elif not (name.startswith("data/") or name in TAGS):
            faults.append(f"{name} does not belong into a package")
        if name.lower() in seen:
            faults.append(f"{name} is there twice")
        seen.add(name.lower())
        if info.flag_bits & 1 or info.compress_type not in PACKED:
            faults.append(f"{name} is encrypted or packed in an unusual way")
        if (info.external_attr >> 16) & 0o170000 not in (0, 0o100000):
            faults.append(f"{name} is not a regular file")
    if archive.comment:
        faults.append("the zip carries a comment")
    if min([info.header_offset for info in archive.infolist()], default=0):
        faults.append("something stands before the first member")
    return report.claim("The zip holds plain, unique members", faults, HASH)


def read_manifest(package, name):
    listed, faults = {}, []
    for line in package.text(name).splitlines():
        match = LINE.match(line)
        if not match:
            faults.append(f"{name} has a line that is none: {line[:80]!r}")
        elif match.group(2) in listed:
            faults.append(f"{name} lists {match.group(2)} twice")
        else:
            listed[match.group(2)] = match.group(1)
    return listed, faults


def check_manifest(package, report, manifest, expected):
    try:
        listed, faults = read_manifest(package, manifest)
    except Unreadable as error:
        return report.claim(f"Every file is listed in {manifest}", [str(error)], INCOMPLETE)
    missing = sorted(set(listed) - set(package.members))
    report.claim(
        f"Every file listed in {manifest} is there",
        [f"{name} is missing" for name in missing],
        INCOMPLETE,
    )
    faults += [f"{name} is not listed" for name in sorted(expected - set(listed))]
    faults += [
        f"{name} must not be listed" for name in sorted(set(listed) - expected - set(missing))
    ]
    for name in sorted(set(listed) & set(package.members)):
        faults += hash_fault(package, name, listed[name])
    text = f"The {len(listed)} files have the SHA-256 that {manifest} says, and no other is there"
    return report.claim(text, faults, HASH)


def hash_fault(package, name, digest):
    try:
        found = package.digest(name)
    except Unreadable as error:
        return [str(error)]
    return [] if found == digest else [f"{name} was changed: SHA-256 is {found}, not {digest}"]


# The signature.


def read_keys(text):
    """Public keys by id, from countersign-log.json or vkeys.txt."""
    if text.lstrip().startswith("{"):
        return {key["keyid"]: key for key in json.loads(text)["keys"]}
    keys = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            fields = line.split()
            public = base64.b64decode(fields[0].split("+", 2)[2])[1:]
            key = {
                "public_key": base64.b64encode(public).decode(),
                "valid_from": fields[1],
                "valid_until": None if fields[2] == "-" else fields[2],
                "withdrawn": len(fields) > 3,
            }
            keys[hashlib.sha256(public).hexdigest()] = key
    return keys


def signature_faults(package, keys):
    """Faults of the envelope, its statement, and its key; and what it states."""
    envelope = package.json(ATTESTATION)
    payload = base64.b64decode(envelope["payload"], validate=True)
    if envelope["payloadType"] != PAYLOAD_TYPE:
        return ["the envelope holds {!r}".format(envelope["payloadType"])], {}
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    statement = json.loads(payload.decode("utf-8"))
    faults = []
    if len(envelope["signatures"]) != 1:
        faults.append("the envelope must carry one signature")
    for signature in envelope["signatures"]:
        faults += key_faults(package, keys, signature, signed)
    if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
        faults.append("the statement is of another type")
    faults += subject_faults(package, statement)
    predicate = statement["predicate"]
    if not isinstance(predicate, dict):
        return [*faults, "the statement says nothing of the package"], {}
    faults += [f"the statement does not give its {f}" for f in STATED if f not in predicate]
    return faults, predicate


def key_faults(package, keys, signature, signed):
    key = keys.get(signature["keyid"])
    if key is None:
        return ["it was signed with a key that is not known: {}".format(signature["keyid"])]
    public = base64.b64decode(key["public_key"], validate=True)
    if hashlib.sha256(public).hexdigest() != signature["keyid"]:
        return ["the key file names a key {} that is another".format(signature["keyid"])]
    if not ed25519_verify(public, signed, base64.b64decode(signature["sig"], validate=True)):
        return ["the signature is not of this statement"]
    if key.get("withdrawn"):
        return ["the key {} was withdrawn".format(signature["keyid"])]
    built = package.json("build.json")["built_at"]
    if built < key["valid_from"] or (key["valid_until"] and built > key["valid_until"]):
        return [f"the key was not valid at {built}, when the package was built"]
    return []


def subject_faults(package, statement):
    subjects = {entry["name"]: entry["digest"]["sha256"] for entry in statement["subject"]}
    faults = [f"{name} is not signed" for name in (MANIFEST, *SIGNED_TAGS) if name not in subjects]
    for name, digest in sorted(subjects.items()):
        if name not in package.members:
            faults.append(f"{name} is signed and missing")
        elif package.digest(name) != digest:
            faults.append(f"{name} is not the one that was signed")
    return faults


def check_signature(package, report, keys):
    text = "The manifest and the tag files are signed by a known key"
    try:
        if keys is None:
            keys = read_keys(package.text("data/keys/vkeys.txt"))
        faults, predicate = signature_faults(package, keys)
    except Unreadable as error:
        report.claim(text, [str(error)], SIGNATURE)
        return {}
    except MALFORMED as error:
        report.claim(text, [f"the attestation or a key is not as it must be: {error!r}"], SIGNATURE)
        return {}
    report.claim(text, faults, SIGNATURE)
    return predicate


# What the files say together.


def pick(package, name, *fields):
    """Some columns of a CSV file; a large file does not fit into memory whole."""
    picked = []
    for row in package.rows(name):
        absent = [field for field in fields if field not in row]
        if absent:
            raise Unreadable(f"{name} has no column {absent[0]}")
        picked.append(tuple(sys.intern(row[field]) for field in fields))
    return picked


def column(package, name, field):
    return [values[0] for values in pick(package, name, field)]


def repeated(values):
    seen, again = set(), []
    for value in values:
        if value in seen:
            again.append(value)
        seen.add(value)
    return again


def strangers(items, known, file):
    return [f"{file}: item {i} is not in the population" for i in items if i not in known]


def check_counts(package, report, campaign, predicate):
    faults = []
    for name, count in sorted(campaign["counts"].items()):
        rows = package.rows(name) if name.endswith(".csv") else package.lines(name)
        if EVENTS in campaign["counts"] and name in (EVENTS, PAYLOADS, INDEX, OCSF):
            continue  # they are counted where they are read beside each other
        if name == ENTRIES or name.endswith(".txt"):
            rows = package.raw(name)
        found = sum(1 for _ in rows)
        if found != count:
            faults.append(f"{name} has {found} rows, not {count}")
    for field in (*STATED, "dispositions", "calls", "calls_sha256"):
        if field in predicate and predicate[field] != campaign[field]:
            faults.append(f"the signed statement gives another {field}")
    report.claim("Every file has the number of rows that was signed", faults)


def check_population(package, report, campaign):
    frozen = pick(package, "data/population_at_launch.csv", "item", "kind", "subject_id")
    launch = [item for item, _, _ in frozen]
    close = pick(package, "data/population_at_close.csv", "item", "origin", "disposition")
    items, started = [item for item, _, _ in close], set(launch)
    faults = [f"item {i} is in the population at launch twice" for i in repeated(launch)]
    faults += [f"item {i} is in the population at close twice" for i in repeated(items)]
    count = campaign.get("population_count", len(launch))
    if len(launch) != count:
        faults.append(f"{len(launch)} items at launch, and {count} were frozen")
    subjects = "\n".join(sorted(f"{kind}:{subject}" for _, kind, subject in frozen))
    digest = hashlib.sha256(subjects.encode("utf-8")).hexdigest()
    if campaign.get("population_sha256") not in (None, "", digest):
        faults.append(f"the population at launch has the digest {digest}, not the frozen one")
    gone = sorted(started - set(items))
    faults += [f"item {i} was in the population at launch and is gone at close" for i in gone]
    for item, origin, _ in close:
        if (origin == "launch") != (item in started):
            faults.append(f"item {item} is marked {origin!r}")
    report.claim("The population at launch is all there at close; what was added is marked", faults)
    return {item: disposition for item, _, disposition in close}


def check_dispositions(report, campaign, close):
    found, faults = {}, []  # type: dict, list
    for item, disposition in close.items():
        found[disposition] = found.get(disposition, 0) + 1
        still_open = disposition in (OPEN, DECIDED) and campaign["status"] == "INTERIM"
        if disposition not in SETTLED and not still_open:
            faults.append(f"item {item} has no disposition: {disposition!r}")
    said = {name: count for name, count in campaign["dispositions"].items() if count}
    for name in sorted(set(found) | set(said)):
        if found.get(name, 0) != said.get(name, 0):
            count = f"{found.get(name, 0)} items, and campaign.json says {said.get(name, 0)}"
            faults.append(f"{name}: {count}")
    closed_with = campaign.get("reconciliation", {}).get("dispositions", {})
    counted = {name: found[name] for name in found if name != "superseded"}
    if closed_with and closed_with != counted:
        faults.append(f"the campaign was closed with {closed_with}")
    total = sum(said.values())
    if total != len(close):
        faults.append(f"dispositions sum to {total}, and the population is {len(close)}")
    report.claim(f"Dispositions sum to the population ({len(close)})", faults)


def check_decisions(package, report, close):
    decisions = pick(package, "data/decisions.csv", "item", "outcome")
    chosen = dict(decisions)
    silent = set(column(package, "data/no_answers.csv", "item"))
    faults = [f"item {i} is decided twice" for i in repeated([item for item, _ in decisions])]
    faults += strangers(sorted(chosen), close, "decisions.csv")
    faults += strangers(sorted(silent), close, "no_answers.csv")
    for item, disposition in close.items():
        if disposition in CHOSEN and chosen.get(item) != CHOSEN[disposition]:
            faults.append(f"item {item} is {disposition}; its decision: {chosen.get(item, 'none')}")
        if disposition == DECIDED and item not in chosen:
            faults.append(f"item {item} is decided and has no decision")
        if (disposition in UNANSWERED) != (item in silent):
            faults.append(f"item {item} is {disposition}, which no_answers.csv contradicts")
    report.claim("Every decided item has its decision, every unanswered one is named", faults)
    return chosen


def check_assignments(package, report, close):
    assigned = set(column(package, "data/assignments.csv", "item"))
    faults = strangers(sorted(assigned), close, "assignments.csv")
    needs = set(CHOSEN) | UNANSWERED | {OPEN, DECIDED}
    asked = {item for item, disposition in close.items() if disposition in needs}
    faults += [f"item {item} was never assigned to anybody" for item in sorted(asked - assigned)]
    report.claim("Every item that needed an answer had a reviewer", faults)


def check_carried(package, report, close):
    """What was carried forward names its rule and decision, and is read access."""
    carried = {item for item, disposition in close.items() if disposition == "carried"}
    if "data/carried_forward.csv" not in package.members and not carried:
        return  # a package from before items could be carried forward
    fields = ("item", "level", "rule", "from_decision", "outcome")
    rows = pick(package, "data/carried_forward.csv", *fields)
    named = [item for item, *_ in rows]
    faults = [f"item {i} is carried forward twice" for i in repeated(named)]
    faults += strangers(sorted(named), close, "carried_forward.csv")
    for item in sorted(carried ^ set(named)):
        faults.append(f"item {item} is {close.get(item)}, which carried_forward.csv contradicts")
    for item, level, rule, decision, outcome in rows:
        if not (level == "read" and rule and decision and outcome == "keep"):
            faults.append(f"item {item} is carried forward without what allows it")
    report.claim("Every item carried forward is read access with a rule and a decision", faults)


def check_orders(package, report, campaign, close):
    orders = pick(package, "data/orders.csv", "order", "item")
    ordered = {item for _, item in orders}
    excepted = set(column(package, "data/exceptions.csv", "item"))
    faults = [f"order {o} is there twice" for o in repeated([order for order, _ in orders])]
    faults += strangers(sorted(ordered - {""}), close, "orders.csv")
    faults += strangers(sorted(excepted - {""}), close, "exceptions.csv")
    if campaign["orders_planned"]:
        ends = {item for item, disposition in close.items() if disposition in ENDS_ACCESS}
        faults += [f"item {item} was to end and has no order" for item in sorted(ends - ordered)]
    report.claim("Every decision to end access has its order", faults)


def check_files(package, report, also=()):
    faults = []
    for name in sorted(package.members):
        if name.startswith("data/raw/") and package.digest(name) != name[len("data/raw/") :]:
            faults.append(f"{name} does not hold what its name says")
    proofs = column(package, "data/orders.csv", "proof_sha256")
    wanted = [digest for cell in proofs for digest in cell.split()] + [one for one in also if one]
    sources = pick(package, "data/sources.csv", "raw_sha256", "raw_in_package")
    wanted += [digest for digest, kept in sources if kept == "yes"]
    absent = [digest for digest in wanted if "data/raw/" + digest not in package.members]
    faults += [f"proof {digest} is missing" for digest in absent]
    report.claim("Proof files are there and hold what was recorded", faults, PROOF)


def check_controls(package, report):
    files = {file for cell in column(package, "data/controls.csv", "file") for file in cell.split()}
    faults = [
        f"controls.csv names {file}, which is missing"
        for file in sorted(files)
        if file not in package.members
    ]
    report.claim("Every file that a control points at is there", faults)


def check_record(package, report, decided):
    """Each decision must have left its entry in the record."""
    mentioned, last, faults = set(), 0, []
    for entry in package.lines("data/governance.jsonl"):
        if entry["entry"] <= last:
            faults.append("entry {entry} is out of order".format(**entry))
        last = entry["entry"]
        if entry["target_type"] == "reviews.reviewitem":
            mentioned.add(str(entry["target_id"]))
    absent = sorted(set(decided) - mentioned)
    faults += [f"the decision on item {item} has no entry" for item in absent]
    report.claim("Every decision has its entry in the record", faults)


def check_review(package, report, predicate):
    campaign = package.json("data/campaign.json")
    check_counts(package, report, campaign, predicate)
    close = check_population(package, report, campaign)
    check_dispositions(report, campaign, close)
    check_assignments(package, report, close)
    decided = check_decisions(package, report, close)
    check_carried(package, report, close)
    check_orders(package, report, campaign, close)
    check_files(package, report)
    check_record(package, report, decided)
    check_controls(package, report)


def check_addendum(package, report, predicate):
    addendum = package.json("data/addendum.json")
    check_counts(package, report, addendum, predicate)
    named = DIGEST.match(addendum["adds_to_manifest_sha256"])
    faults = [] if named else ["it does not name the package that it adds to"]
    report.claim("The addendum names the package that it adds to", faults)
    check_files(package, report)


# Requests for access: what the files of such a package say together.

REQUEST, VOTE, NOTE = "approvals.accessrequest", "approvals.vote", "approvals.requestnote"
IN_PLACE = ("approved", "provisioned")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Record:
    """What the audit entries tell of requests: small, so that a long period fits into memory."""

    def __init__(self):
        self.asked, self.moves, self.ended = {}, {}, set()
        self.votes, self.notes, self.faults = {}, {}, []


def fingerprint(*values):
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def read_record(package):
    record, last = Record(), 0
    for entry in package.lines("data/governance.jsonl"):
        if entry["entry"] <= last:
            record.faults.append("entry {entry} is out of order".format(**entry))
        last = entry["entry"]
        kind, of, changes = entry["target_type"], entry["target_id"], entry["changes"]
        if kind == VOTE and entry["verb"] == VOTE + ".cast":
            said = (changes["choice"][1], str(changes["step"][1]), cell(entry["reason"]))
            record.votes[of] = fingerprint(*said)
        elif kind == NOTE and entry["verb"] == NOTE + ".written":
            record.notes[of] = fingerprint(changes["kind"][1], cell(entry["reason"]))
        elif kind == REQUEST:
            read_request_entry(record, entry, of, changes)
    return record


def read_request_entry(record, entry, of, changes):
    if entry["verb"] == REQUEST + ".submitted":
        record.asked[of] = fingerprint(changes["asked"][1], entry["reason"])
    if entry["verb"] == REQUEST + ".ended":
        record.ended.add(of)
    if "state" in changes:
        before, after = changes["state"]
        states = record.moves.setdefault(of, [])
        if states and states[-1] != before:
            record.faults.append(f"entry {entry['entry']}: request {of} was not {before}")
        states.append(sys.intern(after))


class Groups:
    """Rows of a file that is sorted by request, taken request by request, never held whole."""

    def __init__(self, package, name):
        self.name, self.strangers = name, []
        self.rows = package.rows(name) if name.endswith(".csv") else package.lines(name)
        self.row = next(self.rows, {})  # type: dict

    def of(self, request):
        taken = []
        while self.row and int(self.row["request"]) <= request:
            if int(self.row["request"]) == request:
                taken.append(self.row)
            else:
                self.strange()
            self.row = next(self.rows, {})
        return taken

    def strange(self):
        self.strangers.append(
            "{}: request {} is not listed in requests.csv".format(self.name, self.row["request"])
        )

    def end(self):
        while self.row:
            self.strange()
            self.row = next(self.rows, {})
        return self.strangers


def cell(text):
    """Text as a cell of a CSV file holds it: disarmed where a spreadsheet would run it."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def approval_digest(facts, terms):
    """What an approval is bound to: the agent's design, the permission, its scope, its time."""
    bound = {
        "design": facts["design_digest"],
        "identity": facts["identity_id"],
        "service": facts["service"],
        "level": facts["level"],
        "actions": sorted(terms["actions"]),
        "resources": sorted(terms["resources"]),
        "days": terms["days"],
    }
    text = json.dumps(bound, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def wider(terms, before):
    """Whether what was left on the table is more than what lay there before."""
    if set(terms["actions"]) - set(before["actions"]):
        return True
    if "*" not in before["resources"] and set(terms["resources"]) - set(before["resources"]):
        return True
    if before["days"] is None:
        return False
    return terms["days"] is None or terms["days"] > before["days"]


def all_places_filled(places, people):
    """Whether each place can be given to another of these people (augmenting paths)."""
    taken = {}  # type: dict

    def seat(person, tried):
        for at, may_take in enumerate(places):
            if person in may_take and at not in tried:
                tried.add(at)
                if at not in taken or seat(taken[at], tried):
                    taken[at] = person
                    return True
        return False

    return sum(seat(person, set()) for person in sorted(people)) == len(places)


class Requests:
    """One walk over all requests; what is wrong is gathered by claim."""

    FILES = (
        *("chain", "approvers", "beneficiaries", "votes", "notes"),
        *("provisioning", "policies", "grants", "proposals"),
    )
    CLAIMS = (
        ("listed", "Every request is listed once, and none is left out"),
        ("told", "Requests, votes, and answers are as the record tells of them"),
        ("bound", "Every vote that counts is bound to what was on the table in its round"),
        ("met", "What was approved was approved by enough different people who do not benefit"),
        ("placed", "What is in place has its grant and its proof, and what ended has its entry"),
    )

    def __init__(self, package, access, record):
        self.access, self.record = access, record
        self.groups = {name: Groups(package, f"data/{name}.csv") for name in self.FILES}
        self.whole = Groups(package, "data/requests.jsonl")
        self.faults = {name: [] for name, _ in self.CLAIMS}  # type: dict
        self.faults["told"] += record.faults
        self.outcomes, self.numbers, self.last = {}, hashlib.sha256(), 0

    def say(self, claim, request, text):
        self.faults[claim].append(f"request {request}: {text}")

    def walk(self, row):
        request = int(row["request"])
        if request <= self.last:
            self.say("listed", request, "it is listed twice, or out of order")
            return
        self.last = request
        self.numbers.update(b"%d\n" % request)
        self.count(row, request)
        rows = {name: group.of(request) for name, group in self.groups.items()}
        whole = self.whole.of(request)
        if len(whole) != 1 or len(rows["policies"]) != 1:
            self.say("listed", request, "it is not once in requests.jsonl and policies.csv")
            return
        self.check_told(row, request, whole[0], rows)
        self.check_votes(request, whole[0], rows)
        self.check_met(request, whole[0], rows)
        self.check_placed(row, request, rows)

    def count(self, row, request):
        ended = row["state"] == "provisioned" and row["access_ended_at"]
        outcome = "ended" if ended else row["state"]
        if row["outcome"] != outcome:
            self.say("listed", request, "its outcome is not what its state says")
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        access, day = self.access, row["submitted_at"][:10]
        if access["request"] is not None and access["request"] != request:
            self.say("listed", request, "the package is about another")
        if access["period_from"] and not access["period_from"] <= day <= access["period_to"]:
            self.say("listed", request, f"it was asked for on {day}, outside the period")
        if access["system_id"] is not None and str(access["system_id"]) != row["system_id"]:
            self.say("listed", request, "it is of another system")

    def check_told(self, row, request, facts, rows):
        record = self.record
        if record.asked.get(request) is None:
            self.say("told", request, "the record does not say that it was asked for")
        elif record.asked[request] != fingerprint(facts["asked"], facts["reason"]):
            self.say("told", request, "what was asked for, or its reason, is not as in the record")
        if row["reason"] != cell(facts["reason"]) or row["digest"] != facts["digest"]:
            self.say("told", request, "requests.csv and requests.jsonl do not agree")
        states = record.moves.get(request) or [None]
        if not states[-1] == row["state"] == facts["state"]:
            self.say("told", request, f"it is {row['state']}, and in the record {states[-1]}")
        for vote in rows["votes"]:
            said = fingerprint(vote["choice"], vote["step"], vote["reason"])
            known = record.votes.get(int(vote["vote"]))
            if known != said:
                wrong = "is not in" if known is None else "is not what is in"
                self.say("told", request, f"vote {vote['vote']} {wrong} the record")
        for note in rows["notes"]:
            said = fingerprint(note["kind"], note["text"])
            if record.notes.get(int(note["note"])) != said:
                self.say("told", request, f"note {note['note']} is not what is in the record")

    def check_votes(self, request, facts, rows):
        if facts["digest"] != approval_digest(facts, facts):
            self.say("bound", request, "its digest is not that of what is on the table")
        if wider(facts, facts["asked"]):
            self.say("bound", request, "there is more on the table than was asked for")
        before, last = facts["asked"], None
        for vote in rows["votes"]:
            named, at = "vote " + vote["vote"], int(vote["round"])
            if at > facts["round"] or (vote["counts"] == "yes") != (at == facts["round"]):
                self.say("bound", request, f"{named} is of round {at}, of {facts['round']}")
            if at != facts["round"]:
                continue
            terms = json.loads(vote["terms"])
            if vote["digest"] != approval_digest(facts, terms):
                self.say("bound", request, f"{named} is bound to something else than its terms")
            if wider(terms, before):
                self.say("bound", request, f"{named} leaves more on the table than there was")
            before, last = terms, vote
        if last is not None and last["digest"] != facts["digest"]:
            self.say("bound", request, f"vote {last['vote']} is the last, and of other terms")

    def check_met(self, request, facts, rows):
        barred = {}  # type: dict
        for one in rows["beneficiaries"]:
            barred.setdefault(one["person_id"], []).append((one["since"], one["why"]))
        asked = {}  # type: dict
        for one in rows["approvers"]:
            asked.setdefault((one["step"], one["requirement"]), set()).add(one["person_id"])
        approved, denials, voted = {}, 0, set()  # type: dict, int, set
        for vote in rows["votes"]:
            named, person = f"vote {vote['vote']} of {vote['person']}", vote["person_id"]
            for since, why in barred.get(person, ()):
                if since < vote["voted_at"]:
                    self.say("met", request, f"{named}, who benefits: {why}")
            if not any(step == vote["step"] and person in asked[step, r] for step, r in asked):
                self.say("met", request, f"{named}, whom step {vote['step']} does not ask")
            if (vote["round"], person) in voted:
                self.say("met", request, f"{named}, who voted in that round already")
            voted.add((vote["round"], person))
            if int(vote["round"]) == facts["round"]:
                denials += vote["choice"] == "deny"
                if vote["choice"] == "approve":
                    approved.setdefault(vote["step"], set()).add(person)
        if facts["state"] in IN_PLACE:
            self.check_chain(request, facts, rows, asked, approved)
        if denials >= facts["denials_end_it"] and facts["state"] in IN_PLACE:
            self.say("met", request, "enough denied it, and it is " + facts["state"])
        if facts["state"] == "denied" and denials < facts["denials_end_it"]:
            self.say("met", request, "it is denied, and not enough denied it")

    def check_chain(self, request, facts, rows, asked, approved):
        steps = {}  # type: dict
        for one in rows["chain"]:
            who = asked.get((one["step"], one["requirement"]), set())
            steps.setdefault(one["step"], []).extend([who] * int(one["count"]))
        if not steps:
            states = self.record.moves.get(request) or []
            by_rule = rows["policies"][0]["by_rule"] == "yes" and states[:2] == [
                "submitted",
                "approved",
            ]
            if facts["level"] != "read" or not by_rule:
                self.say("met", request, "nobody had to approve it, and no rule for read says so")
        for step in sorted(steps, key=int):
            if not all_places_filled(steps[step], approved.get(step, set())):
                self.say("met", request, f"step {step} is not met by different people it asks")

    def check_placed(self, row, request, rows):
        if row["state"] == "provisioned":
            granted = [one["grant"] for one in rows["grants"]]
            if not row["provisioned_at"] or not row["grant"] or granted != [row["grant"]]:
                self.say("placed", request, "it is in place, and has no grant or no time")
            if not rows["provisioning"]:
                self.say("placed", request, "it is in place, and nothing proves that")
        if bool(row["access_ended_at"]) != (request in self.record.ended):
            self.say("placed", request, "its end is not as in the record")

    def report(self, report):
        for group in (*self.groups.values(), self.whole):
            self.faults["listed"] += group.end()
        access, listed = self.access, self.faults["listed"]
        total = sum(self.outcomes.values())
        if total != access["requests"] or self.numbers.hexdigest() != access["requests_sha256"]:
            listed.append(f"{total} requests are not the {access['requests']} that were signed")
        for name, text in self.CLAIMS:
            report.claim(text, self.faults[name])


def check_missing(package, report, record):
    """Whatever the record knows of must be in the files: what is gone is named."""
    files = (
        ("requests", "request", record.asked),
        ("votes", "vote", record.votes),
        ("notes", "note", record.notes),
    )
    faults = []
    for name, field, known in files:
        there = {int(row[field]) for row in package.rows(f"data/{name}.csv")}
        gone = sorted(set(known) - there)
        faults += [f"{field} {one} is in the record and not in {name}.csv" for one in gone]
    report.claim("Every request, vote, and note of the record is in the files", faults)


def check_outcomes(report, access, found):
    said = {name: count for name, count in access["dispositions"].items() if count}
    faults = [
        f"{name}: {found.get(name, 0)} requests, and access.json says {said.get(name, 0)}"
        for name in sorted(set(said) | set(found))
        if found.get(name, 0) != said.get(name, 0)
    ]
    if sum(said.values()) != access["requests"]:
        faults.append(f"outcomes sum to {sum(said.values())}, of {access['requests']} requests")
    report.claim(f"Outcomes sum to the requests ({access['requests']})", faults)


def check_uses(package, report, access):
    faults, uses, last = [], 0, 0
    for use in package.rows("data/break_glass.csv"):
        number, uses = int(use["use"]), uses + 1
        if number <= last:
            faults.append(f"use {number} is there twice, or out of order")
        last, day = number, use["taken_at"][:10]
        if access["period_from"] and not access["period_from"] <= day <= access["period_to"]:
            faults.append(f"use {number} was taken on {day}, outside the period")
        reviewed = use["state"] == "reviewed"
        if reviewed and not (use["verdict"] and use["review"] and use["reviewed_by_id"]):
            faults.append(f"use {number} is reviewed, and nobody's word is there")
        if reviewed and use["reviewed_by_id"] == use["taken_by_id"]:
            faults.append(f"use {number} was reviewed by who took it")
        if access["status"] == "FINAL" and not reviewed:
            faults.append(f"use {number} is not reviewed, and the package says FINAL")
    if uses != access["break_glass_uses"]:
        faults.append(f"{uses} uses, and access.json says {access['break_glass_uses']}")
    report.claim("Every break-glass use is there once; nobody reviewed their own", faults)


def check_access_orders(package, report):
    requests = set(column(package, "data/requests.csv", "request")) | {""}
    uses = set(column(package, "data/break_glass.csv", "use")) | {""}
    orders = pick(package, "data/orders.csv", "order", "request", "break_glass")
    faults = [f"order {o} is there twice" for o in repeated([order for order, _, _ in orders])]
    for order, request, use in orders:
        if request not in requests or use not in uses:
            faults.append(f"order {order} is of a request or use that is not listed")
    report.claim("Every order belongs to what is listed", faults)


def check_access(package, report, predicate):
    """A package of one request, or of those of a period."""
    access = package.json("data/access.json")
    check_counts(package, report, access, predicate)
    record = read_record(package)
    requests = Requests(package, access, record)
    unfinished = 0
    for row in package.rows("data/requests.csv"):
        requests.walk(row)
        running = row["state"] == "provisioned" and not row["access_ended_at"]
        unfinished += running or row["state"] in ("submitted", "pending", "approved")
    requests.report(report)
    check_outcomes(report, access, requests.outcomes)
    check_missing(package, report, record)
    early = unfinished and access["status"] != "INTERIM"
    faults = [f"{unfinished} are open or in place, and it does not say INTERIM"] if early else []
    report.claim("It says INTERIM while anything in it is still to come", faults)
    check_uses(package, report, access)
    check_access_orders(package, report)
    check_files(package, report, column(package, "data/provisioning.csv", "file_sha256"))
    check_controls(package, report)


# Incidents: what a killed credential did, and what was done about it.

INCIDENT, ORDER, LEAK = "remediation.incident", "remediation.order", "remediation.leak"
LEAKED = LEAK + ".reported"
STEPS_TOLD = {ORDER + ".step_done": 1, ORDER + ".step_undone": 0}
ORDER_GONE = {"verified", "confirmed", "not_applicable"}
ORDER_SETTLED = ORDER_GONE | {"exception", "rolled_back"}
CALL_TEXT = ("address", "service", "name", "resource", "error", "client", "event_id")
TRUTH = {None: "", True: "yes", False: "no"}


class Handling:
    """What the audit entries tell of an incident, its orders, and its leaks."""

    def __init__(self):
        self.moves, self.reasons, self.confirmed, self.steps = {}, {}, {}, set()
        self.leaks, self.state, self.faults = {}, None, []


def read_handling(package, incident):
    told, last = Handling(), 0
    for entry in package.lines("data/governance.jsonl"):
        if entry["entry"] <= last:
            told.faults.append("entry {entry} is out of order".format(**entry))
        last = entry["entry"]
        if entry["target_type"] == ORDER:
            read_order_entry(told, entry)
        elif entry["target_type"] == INCIDENT and entry["target_id"] == incident["incident"]:
            told.state = entry["changes"].get("state", [None, told.state])[1]
        elif entry["verb"] == LEAKED:
            told.leaks[entry["changes"]["leak"][1]] = cell(entry["changes"]["found_at"][1])
    return told


def read_order_entry(told, entry):
    order, changes, verb = entry["target_id"], entry["changes"], entry["verb"]
    if verb in STEPS_TOLD:
        title = changes["step"][STEPS_TOLD[verb]]
        told.steps.add(fingerprint(order, STEPS_TOLD[verb], cell(title), cell(entry["reason"])))
    if verb == ORDER + ".kill_confirmed":
        told.confirmed[order] = str(changes["confirmed_by"][1])
    if "state" in changes:
        if order not in told.moves:
            told.reasons[order] = fingerprint(cell(entry["reason"]))
        told.moves[order] = sys.intern(changes["state"][1])


def check_calls(package, report, incident):
    """Calls are alike in both files, sum by address, and are as many as was signed."""
    faults, by_address, seen = [], {}, set()  # type: list, dict, set
    digest, count, cells = hashlib.sha256(), 0, package.rows("data/calls.csv")
    for call in package.lines("data/calls.jsonl"):
        number, count = call["call"], count + 1
        digest.update((call["event_id"] + "\n").encode("utf-8", "surrogatepass"))
        if not same_call(call, next(cells, {})):
            faults.append(f"call {number} is not alike in calls.csv and calls.jsonl")
        if call["event_id"] in seen:
            faults.append(f"call {number} is there twice")
        if call["at"] < incident["exposed_since"]:
            faults.append(f"call {number} was made at {call['at']}, before the exposure")
        seen.add(call["event_id"])
        sums = by_address.setdefault(cell(call["address"]), [0, 0, 0, call["at"], call["at"]])
        sums[0] += 1
        sums[1] += call["read_only"] is not True
        sums[2] += bool(call["error"])
        sums[3], sums[4] = min(sums[3], call["at"]), max(sums[4], call["at"])
    faults += ["calls.csv holds a call that calls.jsonl does not"] if next(cells, {}) else []
    if count != incident["calls"] or digest.hexdigest() != incident["calls_sha256"]:
        faults.append(f"{count} calls are not the {incident['calls']} that were signed")
    report.claim("Every call is listed once, as the system's log numbers it", faults)
    check_addresses(package, report, by_address)


def same_call(call, row):
    """Whether a row of calls.csv says what the line of calls.jsonl does."""
    if row.get("call") != str(call["call"]) or row["read_only"] != TRUTH[call["read_only"]]:
        return False
    at = row["at"].replace("+00:00", "Z")
    return at == call["at"] and all(row[name] == cell(call[name]) for name in CALL_TEXT)


def check_addresses(package, report, by_address):
    faults, named = [], set()  # type: list, set
    for row in package.rows("data/addresses.csv"):
        times = [row[name].replace("+00:00", "Z") for name in ("first_at", "last_at")]
        said = [int(row["calls"]), int(row["changing"]), int(row["refused"]), *times]
        if by_address.get(row["address"]) != said:
            faults.append(f"{row['address'] or 'an address not told'}: its calls are not these")
        named.add(row["address"])
    faults += [f"{one} is missing from addresses.csv" for one in sorted(set(by_address) - named)]
    report.claim("Calls sum up by address", faults)


def check_handled(package, report, incident, told):
    """Orders, steps, and confirmations are as the record tells; none is left out."""
    faults, orders = list(told.faults), {}  # type: list, dict
    for row in package.rows("data/orders.csv"):
        order = int(row["order"])
        if order in orders:
            faults.append(f"order {order} is there twice")
        orders[order] = row["state"]
        faults += [f"order {order}: {text}" for text in order_faults(row, order, told)]
    gone = sorted(set(told.moves) - set(orders))
    faults += [f"order {order} is in the record and not in orders.csv" for order in gone]
    if incident["order"] not in orders:
        faults.append("the kill that opened the incident is not in orders.csv")
    for row in package.rows("data/steps.csv"):
        faults += step_faults(row, orders, told)
    report.claim("Orders, their steps, and the system's answers are as the record tells", faults)
    return orders


def order_faults(row, order, told):
    faults = []
    if told.moves.get(order) != row["state"]:
        faults.append(f"it is {row['state']}, and in the record {told.moves.get(order)}")
    if told.reasons.get(order) != fingerprint(row["reason"]):
        faults.append("its reason is not as in the record")
    if told.confirmed.get(order, "") != row["confirmed_by_id"]:
        faults.append("who confirmed it is not as in the record")
    if row["confirmed_by_id"] and row["confirmed_by_id"] == row["decided_by_id"]:
        faults.append("it was confirmed by who decided it")
    if row["state"] in ("verified", "confirmed") and not row["verified_at"]:
        faults.append("it is verified, and does not say when")
    return faults


def step_faults(row, orders, told):
    order, step = int(row["order"]), "order {order}, step {step}".format(**row)
    if order not in orders:
        return [step + " is of no order that is listed"]
    if row["status"] not in ("done", "undone"):
        return []
    done = int(row["status"] == "done")
    known = fingerprint(order, done, row["title"], row["said"]) in told.steps
    return [] if known else [step + ": what the system answered is not as in the record"]


def check_made(package, report, incident, orders):
    faults, found, seen = [], {}, set()  # type: list, dict, set
    for row in package.rows("data/made.csv"):
        one = (row["kind"], row["name"])
        if one in seen:
            faults.append("{kind} {name} is there twice".format(**row))
        seen.add(one)
        outcome = outcome_of_made(row, orders)
        if row["outcome"] != outcome:
            faults.append(f"{row['kind']} {row['name']} is {outcome}, not {row['outcome']}")
        found[row["outcome"]] = found.get(row["outcome"], 0) + 1
    if found != incident["dispositions"]:
        faults.append(f"{found} was made, and incident.json says {incident['dispositions']}")
    report.claim("What was made with it is listed once, with what became of it", faults)
    return found


def outcome_of_made(row, orders):
    if not row["order"]:
        return "left" if row["steps"] else "by_hand"
    state = orders.get(int(row["order"]))
    if state is None:
        return "of an order that is not listed"
    if state == "rolled_back":
        return "put_back"
    return "taken_back" if state in ORDER_GONE else "ordered"


def check_leaks(package, report, told):
    faults, there = [], set()  # type: list, set
    for row in package.rows("data/leaks.csv"):
        there.add(int(row["leak"]))
        if told.leaks.get(int(row["leak"])) != row["found_at"]:
            faults.append("leak {leak} is not as in the record".format(**row))
    gone = sorted(set(told.leaks) - there)
    faults += [f"leak {leak} is in the record and not in leaks.csv" for leak in gone]
    report.claim("Every report of a leak is listed, as in the record", faults)


def check_over(package, report, incident, told, orders):
    """Who says FINAL has nothing open."""
    faults = []
    if told.state != incident["state"]:
        faults.append(f"the incident is {incident['state']}, and in the record {told.state}")
    if incident["status"] == "FINAL":
        faults += ["the incident is open"] if incident["state"] != "closed" else []
        waits = sorted(order for order, state in orders.items() if state not in ORDER_SETTLED)
        faults += [f"order {order} is not settled" for order in waits]
        for row in package.rows("data/orders.csv"):
            if row["kind"] == "kill" and row["state"] != "rolled_back" and not row["confirmed_at"]:
                faults.append("nobody confirmed the kill {order}".format(**row))
    report.claim("It says INTERIM while anything in it is still to come", faults)


def check_index(package, report, incident, made):
    """The index holds every call and everything made, in the order of time."""
    faults, found, last = [], {}, ""  # type: list, dict, str
    for row in package.rows("data/index.csv"):
        if row["at"] < last:
            faults.append("{at} {what} is out of order".format(**row))
        last = row["at"]
        found[row["what"]] = found.get(row["what"], 0) + 1
    for what, count in (("call", incident["calls"]), ("made", sum(made.values()))):
        if found.get(what, 0) != count:
            faults.append(f"index.csv holds {found.get(what, 0)} of {count}: {what}")
    report.claim("The index holds all of it in the order of time", faults)


def check_incident(package, report, predicate):
    """A package of an incident."""
    incident = package.json("data/incident.json")
    check_counts(package, report, incident, predicate)
    told = read_handling(package, incident)
    check_calls(package, report, incident)
    orders = check_handled(package, report, incident, told)
    made = check_made(package, report, incident, orders)
    check_leaks(package, report, told)
    check_over(package, report, incident, told, orders)
    check_index(package, report, incident, made)
    check_files(package, report)
    check_controls(package, report)


# The logs: records as the exact lines that were sealed, and what proves that they stand there.

LOGS, LOG_KEYS, FOLDER = "data/proof/logs.json", "data/keys/logs.txt", "data/proof/"
EVENTS, PAYLOADS, INDEX = "data/events.jsonl", "data/payloads.jsonl", "data/index.csv"
OCSF, OCSF_RECORD = "data/ocsf.jsonl", "data/ocsf_governance.jsonl"
# API Activity, and Authentication; Entity Management, and User Access Management.
OCSF_CLASSES, OCSF_OF_RECORD = (6003, 3002), (3004, 3005)
ENTRIES = "data/proof/governance/entries.jsonl"
LARGEST_SIZE = 2**63
OF_A_LOG = re.compile(r"log (\S+) ([0-9]{1,19}) ([A-Za-z0-9+/]{43}=)\Z")
OF_A_PACKAGE = re.compile(r"\S+/[0-9]+ [0-9a-f]{64}\Z")
ROOT_LINE = re.compile(r"[A-Za-z0-9+/]{43}=\Z")


class Unproven(Exception):
    """A proof does not lead where it must; the message says why."""


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def rebuild(size, leaves, hashes):
    """The root of a tree of which some leaves are known, and one hash of each other part.

    `leaves` gives (index, hash) in order; `hashes` gives those of the other parts, from the left.
    """
    sha256 = hashlib.sha256
    ahead = [next(leaves, None)]

    def walk(start, end):
        leaf = ahead[0]
        if leaf is None or leaf[0] >= end:
            part = next(hashes, None)
            if part is None:
                raise Unproven("there are too few hashes")
            return part
        if end - start == 1:
            ahead[0] = next(leaves, None)
            return leaf[1]
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        left = walk(start, middle)
        return sha256(b"\x01" + left + walk(middle, end)).digest()

    root = walk(0, size)
    if ahead[0] is not None:
        raise Unproven(f"record {ahead[0][0]} lies beyond the log of {size}")
    if next(hashes, None) is not None:
        raise Unproven("there are too many hashes")
    return root


def climb(at, last, proof):
    """Each hash of a proof on the way to the root, and whether it stands on the left."""
    for one in proof:
        if last == 0:
            raise Unproven("the proof is too long")
        is_left = bool(at & 1) or at == last
        while is_left and at and not at & 1:
            at, last = at >> 1, last >> 1
        yield one, is_left
        at, last = at >> 1, last >> 1
    if last:
        raise Unproven("the proof is too short")


def prove_consistency(old, old_root, new, new_root, proof):
    """Raise unless the tree of `new` leaves begins with that of `old` (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        raise Unproven(f"the log has {new} records, and had {old}")
    if old == new:
        if proof or old_root != new_root:
            raise Unproven(f"there are two logs of {old} records")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path or not proof:
        raise Unproven("the proof is too short")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for one, is_left in climb(at, last, path[1:]):
        before = node_hash(one, before) if is_left else before
        after = node_hash(one, after) if is_left else node_hash(after, one)
    if before != old_root or after != new_root:
        raise Unproven(f"the log of {new} does not begin with that of {old}")


def read_log_keys(text):
    """Verifier keys of logs from countersign-log.json or logs.txt; None if it holds none."""
    if text.lstrip().startswith("{"):
        named = json.loads(text).get("logs")
        return None if named is None else [one["vkey"] for one in named]
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def note_faults(note, log, vkeys):
    """Faults of a checkpoint: it must be this log's, and signed with a key known for it."""
    text, cut, signatures = note.rpartition("\n\n")
    text += "\n"
    if not cut or text.split("\n")[:3] != [log["origin"], str(log["size"]), log["root"]]:
        return ["the checkpoint is of another log, size, or root"]
    known = {}
    for line in vkeys:
        name, short, data = line.split("+", 2)
        raw = base64.b64decode(data, validate=True)
        right = hashlib.sha256(name.encode("utf-8") + b"\n" + raw).digest()[:4]
        if name == log["origin"] and raw[:1] == b"\x01" and right.hex() == short:
            known[right] = raw[1:]
    for line in signatures.splitlines():
        name, data = line[2:].split(" ")
        raw = base64.b64decode(data, validate=True)
        if line[:2] == "\u2014 " and name == log["origin"] and raw[:4] in known:
            if ed25519_verify(known[raw[:4]], text.encode("utf-8"), raw[4:]):
                return []
            return ["the signature is not of this checkpoint"]
    return ["it was signed with a key that is not known"]


def read_runs(package, name):
    """Which records are included: runs of them, first and last, in order."""
    before = -1
    for line in package.raw(name):
        first, last = (int(one) for one in line.split(b"-"))
        if not before < first <= last < LARGEST_SIZE:
            raise Unproven(f"{name} is out of order at {first}")
        before = last
        yield first, last


def read_hidden(package, name):
    """Which records are left out, each with its hash."""
    if name not in package.members:
        return
    before = -1
    for line in package.raw(name):
        index, digest = line.split(b" ")
        if not before < int(index) < LARGEST_SIZE or len(digest) != 64:
            raise Unproven(f"{name} is out of order at {int(index)}")
        before = int(index)
        yield before, bytes.fromhex(digest.decode("ascii"))


class Leaves:
    """The leaves of a log that a package knows, in order, each shown to `see` as it passes."""

    def __init__(self, package, log, see):
        self.package, self.log, self.see = package, log, see
        self.folder = FOLDER + log["log"] + "/"
        self.included = self.excluded = 0
        self.first = self.last = None
        self.reading = []  # type: list

    def __iter__(self):
        sha256, before = hashlib.sha256, -1
        lines = self.package.raw(self.log["file"])
        hidden = read_hidden(self.package, self.folder + "excluded.txt")
        self.reading += [lines, hidden]
        out = next(hidden, None)
        for first, last in read_runs(self.package, self.folder + "included.txt"):
            while out is not None and out[0] < first:
                before = self.mark(out[0], before)
                self.excluded += 1
                yield out
                out = next(hidden, None)
            for index in range(first, last + 1):
                line = next(lines, None)
                if line is None:
                    raise Unproven("{file} has fewer lines than records".format(**self.log))
                if index <= before:
                    raise Unproven(f"record {index} is there twice")
                before = index
                self.see(index, line)
                yield index, sha256(b"\x00" + line).digest()
            self.mark(first, -1)
            self.mark(last, -1)
            self.included += last - first + 1
            if out is not None and out[0] <= last:
                raise Unproven(f"record {out[0]} is both included and left out")
        while out is not None:
            before = self.mark(out[0], before)
            self.excluded += 1
            yield out
            out = next(hidden, None)
        if next(lines, None) is not None:
            raise Unproven("{file} has more lines than records".format(**self.log))

    def mark(self, index, before):
        if index <= before:
            raise Unproven(f"record {index} is there twice")
        self.first = index if self.first is None else self.first
        self.last = index
        return index

    def hashes(self):
        with self.package.open(self.folder + "hashes.bin") as member:
            reader = io.BufferedReader(member, CHUNK)
            for part in iter(lambda: reader.read(32), b""):
                yield part


def check_log(package, report, log, vkeys, see):
    """The checkpoint's signature, each record's place under it, and what is left out."""
    name, folder = log["log"], FOLDER + log["log"] + "/"
    if log["unsigned"]:
        report.note(f"{log['unsigned']} records are newer than the last checkpoint of {name}.")
    if log["size"] is None:
        return False
    try:
        faults = note_faults(package.text(folder + "checkpoint.txt"), log, vkeys)
    except (Unreadable, *MALFORMED) as error:
        faults = [f"it cannot be read: {error}"]
    report.claim(f"The checkpoint of the log {name} is signed by its key", faults, SIGNATURE)
    leaves = Leaves(package, log, see)
    known, hashes, faults = iter(leaves), leaves.hashes(), []
    try:
        root = base64.b64decode(log["root"], validate=True)
        if rebuild(log["size"], known, hashes) != root:
            faults = ["records and hashes do not lead to the root that was signed"]
    except (Unreadable, Unproven, *READ_ERRORS, *MALFORMED) as error:
        faults = [str(error)]
    for one in (hashes, known, *leaves.reading):
        one.close()
    text = f"Its {log['included']} records stand in the log {name} as it was signed"
    report.claim(f"{text}, at {log['size']}", faults, PROOF)
    if not faults:
        check_range(report, log, leaves)
    check_continuity(package, report, log)
    return not faults


def check_range(report, log, leaves):
    faults = []
    if (leaves.included, leaves.excluded) != (log["included"], log["excluded"]):
        faults.append(f"{leaves.included} are included, and {leaves.excluded} left out")
    if log["from"] is None:
        text = "It holds the {included} records of the log {log} that it says it holds".format(
            **log
        )
        report.claim(text, faults)
        return
    span = log["until"] - log["from"]
    if leaves.included + leaves.excluded != span or (
        span and (leaves.first, leaves.last) != (log["from"], log["until"] - 1)
    ):
        faults.append("it does not account for every record of the range")
    text = (
        "Of the log {log}, every record from {from} up to {until} is there, or counted as left out"
    )
    report.claim(f"{text.format(**log)} ({log['excluded']})", faults)


def read_earlier(package, log):
    """Checkpoints of earlier packages, with the proof that the log goes on from each."""
    name, earlier = FOLDER + log["log"] + "/consistency.txt", []  # type: str, list
    if name in package.members:
        for line in package.text(name).splitlines():
            if line.startswith("from "):
                _, size, root = line.split(" ")
                earlier.append((int(size), base64.b64decode(root, validate=True), []))
            else:
                earlier[-1][2].append(base64.b64decode(line, validate=True))
    return earlier


def check_continuity(package, report, log):
    faults, earlier = [], []  # type: list, list
    try:
        root = base64.b64decode(log["root"], validate=True)
        earlier = read_earlier(package, log)
        for size, old, proof in earlier:
            prove_consistency(size, old, log["size"], root, proof)
    except (Unreadable, Unproven, *MALFORMED) as error:
        faults.append(str(error))
    if earlier or faults:
        of = "1 earlier package" if len(earlier) == 1 else f"{len(earlier)} earlier packages"
        text = f"The log {log['log']} goes on from the checkpoints of {of}"
        report.claim(text, faults, PROOF)


def known_logs(known):
    """Checkpoints noted before: lines of ours, or signed notes as they are."""
    lines = [line.strip() for line in known.splitlines()]
    found = [match.groups() for match in map(OF_A_LOG.match, lines) if match]
    for at in range(len(lines) - 2):
        origin, size, root = lines[at : at + 3]
        if origin and re.match(r"[0-9]{1,19}\Z", size) and ROOT_LINE.match(root):
            found.append((origin, size, root))
    return [(origin, int(size), root) for origin, size, root in found]


def check_known_logs(package, report, known, logs):
    """A log signed before must still be the same one, grown at its end alone."""
    inconsistent, unknown, count = [], [], 0  # type: list, list, int
    for origin, size, root in known_logs(known):
        for log in logs:
            if log["origin"] != origin or log["size"] is None:
                continue
            count += 1
            earlier = {
                one: base64.b64encode(old).decode() for one, old, _ in read_earlier(package, log)
            }
            if size == log["size"]:
                inconsistent += [] if root == log["root"] else [f"the log of {size} is another one"]
            elif size in earlier:
                same = root == earlier[size]
                inconsistent += [] if same else [f"the log of {size} was another one"]
            elif size > log["size"]:
                unknown.append(f"the checkpoint noted is newer: {size} records, not {log['size']}")
            else:
                unknown.append(f"the package holds no proof from a checkpoint of {size} records")
    if count:
        report.claim("Its logs are those noted before", inconsistent, CHECKPOINT)
    if unknown:
        report.claim("Its logs can be compared with those noted before", unknown)


class Sealed:
    """Audit entries as they were sealed, compared with those that the package tells."""

    def __init__(self, package):
        self.told, self.faults = {}, []
        for entry in package.lines("data/governance.jsonl"):
            self.told[entry["entry"]] = self.said(entry, entry["actor_id"], entry["request_id"])

    def said(self, entry, actor, request):
        return fingerprint(
            entry["occurred_at"][:19],
            *(actor, request, entry["actor_label"], entry["channel"], entry["verb"]),
            *(entry["target_type"], entry["target_id"], entry["target_label"]),
            *(entry["changes"], entry["reason"]),
        )

    def see(self, index, line):
        try:
            entry = json.loads(line.decode("utf-8"))
            told = self.told.pop(entry["entry"], None)
            if told is None:
                self.faults.append("entry {entry} is sealed and not in the record".format(**entry))
            elif told != self.said(entry, entry["actor"], entry["request"]):
                self.faults.append("entry {entry} says other than what was sealed".format(**entry))
        except MALFORMED as error:
            self.faults.append(f"the sealed line of record {index} cannot be read: {error!r}")

    def check(self, report, log):
        report.claim("The audit entries say what was sealed", self.faults, PROOF)
        faults = []
        if len(self.told) != log["unsigned"]:
            faults = [f"{len(self.told)} entries are not sealed, not {log['unsigned']}"]
        report.claim("No audit entry was put in or left out", faults)


def check_logs(package, report, predicate, keys):
    """Every log that a package proves something of; returns them."""
    if LOGS not in package.members:
        if "logs" in predicate:
            report.claim("The logs that were signed are there", [LOGS + " is missing"], PROOF)
        return []
    text = "The logs that were signed are there"
    try:
        logs = package.json(LOGS)["logs"]
        if "logs" in predicate and predicate["logs"] != logs:
            report.claim(text, ["the signed statement tells of other logs"], PROOF)
        vkeys = None if keys is None else read_log_keys(keys)
        if vkeys is None:
            vkeys = read_log_keys(package.text(LOG_KEYS))
            report.note("The keys of the logs came out of the package.")
        for log in logs:
            if log["log"] == "governance":
                sealed = Sealed(package)
                if check_log(package, report, log, vkeys, sealed.see) or log["size"] is None:
                    sealed.check(report, log)
            elif log["log"] == "activity":
                check_events(package, report, log, vkeys)
            else:
                raise ValueError("there is no log {log}".format(**log))
    except Unreadable as error:
        report.claim(text, [str(error)], INCOMPLETE)
        return []
    except MALFORMED as error:
        report.claim(text, [f"a file is not as it must be: {error!r}"], INCOMPLETE)
        return []
    return logs


# What agents did: records of the trail, their words, and what they are joined to.

LADDER = {
    "request-id": "5",
    "carried-id": "4",
    "session": "3",
    "credential-window": "2",
    "principal-window": "1",
}
DEEDS = ("action", "call")
SCAN = getattr(json.JSONDecoder(), "scan_once")  # noqa: B009


def json_of(line):
    """The object of one line, which is nothing else."""
    text = line.decode("utf-8")
    try:
        value, end = SCAN(text, 0)
    except StopIteration as error:
        raise ValueError("it is not JSON") from error
    if end != len(text):
        raise ValueError("something stands behind the object")
    return value


class Events:
    """One walk over all records, beside their payloads, their rows of the index, and links."""

    def __init__(self, package, log):
        self.trail, self.log = package.json("data/trail.json"), log
        self.faults = {"words": [], "index": [], "links": [], "subject": []}  # type: dict
        self.payloads = package.raw(PAYLOADS)
        self.index = package.table(INDEX, OF_INDEX)
        self.ocsf = package.raw(OCSF) if OCSF in self.trail["counts"] else None
        self.kinds, self.states = {}, {}  # type: dict, dict
        self.calls, self.deeds = set(), set()  # type: set, set
        for row in package.rows("data/links.csv"):
            self.link(row)
        self.joined = set(self.calls)
        self.identities = set()  # type: set
        if self.trail["about"] == "agent":
            rows = package.rows("data/bindings.csv")
            self.identities = {int(row["identity_id"]) for row in rows}

    def link(self, row):
        self.calls.add(int(row["call_leaf"]))
        if row["action_leaf"] and int(row["action_leaf"]) < self.log["size"]:
            told = int(row["action_leaf"])
            if self.log["from"] is None or self.log["from"] <= told < self.log["until"]:
                self.deeds.add(told)
        rung = LADDER.get(row["method"], "")
        # One that names its run is contested where the run's agent does not act as the identity.
        if row["confidence"] != rung and (row["confidence"] != "0" or rung < "3"):
            self.say("links", "call {call_leaf} is joined by {method}: {confidence}".format(**row))

    def say(self, what, text):
        self.faults[what].append(text)

    def see(self, index, line):
        try:
            header = json_of(line)
            kind = header["kind"]
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
            state = self.words(index, header["payload"]) if "payload" in header else ""
            self.row(index, header, kind, state)
            if self.ocsf is not None:
                self.other(index, header, json_of(next(self.ocsf, b"{}")))
            if kind == "api":
                self.calls.discard(index)
            elif kind in DEEDS:
                self.deeds.discard(index)
            self.subject(index, header, kind)
        except MALFORMED as error:
            self.say("subject", f"record {index} cannot be read: {error!r}")

    def words(self, index, commitment):
        """What the package tells of a record's payload: its words, or why they are not there."""
        line = next(self.payloads, b"{}")
        if line == b'{"i":%d,"redacted":true}' % index:
            self.states["redacted"] = self.states.get("redacted", 0) + 1
            return "redacted"
        told = json_of(line)
        if told.get("i") != index:
            self.say("words", f"record {index} has a payload that is not listed")
            return ""
        if "body" in told:
            salt, body = bytes.fromhex(told["salt"]), told["body"].encode("utf-8")
            if hmac.new(salt, body, "sha256").hexdigest() != commitment:
                self.say("words", f"record {index}: its words are not those that were sealed")
        state = next((one for one in ("body", "erased", "redacted", "absent") if one in told), "")
        state = "included" if state == "body" else state
        self.states[state] = self.states.get(state, 0) + 1
        return state

    def row(self, index, header, kind, state):
        row, whose, get = next(self.index, None), header.get("whose", {}), header.get
        said = (
            *(str(index), kind, get("name", ""), get("target", ""), get("outcome", "")),
            *(get("trace", ""), whose.get("agent", ""), whose.get("identity", "")),
            *(whose.get("system", ""), state),
        )
        if row != said and row != tuple(map(cell, said)):
            self.say("index", f"record {index} is not what the index says")

    def other(self, index, header, told):
        """The same record as OCSF has it."""
        said = [told.get("class_uid"), told.get("metadata", {}).get("uid")]
        said += [told.get("api", {}).get("operation"), told.get("trace", {}).get("uid")]
        right = [str(index), header.get("name") or "Unknown", header.get("trace")]
        if said[0] not in OCSF_CLASSES or said[1:] != right:
            self.say("index", f"record {index} is not what ocsf.jsonl says")

    def subject(self, index, header, kind):
        about = self.trail["about"]
        if about == "invocation":
            right = (
                index in self.joined if kind == "api" else header["trace"] == self.trail["trace"]
            )
        elif about == "agent" and kind == "api":
            as_itself = header.get("whose", {}).get("identity_id") in self.identities
            right = index in self.joined or as_itself
        elif about == "agent":
            right = header.get("whose", {}).get("agent_id") == self.trail["agent"]
        else:
            right = True
        if not right:
            self.say("subject", f"record {index} is of something else")

    def finish(self):
        if next(self.payloads, None) is not None:
            self.say("words", "payloads.jsonl tells of records that are not there")
        if self.states != self.trail["payloads"]:
            self.say("words", f"{self.states}, and trail.json says {self.trail['payloads']}")
        if next(self.index, None) is not None:
            self.say("index", "the index tells of records that are not there")
        if self.ocsf is not None and next(self.ocsf, None) is not None:
            self.say("index", "ocsf.jsonl tells of records that are not there")
        self.faults["links"] += [f"call {one} is no API call in here" for one in sorted(self.calls)]
        self.faults["links"] += [f"action {one} is not in here" for one in sorted(self.deeds)]
        counts, found = self.trail["counts"], sum(self.kinds.values())
        if [counts[EVENTS], counts[INDEX], counts[PAYLOADS]] != [
            *(found, found, sum(self.states.values())),
        ]:
            self.say("subject", "there are not as many as trail.json says")
        if self.kinds != self.trail["records"]:
            self.say("subject", f"{self.kinds}, and trail.json says {self.trail['records']}")


# Columns of the index that are compared with the sealed line, in this order.
OF_INDEX = (
    *("leaf", "kind", "name", "target", "outcome", "trace"),
    *("agent", "identity", "system", "payload"),
)


class Seen:
    """What a trail recorded of an incident's credential: calls since it was exposed, no words."""

    def __init__(self, package):
        self.incident = package.json("data/incident.json")
        self.payloads = package.raw(PAYLOADS)
        self.since = nanoseconds(self.incident["exposed_since"])
        self.found, self.states, self.faults = 0, {}, []  # type: int, dict, list

    def see(self, index, line):
        self.found += 1
        try:
            header = json_of(line)
            with_it = header.get("whose", {}).get("credential_id") == self.incident["credential"]
            if header["kind"] != "api" or not with_it or header["happened"] < self.since:
                self.faults.append(f"record {index} is of something else")
            if "payload" in header:
                told = json_of(next(self.payloads, b"{}"))
                state = next((one for one in ("erased", "redacted", "absent") if one in told), "")
                self.states[state] = self.states.get(state, 0) + 1
                if told.get("i") != index or not state:
                    self.faults.append(f"record {index} has a payload that is not listed")
        except MALFORMED as error:
            self.faults.append(f"record {index} cannot be read: {error!r}")

    def finish(self):
        told = [self.incident["counts"][EVENTS], self.incident["records"].get("api", 0)]
        if next(self.payloads, None) is not None:
            self.faults.append("payloads.jsonl tells of records that are not there")
        if told != [self.found, self.found] or self.states != self.incident["payloads"]:
            self.faults.append("there are not as many as incident.json says")


def nanoseconds(text):
    """A time of incident.json since 1970; only whole microseconds are told."""
    moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    return (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000


def check_seen(package, report, log, vkeys):
    """The records of an incident: of that credential, since its exposure."""
    seen = Seen(package)
    if check_log(package, report, log, vkeys, seen.see):
        seen.finish()
        report.claim("The sealed records are the credential's, since the exposure", seen.faults)
    seen.payloads.close()


def check_events(package, report, log, vkeys):
    if "data/trail.json" not in package.members and "data/incident.json" in package.members:
        check_seen(package, report, log, vkeys)
        return
    events = Events(package, log)
    is_proven = check_log(package, report, log, vkeys, events.see)
    if is_proven:
        events.finish()
    for one in (events.payloads, events.index, events.ocsf):
        if one is not None:
            one.close()
    if not is_proven:
        return
    text = "The words of each record are those it commits to, or are listed as not in here"
    report.claim(text, events.faults["words"], HASH)
    report.claim("The records are of what the package is about", events.faults["subject"])
    report.claim("The index says what the records say", events.faults["index"])
    report.claim("API calls are joined as the ladder has it", events.faults["links"])


def check_told_entries(package, report):
    """Each entry of the record is told once more as an OCSF event, in the same order."""
    faults, told = [], package.lines(OCSF_RECORD)
    for entry in package.lines("data/governance.jsonl"):
        event = next(told, {})  # type: dict
        said = event.get("metadata", {}).get("uid"), event.get("unmapped", {}).get("verb")
        if event.get("class_uid") not in OCSF_OF_RECORD:
            faults.append("entry {entry} is of another class".format(**entry))
        elif said != (str(entry["entry"]), entry["verb"]):
            faults.append("entry {entry} is not what the OCSF event says".format(**entry))
    report.claim("The OCSF events of the record say what its entries say", faults)


def check_trail(package, report, predicate):
    """A package of what agents did; its records are checked with their log."""
    trail = package.json("data/trail.json")
    check_counts(package, report, trail, predicate)
    faults = []
    logs = {log["log"] for log in package.json(LOGS)["logs"]} if LOGS in package.members else set()
    if trail["records"] and "activity" not in logs:
        faults.append("nothing proves its records")
    if predicate.get("about") not in (None, trail["about"]):
        faults.append("the signed statement is about something else")
    report.claim("It says what it is about, and how that is proven", faults)
    if OCSF_RECORD in trail["counts"]:
        check_told_entries(package, report)
    check_controls(package, report)


def check_content(package, report, predicate):
    text = "The files can be read together"
    check = check_addendum if "data/addendum.json" in package.members else check_review
    if "data/access.json" in package.members:
        check = check_access
    if "data/incident.json" in package.members:
        check = check_incident
    if "data/trail.json" in package.members:
        check = check_trail
    try:
        check(package, report, predicate)
    except Unreadable as error:
        report.claim(text, [str(error)], INCOMPLETE)
    except MALFORMED as error:
        report.claim(text, [f"a file is not as it must be: {error!r}"], INCOMPLETE)


def checkpoint(package, predicate):
    """One line by which a package is known again: which one it is, and its manifest's digest."""
    return "{package}/{number} ".format(**predicate) + package.digest(MANIFEST)


def check_known(package, report, known, predicate):
    """A package seen before must still be the same one."""
    faults = []
    try:
        line = checkpoint(package, predicate)
        noted = [text.strip() for text in known.splitlines() if text.strip()]
        if line not in noted:
            faults.append(f"it is {line}; noted was {noted[0] if noted else 'nothing'}")
    except (Unreadable, KeyError) as error:
        faults.append(f"it does not say which package it is: {error}")
    report.claim("It is the package noted before", faults, CHECKPOINT)


def check_noted(package, report, known, predicate, logs):
    """What was noted before: a package, the logs it stands in, or both."""
    noted = [text.strip() for text in known.splitlines()]
    if any(map(OF_A_PACKAGE.match, noted)) or not known_logs(known):
        check_known(package, report, known, predicate)
    try:
        check_known_logs(package, report, known, logs)
    except (Unreadable, *MALFORMED) as error:
        report.claim(
            "Its logs are those noted before", [f"they cannot be read: {error}"], CHECKPOINT
        )


# One record alone: a C2SP tlog-proof, whose extra data is the exact line that was sealed.


def read_alone(text):
    """Index, exact line, proof, and checkpoint of a tlog-proof."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")[1:]
    if not lines or not lines[0].startswith("extra "):
        raise ValueError("it does not hold the record itself")
    index = re.match(r"index (0|[1-9][0-9]{0,18})\Z", lines[1] if len(lines) > 1 else "")
    if index is None:
        raise ValueError("it does not say where the record stands")
    proof = [base64.b64decode(line, validate=True) for line in lines[2:]]
    if any(len(one) != 32 for one in proof):
        raise ValueError("a line of the proof is no hash")
    line = base64.b64decode(lines[0][len("extra ") :], validate=True)
    return int(index.group(1)), line, proof, note


def prove_alone(index, line, size, root, proof):
    """Raise unless the line stands there in the tree of `size` leaves (RFC 9162, 2.1.3.2)."""
    if index >= size:
        raise Unproven(f"record {index} lies beyond the log of {size}")
    at = hashlib.sha256(b"\x00" + line).digest()
    for one, is_left in climb(index, size - 1, proof):
        at = node_hash(one, at) if is_left else node_hash(at, one)
    if at != root:
        raise Unproven("the record and the proof do not lead to the root that was signed")


def check_alone(text, report, keys, known):
    """Check one record by its proof: the checkpoint's signature, and the record's place."""
    try:
        index, line, proof, note = read_alone(text)
        origin, size, root = note.split("\n")[:3]
        log = {"origin": origin, "size": int(size), "root": root}
        top = base64.b64decode(root, validate=True)
    except MALFORMED as error:
        report.claim("The file is a proof of one record", [str(error)], PROOF)
        return
    faults = note_alone_faults(note, log, keys)
    report.claim(f"The checkpoint of the log {origin} is signed by its key", faults, SIGNATURE)
    faults = []
    try:
        prove_alone(index, line, log["size"], top, proof)
    except Unproven as error:
        faults = [str(error)]
    report.claim(f"Record {index} stands in that log as it was signed, at {size}", faults, PROOF)
    if known is not None:
        check_known_alone(report, known, log)
    report.note("The record: " + line.decode("utf-8", "backslashreplace"))
    if not report.codes:
        report.note("To know its log again: log {origin} {size} {root}".format(**log))


def note_alone_faults(note, log, keys):
    """Faults of a checkpoint beside which no key stands: what is given has to hold it."""
    if keys is None:
        return ["give --key: the proof holds none"]
    try:
        vkeys = read_log_keys(keys)
        if vkeys is None:
            return ["what was given with --key holds no keys of logs: give countersign-log.json"]
        return note_faults(note, log, vkeys)
    except MALFORMED as error:
        return [f"it, or a key given with --key, cannot be read: {error!r}"]


def check_known_alone(report, known, log):
    noted = [one for one in known_logs(known) if one[0] == log["origin"]]
    others = [root for _, size, root in noted if size == log["size"] and root != log["root"]]
    faults = [f"the log of {log['size']} is another one"] if others else []
    if faults or any(size == log["size"] for _, size, _ in noted):
        report.claim("Its log is that noted before", faults, CHECKPOINT)
    else:
        fault = "it holds no proof from a checkpoint that was noted: a package does"
        report.claim("Its log can be compared with that noted before", [fault])


def text_of_proof(path):
    """The text of a file that is a tlog-proof; else None."""
    try:
        with open(path, "rb") as file:
            if file.read(len(TLOG_PROOF)) == TLOG_PROOF:
                return (TLOG_PROOF + file.read(MOST_BYTES_OF_PROOF)).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        pass
    return None


def verify(path, keys=None, known=None, out=None, addenda=()):
    """Check a package, and its addenda in order; returns the exit code.

    `keys` and `known` are texts from outside the package. A record's own proof is checked too.
    """
    report = Report(out or sys.stdout)
    if text_of_proof(path) is not None:
        for one in (path, *addenda):
            check_alone(text_of_proof(one) or "", report, keys, known)
        return result(report, "proof")
    series = [check_one(path, report, keys, known)]
    for addendum in addenda:
        report.note(f"Now {addendum}:")
        series.append(check_one(addendum, report, keys, None))
    check_series(report, series)
    if keys is None:
        report.note("The key came out of the package: who changed one could change the other.")
        report.note("To be sure, give --key countersign-log.json, from the well-known address.")
    return result(report, "package")


def result(report, what):
    code = report.exit_code()
    held = "every claim holds"
    report.say("RESULT " + (f"the {what} does not hold (exit code {code})" if code else held))
    return code


def check_one(path, report, keys, known):
    """Check one zip by itself; returns what a series needs to know of it, or nothing."""
    try:
        archive = zipfile.ZipFile(path)
    except (*READ_ERRORS, ValueError) as error:
        report.claim("The package is a zip", [str(error)], HASH)
        return {}
    with archive:
        if check_container(archive, report):
            return check_package(Package(archive), report, keys, known)
    return {}


def check_package(package, report, keys, known):
    payload = {name for name in package.members if name.startswith("data/")}
    check_manifest(package, report, MANIFEST, payload)
    check_manifest(package, report, TAG_MANIFEST, set(package.members) - payload - {TAG_MANIFEST})
    predicate = check_signature(package, report, None if keys is None else read_keys(keys))
    check_content(package, report, predicate)
    logs = check_logs(package, report, predicate, keys)
    if known is not None:
        check_noted(package, report, known, predicate, logs)
    report.note("It says of itself: " + describe(package, predicate))
    if predicate.get("status") == "INTERIM":
        of_campaign = "data/campaign.json" in package.members
        what = "the review is not" if of_campaign else "not everything in it is"
        report.note(f"INTERIM: {what} over, and these figures will change.")
    if not report.codes:
        report.note(f"To know it again (--known-checkpoint): {checkpoint(package, predicate)}")
        for log in logs:
            if log["size"] is not None:
                report.note("To know its log again: log {origin} {size} {root}".format(**log))
    return place_in_series(package, predicate)


def describe(package, predicate):
    """Which package it is, whatever its file is called."""
    try:
        number = predicate["number"]
        name = "data/addendum.json" if number else "data/campaign.json"
        for other in ("data/access.json", "data/incident.json", "data/trail.json"):
            name = other if other in package.members else name
        kind = f"addendum {number} to " if number else ""
        return "{}{}, {}, of {!r}".format(
            kind, predicate["package"], predicate["status"], package.json(name)["name"]
        )
    except (Unreadable, *MALFORMED):
        return "nothing that can be read"


def place_in_series(package, predicate):
    """Its number, its manifest's digest, and the digests that it names."""
    try:
        place = {"manifest": package.digest(MANIFEST), "package": predicate["package"]}
        place["number"] = predicate["number"]
        if place["number"]:
            addendum = package.json("data/addendum.json")
            place["adds_to"] = addendum["adds_to_manifest_sha256"]
            place["follows"] = addendum["follows_manifest_sha256"]
    except (Unreadable, *MALFORMED):
        return {}
    return place


def check_series(report, series):
    """Addenda are numbered without a gap; each names its package and the one before it."""
    first = series[0]
    if len(series) == 1:
        if first.get("number"):
            report.note("It is an addendum. Give its package and all addenda before it, in order,")
            report.note("to see that they belong together and that none between is missing.")
        return
    faults = [] if first.get("number") == 0 else ["the first zip is not the package itself"]
    for number in range(1, len(series)):
        before, one = series[number - 1], series[number]
        if one.get("number") != number or one.get("package") != first.get("package"):
            said = "{package}, number {number}".format(**{"package": "?", "number": "?", **one})
            faults.append(f"addendum {number} is missing: in its place is {said}")
        elif one["adds_to"] != first.get("manifest"):
            faults.append(f"addendum {number} adds to another package")
        elif one["follows"] != before.get("manifest"):
            faults.append(f"addendum {number} follows another than the one before it")
    report.claim("Package and addenda are one series without a gap", faults)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Check a Countersign evidence package.")
    parser.add_argument("package", help="the zip, or the .tlog-proof of one record")
    parser.add_argument("addenda", nargs="*", help="its addenda, in order")
    parser.add_argument("--key", help="countersign-log.json or vkeys.txt, from outside the package")
    parser.add_argument("--known-checkpoint", help="a file with the line an earlier check printed")
    options = parser.parse_args(arguments)
    texts = []
    for path in (options.key, options.known_checkpoint):
        try:
            texts.append(None if path is None else read(path))
        except (OSError, UnicodeDecodeError) as error:
            print(f"FAIL  {path} cannot be read: {error}", file=sys.stderr)
            return USAGE
    if texts[0] is not None:
        try:
            read_keys(texts[0])
        except MALFORMED as error:
            print(f"FAIL  {options.key} is not a key file: {error!a}", file=sys.stderr)
            return USAGE
    return verify(options.package, texts[0], texts[1], addenda=options.addenda)


if __name__ == "__main__":
    sys.exit(main())
