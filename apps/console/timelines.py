"""The record as one story: which entries tell of a campaign, an item, an agent, a grant."""

from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

from apps.accounts.states import NOBODY
from apps.approvals.models import AccessRequest, BreakGlass, RemovalProposal, RequestNote, Vote
from apps.audit.models import AuditEntry
from apps.core.actors import Actor, Person
from apps.evidence.models import Addendum, Package, Sample
from apps.findings.models import Finding
from apps.grants.models import AgentFingerprint, Grant
from apps.inventory.models import Agent, AgentClient, Binding, Credential, Identity, System
from apps.inventory.querysets.scope import is_limited_auditor
from apps.issuing.models import Issuance
from apps.notices.policies import can_browse_pages, can_browse_routes
from apps.remediation.models import Order
from apps.reviews.models import Acknowledgement, Campaign, Hold, ReviewItem
from apps.rotation.models import Migration, Rotation

type Ids = Iterable[int] | QuerySet
type Related = dict[type[Model], Ids]

# Records with a page of their own, and where it is.
PAGES = {
    "activity.invocation": "activity:invocation_detail",
    "activity.logimport": "activity:log_import_detail",
    "activity.stream": "activity:log_detail",
    "accounts.team": "accounts:team_detail",
    "accounts.user": "accounts:person_detail",
    "approvals.accessrequest": "approvals:request_detail",
    "approvals.breakglass": "approvals:break_glass_detail",
    "approvals.group": "approvals:group_detail",
    "approvals.policy": "approvals:policy_detail",
    "evidence.package": "evidence:package_detail",
    "evidence.sample": "evidence:sample_detail",
    "findings.finding": "findings:finding_detail",
    "grants.grant": "grants:grant_detail",
    "grants.permission": "grants:permission_detail",
    "inventory.agent": "console:agent_detail",
    "inventory.credential": "inventory:credential_detail",
    "inventory.identity": "inventory:identity_detail",
    "inventory.source": "connectors:source_detail",
    "inventory.system": "inventory:system_detail",
    "issuing.issuance": "issuing:issuance_detail",
    "notices.page": "notices:page_detail",
    "notices.route": "notices:route_detail",
    "remediation.order": "remediation:order_detail",
    "rotation.migration": "rotation:migration_detail",
    "rotation.rotation": "rotation:rotation_detail",
    "reviews.campaign": "reviews:campaign_detail",
    "reviews.reviewitem": "evidence:item_story",
    "reviews.template": "reviews:template_detail",
}
# Pages that not everybody who reads the record may open at all.
CLOSED_TO_SOME = {
    "notices.page": can_browse_pages,
    "notices.route": can_browse_routes,
}
# Records that the record tells of, and that have no page.
PAGELESS = (
    "accounts.invitation",
    "accounts.seat",
    "approvals.removalproposal",
    "approvals.requestnote",
    "approvals.vote",
    "core.setting",
    "evidence.addendum",
    "evidence.signingkey",
    "findings.checkrun",
    "grants.agentfingerprint",
    "inventory.agentclient",
    "inventory.binding",
    "notices.ladder",
    "proof.epoch",
    "reviews.hold",
)
# What an auditor whose seat is limited to systems may read of: what they may open.
SCOPED: tuple[type[Model], ...] = (
    Agent,
    AgentClient,
    System,
    Identity,
    Binding,
    Credential,
    Grant,
    Order,
    Issuance,
    Rotation,
    Migration,
    Finding,
    ReviewItem,
    Campaign,
    AccessRequest,
    BreakGlass,
)


def kinds_in_words() -> list[tuple[str, str]]:
    """Every kind of record that an entry may be about, with its name."""
    named = [(kind, kind_in_words(kind)) for kind in (*PAGES, *PAGELESS)]
    return sorted(named, key=lambda one: one[1])


def kind_in_words(target_type: str) -> str:
    name: str = capfirst(str(apps.get_model(target_type)._meta.verbose_name))
    return name


def page_of(target_type: str, target_id: int, actor: Actor) -> str:
    """The address of a record's own page; empty if it has none, or none for this actor."""
    may_open = CLOSED_TO_SOME.get(target_type)
    if target_id == NOBODY or (may_open is not None and not may_open(actor)):
        return ""
    try:
        return reverse(PAGES[target_type], args=[target_id])
    except (KeyError, NoReverseMatch):
        return ""


def entries_visible_to(actor: Actor) -> QuerySet[AuditEntry]:
    """The entries somebody may read; an auditor limited to systems reads of what they may open."""
    rows = AuditEntry.objects.visible_to(actor)
    if isinstance(actor, Person) and is_limited_auditor(actor):
        return rows.filter(_within_seat(actor))
    return rows


def _within_seat(actor: Person) -> Q:
    own = Q(target_type="accounts.seat", target_id=actor.user.seat.pk)
    for model in SCOPED:
        visible: Any = model._default_manager
        own |= _about(model, visible.visible_to(actor).values("pk"))
    return own


