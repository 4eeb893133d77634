"""A package is asked for, built in a job, and kept; a final one is built once."""

import hashlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.core.policies import enforce
from apps.evidence import policies, signing
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
from apps.evidence.content.orders import Orders, write_orders
from apps.evidence.content.people import write_assignments, write_contacts, write_notes
from apps.evidence.content.readme import contents, write_readme
from apps.evidence.content.record import entries_between, write_record
from apps.evidence.content.review import INTERIM, Review, is_final, review_of
from apps.evidence.content.sources import write_exceptions, write_not_covered, write_sources
from apps.evidence.models import Addendum, Package
from apps.evidence.services.keys import keys_published, signing_key_ensure, vkeys_text
from apps.evidence.snapshot import Progress, snapshot
from apps.evidence.subjects import Subject
from apps.evidence.verify import verify
from apps.reviews.models import Campaign

# What the signed statement repeats of the facts, as far as they hold it.
REPEATED = (
    *("package", "number", "status", "counts", "dispositions"),
    *("requests", "requests_sha256", "break_glass_uses", "calls", "calls_sha256"),
)
BUILD = "build.json"
ATTESTATION = "attestation.dsse.json"
TASK = "evidence.build_package"
LOCK = 0x65766964  # "evid", in the first half of PostgreSQL's two-part advisory lock


@transaction.atomic
def package_request(*, campaign_id: int, actor: Actor) -> Package:
    """Ask for a campaign's package, and return it: at once if it stands, else being built.

    Before the acknowledgement each request makes a new interim package, unless one is being
    built. The final one is made once; what the record says of the campaign afterwards makes a
    numbered addendum.
    """
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_export(actor, campaign))
    waiting = Package.objects.of_campaign(campaign.pk).being_built()
    package = waiting or package_prepare(campaign=campaign, actor=actor)
    build_start(package, total=campaign.items.count(), actor=actor)
    return package


def build_start(package: Package, *, total: int, actor: Actor) -> None:
    """Start the job that builds it, unless it stands or one is at it."""
    if package.built_at is None and (package.job is None or package.job.is_over):
        package.job = job_start(
            kind="Building an evidence package",
            task=TASK,
            subject=package,
            actor=actor,
            total=total,
        )
        package.save(update_fields=["job"])


@transaction.atomic
def package_prepare(*, campaign: Campaign, actor: Actor) -> Package:
    """The package to build or hand out for a campaign now. The campaign's row must be locked."""
    if not is_final(campaign):
        return _new(campaign, actor, number=0, is_interim=True)
    finals = Package.objects.of_campaign(campaign.pk).filter(is_interim=False)
    newest = finals.select_related("job").order_by("number").last()
    if newest is None:
        return _new(campaign, actor, number=0, is_interim=False)
    if newest.built_at is None or not _has_late_facts(campaign, newest):
        return newest
    addendum = _addendum(campaign, newest, actor)
    return _new(campaign, actor, number=addendum.number, is_interim=False)


def _new(campaign: Campaign, actor: Actor, *, number: int, is_interim: bool) -> Package:
    package = Package.objects.create(
        campaign=campaign,
        number=number,
        is_interim=is_interim,
        requested_by=actor.user if isinstance(actor, Person) else None,
        requested_at=timezone.now(),
    )
    record(
        actor=actor,
        verb=Verb.PACKAGE_REQUESTED,
        target=package,
        changes={"campaign": (None, campaign.pk), "number": (None, number)},
    )
    return package


def _spoken_until(package: Package) -> datetime:
    """Up to which moment a built final package, or addendum, tells the record."""
    return datetime.fromisoformat(package.claims["until"])


def _has_late_facts(campaign: Campaign, newest: Package) -> bool:
    seen = newest.claims.get("snapshot")
    late = entries_between(campaign, after=_spoken_until(newest), unseen_by=seen)
    return next(late, None) is not None


