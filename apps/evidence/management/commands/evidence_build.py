from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.activity.models import Invocation
from apps.approvals.models import AccessRequest
from apps.core.actors import Channel, System
from apps.core.errors import DomainError
from apps.evidence import policies
from apps.evidence.models import Package
from apps.evidence.policies import Period
from apps.evidence.services.access_packages import (
    period_package_prepare,
    request_package_prepare,
)
from apps.evidence.services.incident_packages import incident_package_prepare
from apps.evidence.services.packages import package_build, package_copy, package_prepare
from apps.evidence.services.sealing import logs_await
from apps.evidence.services.trail_packages import (
    agent_package_prepare,
    everything_package_prepare,
    invocation_package_prepare,
)
from apps.inventory.models import Agent
from apps.inventory.models import System as Outside
from apps.remediation.models import Incident
from apps.reviews.models import Campaign

WHAT = (
    "Name one: a campaign, --request, --incident, --invocation, or --from and --to, "
    "these also with --system, --agent, or --everything."
)


class Command(BaseCommand):
    help = (
        "Build the evidence package of a campaign, of a request for access, of an incident, of an "
        "invocation, or, for a period, of its requests, of an agent, or of everything; and copy it "
        "to a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", nargs="?", help="the campaign's number, or its exact name")
        parser.add_argument("out", type=Path, help="where to put the zip")
        parser.add_argument("--request", type=int, help="the number of a request for access")
        parser.add_argument("--incident", type=int, help="the number of an incident")
        parser.add_argument(
            "--from", dest="since", type=date.fromisoformat, help="first day, as 2026-01-01, UTC"
        )
        parser.add_argument(
            "--to", dest="until", type=date.fromisoformat, help="last day, as 2026-03-31, UTC"
        )
        parser.add_argument("--invocation", help="the trace id of an invocation")
        parser.add_argument("--agent", help="what the agent of this exact name did in the period")
        parser.add_argument("--everything", action="store_true", help="all of the period")
        parser.add_argument(
            "--words", action="store_true", help="with what was told, decided, and answered"
        )
        parser.add_argument("--system", help="only requests of the system of this exact name")

    def handle(self, *, out: Path, **options: Any) -> None:
        actor = System("evidence_build", Channel.COMMAND)
        try:
            package = self._asked(actor, **options)
            logs_await()
            built = package_build(package_id=package.pk, actor=actor)
            package_copy(package=built, out=out)
        except DomainError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self.stdout.write(built.claims["said"])
        self.stdout.write(self.style.SUCCESS(f"{built.status}: {out} ({built.sha256})"))

    def _asked(
        self,
        actor: System,
        *,
        campaign: str | None,
        request: int | None,
        incident: int | None,
        invocation: str | None,
        since: date | None,
        until: date | None,
        system: str | None,
        **options: Any,
    ) -> Package:
        period = since is not None and until is not None
        one_day = (since is None) != (until is None)
        named = [one is not None for one in (campaign, request, incident, invocation)]
        narrowed = [system is not None, options["agent"] is not None, options["everything"]]
        if sum([*named, period]) != 1 or one_day or sum(narrowed) > int(period):
            raise CommandError(WHAT)
        if invocation is not None:
            return self._of_invocation(invocation, actor, **options)
        if campaign is not None:
            return self._package(self._campaign(campaign), actor)
        if request is not None:
            if not AccessRequest.objects.filter(pk=request).exists():
                raise CommandError(f"There is no request {request}.")
            return request_package_prepare(request_id=request, actor=actor)
        if incident is not None:
            if not Incident.objects.filter(pk=incident).exists():
                raise CommandError(f"There is no incident {incident}.")
            return incident_package_prepare(incident_id=incident, actor=actor)
        assert since is not None and until is not None  # noqa: S101, PT018  (a period has both)
        if options["agent"] is not None or options["everything"]:
            return self._of_period(Period(since, until), actor, **options)
        return period_package_prepare(
            period=Period(since, until, self._system(system)), actor=actor
        )

    def _of_invocation(self, trace: str, actor: System, **options: Any) -> Package:
        run = Invocation.objects.of_id(trace).first()
        if run is None:
            raise CommandError(f"There is no invocation {trace!r}.")
        return invocation_package_prepare(
            invocation_id=run.pk, with_payloads=options["words"], actor=actor
        )

    def _of_period(self, period: Period, actor: System, **options: Any) -> Package:
        words = options["words"]
        if options["everything"]:
            return everything_package_prepare(period=period, with_payloads=words, actor=actor)
        agent = Agent.objects.filter(name=options["agent"]).first()
        if agent is None:
            raise CommandError(f"There is no agent {options['agent']!r}.")
        return agent_package_prepare(
            agent_id=agent.pk, period=period, with_payloads=words, actor=actor
        )

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

    def _system(self, asked: str | None) -> int | None:
        if asked is None:
            return None
        found = list(Outside.objects.filter(name=asked).values_list("pk", flat=True)[:2])
        if len(found) != 1:
            some = "more than one system" if found else "no system"
            raise CommandError(f"There is {some} {asked!r}.")
        return found[0]
