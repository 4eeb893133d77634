"""A package is asked for, built in a job, and kept; a final one is built once."""

import hashlib
import shutil
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.core.policies import enforce
from apps.evidence import policies
from apps.evidence.content.record import entries_between
from apps.evidence.content.review import INTERIM, is_final
from apps.evidence.models import Addendum, Package
from apps.evidence.services.building import Built, package_folder, package_write
from apps.evidence.services.keys import signing_key_ensure
from apps.evidence.snapshot import Progress, snapshot
from apps.evidence.subjects import Subject
from apps.reviews.models import Campaign

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
    build_start(package, actor=actor)
    return package


def build_start(package: Package, *, actor: Actor) -> None:
    """Start the job that builds it, unless it stands or one is at it.

    It counts the rows that it writes; how many they become, nobody knows before.
    """
    if package.built_at is None and (package.job is None or package.job.is_over):
        package.job = job_start(
            kind="Building an evidence package",
            task=TASK,
            subject=package,
            actor=actor,
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


def package_path(package: Package) -> Path:
    return package_folder() / package.file_name


class BuiltElsewhere(DomainError):
    """Somebody else is at it; there is nothing to do and nothing to report."""


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
        built = package_write(package, key, progress)
    built.claims["snapshot"] = seen
    return _release(package_id=package_id, built=built, actor=actor)


def _lock(package: Package) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, package.pk])
        return bool(cursor.fetchone()[0])


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