def timeline_of(target_type: str, target_id: int, *, actor: Actor) -> QuerySet[AuditEntry]:
    """The entries of one record and of what belongs to it, as far as the reader may see them."""
    wanted = Q(target_type=target_type, target_id=target_id)
    related = BELONGS.get(target_type)
    for model, ids in (related(target_id) if related else {}).items():
        wanted |= _about(model, ids)
    return entries_visible_to(actor).filter(wanted).select_related("actor")


def _about(model: type[Model], ids: Ids) -> Q:
    return Q(target_type=model._meta.label_lower, target_id__in=ids)


def may_open(target_type: str, target_id: int, *, actor: Actor) -> bool:
    """Whether somebody sees a record that has a page, though its entries may not be theirs."""
    if target_type not in PAGES:
        return False
    rows: Any = apps.get_model(target_type)._default_manager
    return bool(rows.visible_to(actor).filter(pk=target_id).exists())


def subject_of(target_type: str, target_id: int) -> str | None:
    """What a record is called now, or was called by its newest entry; None if there is none."""
    try:
        model = apps.get_model(target_type)
    except (LookupError, ValueError):
        return None
    record = model._default_manager.filter(pk=target_id).first()
    if record is not None:
        return str(record)
    entry = AuditEntry.objects.filter(target_type=target_type, target_id=target_id).first()
    return entry.target_label if entry else None


def _of_campaign(pk: int) -> Related:
    of = {"campaign": pk}
    return {
        Hold: Hold.objects.filter(**of).values("pk"),
        Acknowledgement: Acknowledgement.objects.filter(**of).values("pk"),
        ReviewItem: ReviewItem.objects.filter(**of).values("pk"),
        Order: Order.objects.of_campaign(pk).values("pk"),
        Package: Package.objects.filter(**of).values("pk"),
        Addendum: Addendum.objects.filter(**of).values("pk"),
        Sample: Sample.objects.filter(**of).values("pk"),
    }


def _of_item(pk: int) -> Related:
    orders = Order.objects.filter(
        Q(review_items=pk) | Q(origin_type="reviews.reviewitem", origin_id=pk)
    )
    return {Order: orders.values("pk")}


def _of_agent(pk: int) -> Related:
    identities = Binding.objects.filter(agent=pk).values("identity")
    return {
        AgentClient: AgentClient.objects.filter(agent=pk).values("pk"),
        Binding: Binding.objects.filter(agent=pk).values("pk"),
        AgentFingerprint: AgentFingerprint.objects.filter(agent=pk).values("pk"),
        Credential: Credential.objects.filter(identity__in=identities).values("pk"),
        Grant: Grant.objects.filter(identity__in=identities).values("pk"),
        Issuance: Issuance.objects.of_agent(pk).values("pk"),
        AccessRequest: AccessRequest.objects.filter(agent=pk).values("pk"),
        BreakGlass: BreakGlass.objects.filter(agent=pk).values("pk"),
        ReviewItem: ReviewItem.objects.filter(agent=pk).values("pk"),
        Finding: Finding.objects.filter(agent=pk).values("pk"),
    }


def _of_identity(pk: int) -> Related:
    return {
        Binding: Binding.objects.filter(identity=pk).values("pk"),
        Credential: Credential.objects.filter(identity=pk).values("pk"),
        Grant: Grant.objects.filter(identity=pk).values("pk"),
    }


def _of_grant(pk: int) -> Related:
    return {
        AccessRequest: AccessRequest.objects.filter(grant=pk).values("pk"),
        BreakGlass: BreakGlass.objects.filter(grant=pk).values("pk"),
        Order: Order.objects.filter(grant=pk).values("pk"),
        ReviewItem: ReviewItem.objects.filter(grant=pk).values("pk"),
    }


def _of_credential(pk: int) -> Related:
    return {
        Order: Order.objects.filter(credential=pk).values("pk"),
        Rotation: Rotation.objects.of_credential(pk).values("pk"),
        Migration: Migration.objects.filter(credential=pk).values("pk"),
        ReviewItem: ReviewItem.objects.filter(credential=pk).values("pk"),
    }


def _of_request(pk: int) -> Related:
    of = {"request": pk}
    return {
        Vote: Vote.objects.filter(**of).values("pk"),
        RequestNote: RequestNote.objects.filter(**of).values("pk"),
        RemovalProposal: RemovalProposal.objects.filter(**of).values("pk"),
        Order: Order.objects.filter(origin_type="approvals.accessrequest", origin_id=pk).values(
            "pk"
        ),
        Grant: AccessRequest.objects.filter(pk=pk, grant__isnull=False).values("grant"),
    }


def _of_break_glass(pk: int) -> Related:
    orders = Order.objects.filter(origin_type="approvals.breakglass", origin_id=pk)
    return {
        Order: orders.values("pk"),
        Grant: BreakGlass.objects.filter(pk=pk).values("grant"),
    }


BELONGS: dict[str, Callable[[int], Related]] = {
    "approvals.accessrequest": _of_request,
    "approvals.breakglass": _of_break_glass,
    "reviews.campaign": _of_campaign,
    "reviews.reviewitem": _of_item,
    "inventory.agent": _of_agent,
    "inventory.identity": _of_identity,
    "inventory.credential": _of_credential,
    "grants.grant": _of_grant,
}
