"""Building a package: its files written, then sealed, packed, and judged by its own verifier."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils import timezone

from apps.core.errors import DomainError
from apps.evidence import signing
from apps.evidence.bag import BAG_INFO, BAGIT, MANIFEST, Bag
from apps.evidence.content.access.scope import scope_of
from apps.evidence.content.access.summary import write_access
from apps.evidence.content.addendum import write_addendum
from apps.evidence.content.campaign import stated, write_acknowledgement, write_campaign
from apps.evidence.content.controls import write_controls
from apps.evidence.content.files import Files, line, utc
from apps.evidence.content.incident.scope import case_of
from apps.evidence.content.incident.summary import write_incident
from apps.evidence.content.items import write_items
from apps.evidence.content.logs import LOGS, write_log_keys
from apps.evidence.content.orders import Orders, write_orders
from apps.evidence.content.people import write_assignments, write_contacts, write_notes
from apps.evidence.content.readme import contents, write_readme
from apps.evidence.content.record import entries_between, write_record
from apps.evidence.content.review import INTERIM, Review, review_of
from apps.evidence.content.sources import write_exceptions, write_not_covered, write_sources
from apps.evidence.content.trail.scope import tale_of
from apps.evidence.content.trail.summary import write_trail
from apps.evidence.models import Addendum, Package
from apps.evidence.services.keys import keys_published, vkeys_text
from apps.evidence.snapshot import Progress
from apps.evidence.subjects import OF_TRAIL, Subject
from apps.evidence.verify import verify
from apps.reviews.models import Campaign

# What the signed statement repeats of the facts, as far as they hold it.
REPEATED = (
    *("package", "number", "status", "counts", "dispositions"),
    *("requests", "requests_sha256", "break_glass_uses", "calls", "calls_sha256", "logs"),
    *("about", "trace", "agent", "since", "until", "records", "payloads", "redactions"),
)
BUILD = "build.json"
ATTESTATION = "attestation.dsse.json"


def package_folder() -> Path:
    return Path(settings.DATA_DIR) / "evidence"


@dataclass(frozen=True, slots=True)
class Built:
    """What came of a build, before the database knows of it."""

    path: Path
    contents: list[dict[str, Any]]
    claims: dict[str, Any]


def package_write(package: Package, key: Ed25519PrivateKey, progress: Progress) -> Built:
    """Build the zip of what a package is about, as the database stands now."""
    if package.subject in OF_TRAIL:
        tale = tale_of(package)
        return _packed(package, tale.status, partial(write_trail, tale=tale), key, progress)
    if package.incident_id is not None:
        case = case_of(package.incident_id)
        return _packed(package, case.status, partial(write_incident, case=case), key, progress)
    if package.subject != Subject.CAMPAIGN:
        scope = scope_of(package)
        return _packed(package, scope.status, partial(write_access, scope=scope), key, progress)
    rows = Campaign.objects.select_related("template", "run_by", "fallback_reviewer")
    campaign = rows.get(packages=package)
    review = review_of(campaign)

    def write(files: Files) -> dict[str, Any]:
        if package.number:
            return _write_late(files, review, package)
        return _write_review(files, review)

    built = _packed(package, review.status, write, key, progress)
    built.claims["until"] = built.claims["until"] or (
        review.until.isoformat() if review.until else None
    )
    return built


def _packed(
    package: Package,
    status: str,
    write: Callable[[Files], dict[str, Any]],
    key: Ed25519PrivateKey,
    progress: Progress,
) -> Built:
    """Have the files written, then seal, pack, and check them."""
    bag = Bag(package_folder() / f"work-{package.pk}")
    files = Files(bag, status, progress.tick)
    try:
        facts = write(files)
        _write_tools(files)
        if files.logs:
            facts["logs"] = files.logs
            files.json(LOGS, "What proves the records", {"logs": files.logs})
        out = package_folder() / _file_name(package, facts)
        manifest = _seal(bag, package, facts, key)
        progress.tick(files.written, "Packing")
        bag.pack(out)
        listed = [
            {
                **entry,
                "sha256": bag.digest(entry["name"]),
                "bytes": bag.path(entry["name"]).stat().st_size,
            }
            for entry in contents(files)
        ]
    finally:
        bag.remove()
    progress.tick(files.written, "Checking")
    said = _check(out)
    claims = {
        "manifest_sha256": manifest,
        "key_id": signing.key_id(signing.public_bytes(key)),
        "status": facts["status"],
        "note": facts.get("note", ""),
        "dispositions": facts.get("dispositions", {}),
        "until": facts.get("until"),
        "said": said,
        "logs": [
            {name: one[name] for name in ("log", "origin", "size", "root")} for one in files.logs
        ],
    }
    return Built(out, listed, claims)


def _write_review(files: Files, review: Review) -> dict[str, Any]:
    orders = Orders(review)
    dispositions = write_items(files, review, orders.by_item())
    write_assignments(files, review)
    write_contacts(files, review)
    write_notes(files, review)
    write_orders(files, orders)
    write_exceptions(files, review, orders)
    write_sources(files, review)
    write_not_covered(files, review)
    write_record(files, entries_between(review.campaign, until=review.until))
    acknowledged = write_acknowledgement(files, review)
    write_controls(files, acknowledged=acknowledged)
    facts = write_campaign(files, review, stated(review, orders, dispositions))
    write_readme(files, review, facts)
    return facts


def _write_late(files: Files, review: Review, package: Package) -> dict[str, Any]:
    addendum = Addendum.objects.get(campaign=review.campaign, number=package.number)
    return write_addendum(files, review, addendum)


def _write_tools(files: Files) -> None:
    files.add("data/verify/verify.py", "The verifier, for convenience", verifier_source())
    page = Path(verify.__file__).with_name("verify.html").read_bytes()
    files.add("data/verify/verify.html", "The verifier as a page, for convenience", page)
    files.add("data/keys/vkeys.txt", "Public keys, for convenience", vkeys_text())
    write_log_keys(files)


def verifier_source() -> bytes:
    return Path(verify.__file__).read_bytes()


def _file_name(package: Package, facts: dict[str, Any]) -> str:
    if package.subject != Subject.CAMPAIGN:
        mark = "-interim" if facts["status"] == INTERIM else ""
        return f"countersign-evidence-{facts['package']}{mark}-{package.pk}.zip"
    name = f"countersign-evidence-{package.campaign_id}"
    if package.number:
        return f"{name}-addendum-{package.number}.zip"
    return f"{name}-interim-{package.pk}.zip" if package.is_interim else f"{name}.zip"


def _seal(bag: Bag, package: Package, facts: dict[str, Any], key: Ed25519PrivateKey) -> str:
    """Write what says who asked and when, then manifest, signature, and the manifest of these."""
    now = timezone.now()
    build = {
        "built_at": utc(now),
        "requested_at": utc(package.requested_at),
        "requested_by": str(package.requested_by or "Countersign"),
        "package_id": package.pk,
        "status": facts["status"],
    }
    bag.add(BUILD, (line(build) + "\n").encode())
    bag.describe(
        {
            "Source-Organization": "Countersign",
            "Bagging-Date": now.date().isoformat(),
            "External-Identifier": f"{facts['package']}/{facts['number']}",
            "External-Description": f"{facts['status']}: {facts['name']}",
        }
    )
    bag.list_payload()
    subjects = {name: bag.digest(name) for name in (MANIFEST, BAG_INFO, BAGIT, BUILD)}
    predicate = {name: facts[name] for name in REPEATED if name in facts}
    statement = signing.statement(subjects=subjects, predicate=predicate)
    bag.add(ATTESTATION, signing.envelope(statement, key))
    bag.list_tags()
    return subjects[MANIFEST]


def _check(path: Path) -> str:
    """Let the verifier judge the package with the published keys; keep only what it passes."""
    out = io.StringIO()
    code = verify.verify(str(path), line(keys_published()), None, out)
    if code != verify.OK:
        path.unlink()
        faults = [text for text in out.getvalue().splitlines() if not text.startswith("PASS")]
        raise DomainError("The package does not add up, so it was not kept. " + " ".join(faults))
    return out.getvalue()
