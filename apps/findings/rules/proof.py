"""Rules over the logs that the record is sealed in, and who watches them."""

from datetime import datetime, timedelta

from django.db.models import BooleanField, CharField, F, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from apps.activity.models import Erasure
from apps.activity.selectors.keeping import ARCHIVING, months_due
from apps.activity.services.append import LOG
from apps.core.models import Job, JobStatus
from apps.findings.rules.access import NO_SYSTEM
from apps.findings.rules.base import Rule, words
from apps.findings.states import Severity
from apps.inventory.models import Agent
from apps.proof.models import Log, Watch

# The signer looks every ten seconds, and signs hourly when nothing comes.
SILENT_AFTER = timedelta(minutes=15)
# Every ten minutes it is tried again.
HELD_UP_AFTER = timedelta(hours=1)


def _of_log(rows: QuerySet, detail: object) -> QuerySet:
    told: QuerySet = rows.annotate(
        finding_label=Concat(Value("Log "), F("log__name"), output_field=CharField()),
        for_agent=Subquery(Agent.objects.none().values("pk")[:1]),
        for_system=NO_SYSTEM,
        finding_detail=detail,
    )
    return told


class LogBroken(Rule):
    key = "log-broken"
    title = "Record that is not what was sealed"
    why = "Somebody who owns the database changed, took out, or put in what was already sealed."
    mend = "Keep the database as it is and the signer's files, and read docs/proof.md with both."
    severity = Severity.CRITICAL
    owasp = "NHI6:2025 Insecure Cloud Deployment Configurations"
    subject = Watch

    def subjects(self, now: datetime) -> QuerySet:
        return _of_log(Watch.objects.in_trouble().of_what_is_sealed(), F("trouble"))


class PartitionMissing(Rule):
    key = "partition-missing"
    title = "Records of the trail without a month of their own"
    why = "Nobody made the tables ahead. What comes is kept all the same, but cannot be archived."
    mend = "See that the worker and its schedule run, then run manage.py trail_partitions."
    severity = Severity.HIGH
    owasp = "NHI6:2025 Insecure Cloud Deployment Configurations"
    subject = Watch

    def subjects(self, now: datetime) -> QuerySet:
        return _of_log(Watch.objects.in_trouble().of_partitions(), F("trouble"))


class ArchiveFailing(Rule):
    key = "archive-failing"
    title = "Months that cannot be archived"
    why = "What is past its time stays in the database. Nothing is lost, and nothing leaves."
    mend = "Mend what it says (docs/keeping.md tells of each), then archive; each hour tries anew."
    severity = Severity.HIGH
    owasp = "NHI6:2025 Insecure Cloud Deployment Configurations"
    subject = Log

    def subjects(self, now: datetime) -> QuerySet:
        ended = Job.objects.filter(kind=ARCHIVING, finished_at__isnull=False).order_by("-pk")
        rows = Log.objects.filter(name=LOG).annotate(
            ended=Subquery(ended.values("status")[:1]),
            said=Subquery(ended.values("message")[:1]),
            # Once nothing is due any more, nothing fails.
            is_due=Value(bool(months_due(now)), BooleanField()),
        )
        told: QuerySet = rows.filter(ended=JobStatus.FAILED, is_due=True).annotate(
            finding_label=Concat(Value("Log "), F("name"), output_field=CharField()),
            for_agent=Subquery(Agent.objects.none().values("pk")[:1]),
            for_system=NO_SYSTEM,
            finding_detail=F("said"),
        )
        return told


class ErasureHeldUp(Rule):
    key = "erasure-held-up"
    title = "Words to be erased that the archive still holds"
    why = "Two people agreed to erase them. Until its file can be written anew, they can be read."
    mend = "Read what the worker says of it, put the folder back as it was (docs/keeping.md)."
    severity = Severity.HIGH
    owasp = "NHI6:2025 Insecure Cloud Deployment Configurations"
    subject = Erasure

    def subjects(self, now: datetime) -> QuerySet:
        rows = Erasure.objects.in_archive().filter(decided_at__lt=now - HELD_UP_AFTER)
        leaf = Cast("leaf_index", CharField())
        told: QuerySet = rows.annotate(
            finding_label=Concat(Value("Erasure of record "), leaf, output_field=CharField()),
            for_agent=Subquery(Agent.objects.none().values("pk")[:1]),
            for_system=NO_SYSTEM,
            finding_detail=words("A file of the archive that holds them cannot be written anew"),
        )
        return told


class SignerSilent(Rule):
    key = "signer-silent"
    title = "Log that nobody signs"
    why = "What is sealed now and changed before the next checkpoint cannot be told from the truth."
    mend = "Start the signer (manage.py proof_sign), and read what it said last."
    severity = Severity.HIGH
    owasp = "NHI6:2025 Insecure Cloud Deployment Configurations"
    subject = Watch

    def subjects(self, now: datetime) -> QuerySet:
        rows = Watch.objects.signers_silent_since(now - SILENT_AFTER)
        return _of_log(rows, words("The signer has not looked at it for a quarter of an hour"))
