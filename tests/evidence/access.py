"""Packages of requests and incidents, built as the task does, and signed anew after a change."""

import csv
import io
import json
import zipfile
from pathlib import Path

from apps.core.actors import Person
from apps.evidence import signing
from apps.evidence.bag import BAG_INFO, BAGIT, MANIFEST, Bag
from apps.evidence.models import Package
from apps.evidence.policies import Period
from apps.evidence.services.access_packages import (
    period_package_request,
    request_package_request,
)
from apps.evidence.services.incident_packages import incident_package_request
from apps.evidence.services.keys import signing_key_ensure
from apps.evidence.services.packages import package_build, package_path


def build_request(request, person) -> Package:
    package = request_package_request(request_id=request.pk, actor=Person(person))
    return package_build(package_id=package.pk, actor=Person(person))


def build_period(since, until, person, system=None) -> Package:
    period = Period(since, until, system and system.pk)
    package = period_package_request(period=period, actor=Person(person))
    return package_build(package_id=package.pk, actor=Person(person))


def build_incident(incident, person) -> Package:
    package = incident_package_request(incident_id=incident.pk, actor=Person(person))
    return package_build(package_id=package.pk, actor=Person(person))


def members(package) -> dict[str, bytes]:
    with zipfile.ZipFile(package_path(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(package, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(members(package)[name].decode(), newline="")))


def signed_anew(package, folder: Path, actor, change, facts_in="data/access.json") -> Path:
    """The package as somebody who holds the real key could forge it: only its content tells.

    `change` alters a dictionary of members; counts are set right as well.
    """
    files = members(package)
    change(files)
    facts = json.loads(files[facts_in])
    for name in facts["counts"]:
        if name.endswith(".csv"):
            facts["counts"][name] = len(table(files, name)[1])
        else:
            facts["counts"][name] = len(files[name].splitlines())
    files[facts_in] = json.dumps(facts).encode()
    bag = Bag(folder / "work")
    for name, content in files.items():
        if name.startswith("data/") or name == "build.json":
            bag.add(name, content)
    bag.describe({"Bagging-Date": "2026-11-24"})
    bag.list_payload()
    subjects = {tag: bag.digest(tag) for tag in (MANIFEST, BAG_INFO, BAGIT, "build.json")}
    named = ("package", "number", "status", "counts", "dispositions")
    statement = signing.statement(
        subjects=subjects, predicate={name: facts[name] for name in named if name in facts}
    )
    bag.add("attestation.dsse.json", signing.envelope(statement, signing_key_ensure(actor=actor)))
    bag.list_tags()
    bag.pack(folder / "forged.zip")
    return folder / "forged.zip"


def table(files, name) -> tuple[list[str], list[dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(files[name].decode(), newline=""))
    found = list(reader)
    return list(reader.fieldnames or []), found


def put(files, name, columns, found) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(found)
    files[name] = out.getvalue().encode()
