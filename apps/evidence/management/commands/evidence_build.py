from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.core.actors import Channel, System
from apps.core.errors import DomainError
from apps.evidence import policies
from apps.evidence.models import Package
from apps.evidence.services.packages import package_build, package_copy, package_prepare
from apps.reviews.models import Campaign


class Command(BaseCommand):
    help = "Build the evidence package of a campaign, and copy it to a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's number, or its exact name")
        parser.add_argument("out", type=Path, help="where to put the zip")

    def handle(self, *, campaign: str, out: Path, **options: object) -> None:
        actor = System("evidence_build", Channel.COMMAND)
        try:
            package = self._package(self._campaign(campaign), actor)
            built = package_build(package_id=package.pk, actor=actor)
            package_copy(package=built, out=out)
        except DomainError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self.stdout.write(built.claims["said"])
        self.stdout.write(self.style.SUCCESS(f"{built.status}: {out} ({built.sha256})"))

    @transaction.atomic
    def _package(self, campaign_id: int, actor: System) -> Package:
        campaign = Campaign.objects.locked(campaign_id)
        verdict = policies.can_export(actor, campaign)
        if not verdict:
            raise DomainError(verdict.reason)
        return package_prepare(campaign=campaign, actor=actor)

    def _campaign(self, asked: str) -> int:
        rows = Campaign.objects.filter(name=asked)
        if asked.isdecimal():
            rows = rows | Campaign.objects.filter(pk=int(asked))
        campaign = rows.order_by("pk").first()
        if campaign is None:
            raise CommandError(f"There is no campaign {asked!r}.")
        return campaign.pk
