"""Rules over how identities are used: from where, with what, when, and by whom else."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.urls import reverse

from apps.activity.models import Sighting, UseHour
from apps.activity.querysets.sightings import SightingQuerySet
from apps.activity.settling import judged_since, settled_before
from apps.activity.states import Trait
from apps.core.preferences import preference
from apps.findings.rules.base import TEXT, Rule, identities, sentence
from apps.findings.states import Severity
from apps.inventory.models import Binding, Identity


class NewUse(Rule):
    """Something about the use of an identity that was never seen in the weeks before."""

    why = "It was never used so before: a copy of its credential may be in other hands."
    mend = "Look at the calls. If that is where it should be used, leave it: it will not be new."
    subject = Identity
    trait: ClassVar[Trait]
    what: ClassVar[str]

    def subjects(self, now: datetime) -> QuerySet:
        new = self._new(now)
        rows = Identity.objects.filter(pk__in=new.values("identity_id"))
        known = f" · not seen in the {preference('baseline_days')} days or more before"
        return identities(rows, sentence(f"{self.what} ", new.told(), known))

    def counted_href(self, subject_id: int, now: datetime) -> str:
        new = list(self._new(now).filter(identity_id=subject_id).order_by("first_at"))
        if not new:
            return ""
        return reverse("activity:call_list", query={"identity": subject_id, **self.asked(new)})

    def asked(self, new: list[Sighting]) -> dict[str, str]:
        values = ",".join(one.value for one in new)
        return {self.trait.value: values, "start": new[0].first_at.isoformat()}

    def _new(self, now: datetime) -> SightingQuerySet:
        since = now - timedelta(days=preference("new_use_days"))
        known_for = timedelta(days=preference("baseline_days"))
        return Sighting.objects.of_trait(self.trait).new_since(since, known_for=known_for)


class NewAddress(NewUse):
    key = "identity-new-address"
    title = "Used from a new address"
    severity = Severity.MEDIUM
    owasp = "NHI2:2025 Secret Leakage"
    trait = Trait.ADDRESS
    what = "From"


class NewClient(NewUse):
    key = "identity-new-client"
    title = "Used with a new client"
    severity = Severity.MEDIUM
    owasp = "NHI2:2025 Secret Leakage"
    trait = Trait.CLIENT
    what = "With"


class NewHour(NewUse):
    key = "identity-new-hour"
    title = "Used at an hour of the day at which it never was"
    severity = Severity.LOW
    owasp = "NHI10:2025 Human Use of NHI"
    trait = Trait.HOUR
    what = "In the hour (UTC) of"

    def asked(self, new: list[Sighting]) -> dict[str, str]:
        return {
            "hour": ",".join(one.value for one in new),
            "start": new[0].first_at.replace(minute=0, second=0, microsecond=0).isoformat(),
        }


class UsedByNoAgent(Rule):
    key = "identity-used-by-no-agent"
    title = "An agent's identity, used by something that is no agent"
    why = (
        "A person signs in with it, or a client uses it that no run of its agents shows: what it"
        " did is not the agent's alone, and nobody answers for the rest."
    )
    mend = "Give people and other programs identities of their own, and rotate what they knew."
    severity = Severity.HIGH
    owasp = "NHI10:2025 Human Use of NHI"
    subject = Identity

    def subjects(self, now: datetime) -> QuerySet:
        strange, signed_in = self._strange(now), self._signed_in(now)
        bound = Binding.objects.live().filter(identity=OuterRef("pk"))
        rows = Identity.objects.filter(
            Q(pk__in=strange.values("identity_id")) | Q(pk__in=signed_in.values("identity_id"))
        ).filter(Exists(bound))
        told = Coalesce(strange.told(), Value("a sign-in at the console"), output_field=TEXT)
        return identities(rows, sentence("By ", told))

    def counted_href(self, subject_id: int, now: datetime) -> str:
        clients = self._strange(now).filter(identity_id=subject_id)
        asked = {"client": ",".join(one.value for one in clients)}
        if not asked["client"]:
            asked = {"name": ",".join({one.name for one in self._signed_in(now)})}
        query = {"identity": subject_id, "start": judged_since(now).isoformat(), **asked}
        return reverse("activity:call_list", query=query)

    def _strange(self, now: datetime) -> SightingQuerySet:
        return Sighting.objects.used_between(judged_since(now), settled_before(now)).strange()

    def _signed_in(self, now: datetime) -> QuerySet:
        return UseHour.objects.between(judged_since(now), now).worked().signing_in()