def _addendum(campaign: Campaign, newest: Package, actor: Actor) -> Addendum:
    first = campaign.packages.get(is_interim=False, number=0)
    addendum = Addendum.objects.create(
        campaign=campaign,
        number=newest.number + 1,
        text="After this campaign was acknowledged, more happened to what it decided.",
        facts={
            "after": newest.claims["until"],
            "until": timezone.now().isoformat(),
            "unseen_by": newest.claims.get("snapshot"),
            "adds_to_manifest_sha256": first.claims["manifest_sha256"],
            "follows_manifest_sha256": newest.claims["manifest_sha256"],
        },
        added_by=actor.user if isinstance(actor, Person) else None,
    )
    changes = {"number": (None, addendum.number), "campaign": (None, campaign.pk)}
    record(actor=actor, verb=Verb.ADDENDUM_ADDED, target=addendum, changes=changes)
    return addendum


def package_folder() -> Path:
    return Path(settings.DATA_DIR) / "evidence"


def package_path(package: Package) -> Path:
    return package_folder() / package.file_name


class BuiltElsewhere(DomainError):
    """Somebody else is at it; there is nothing to do and nothing to report."""


@dataclass(frozen=True, slots=True)
class Built:
    """What came of a build, before the database knows of it."""

    path: Path
    contents: list[dict[str, Any]]
    claims: dict[str, Any]


def package_build(*, package_id: int, actor: Actor, job: Job | None = None) -> Package:
    """Build, sign, and check a package, then let it be downloaded.

    All is read in one snapshot of the database. A build that was cut off leaves nothing that
    counts, and is done again from the start; two at once on one package do not meet. Raises
    `DomainError`, naming what is wrong, if the package does not pass its own verifier.
    """
    rows = Package.objects.with_subject().select_related("requested_by")
    package = rows.get(pk=package_id)
    if package.built_at is not None:
        return package
    key = signing_key_ensure(actor=actor)
    with Progress(job) as progress, snapshot() as seen:
        if not _lock(package):
            raise BuiltElsewhere("Another worker builds this package already.")
        built = _build(package, key, progress)
    built.claims["snapshot"] = seen
    return _release(package_id=package_id, built=built, actor=actor)


def _lock(package: Package) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, package.pk])
        return bool(cursor.fetchone()[0])


def _build(package: Package, key: Ed25519PrivateKey, progress: Progress) -> Built:
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
        "dispositions": facts.get("dispositions", {}),
        "until": facts.get("until"),
        "said": said,
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
    files.add("data/keys/vkeys.txt", "Public keys, for convenience", vkeys_text())


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


@transaction.atomic
def _release(*, package_id: int, built: Built, actor: Actor) -> Package:
    package = Package.objects.locked(package_id)
    if package.built_at is not None:
        return package
    with built.path.open("rb") as file:
        package.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    package.file_name, package.size = built.path.name, built.path.stat().st_size
    package.contents, package.claims = built.contents, built.claims
    if package.subject != Subject.CAMPAIGN:  # a campaign's says so from the asking on
        package.is_interim = built.claims["status"] == INTERIM
    package.built_at = timezone.now()
    changed = ["sha256", "file_name", "size", "contents", "claims", "is_interim", "built_at"]
    package.save(update_fields=changed)
    record(
        actor=actor,
        verb=Verb.PACKAGE_BUILT,
        target=package,
        changes={"sha256": (None, package.sha256), "status": (None, built.claims["status"])},
    )
    return package


@transaction.atomic
def package_download(*, package_id: int, actor: Actor) -> Path:
    """Note that somebody takes a package away, and say where it lies."""
    package = Package.objects.visible_to(actor).with_subject().get(pk=package_id)
    enforce(policies.can_download(actor, package))
    path = package_path(package)
    if not path.exists():
        raise DomainError("The file of this package is gone from the data directory.")
    record(
        actor=actor,
        verb=Verb.PACKAGE_DOWNLOADED,
        target=package,
        changes={"sha256": (None, package.sha256)},
    )
    return path


def package_copy(*, package: Package, out: Path) -> None:
    shutil.copyfile(package_path(package), out)
