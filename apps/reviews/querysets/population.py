"""Which grants and credentials a scope holds. The one place that turns a scope into conditions."""

from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.findings.models import Finding
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding, Credential, Identity
from apps.reviews.scope import CREDENTIAL, GRANT, Scope


def grants_in(scope: Scope) -> models.QuerySet[Grant]:
    """Grants held now that the scope asks about; none where it asks about credentials alone."""
    if GRANT not in scope.subjects:
        return Grant.objects.none()
    rows = Grant.objects.present()
    if not scope.include_service_linked:
        rows = rows.service_linked(linked=False)
    return _limited_grants(rows, scope)


def credentials_in(scope: Scope) -> models.QuerySet[Credential]:
    """Credentials that count now and that the scope asks about."""
    if CREDENTIAL not in scope.subjects:
        return Credential.objects.none()
    rows = Credential.objects.standing()
    if not scope.include_service_linked:
        rows = rows.service_linked(linked=False)
    return _limited_credentials(rows, scope)


def _limited_grants(rows: models.QuerySet[Grant], scope: Scope) -> models.QuerySet[Grant]:
    if scope.levels:
        rows = rows.filter(level__in=scope.levels)
    if scope.systems:
        rows = rows.filter(system__in=scope.systems)
    if scope.tags:
        rows = rows.filter(system__tags__overlap=list(scope.tags))
    if scope.beyond:
        rows = rows.exclude(review_items__campaign=scope.beyond)
    return _limited_by_agent(_with_findings(rows, scope), scope, environment="system__environment")


def _limited_credentials(
    rows: models.QuerySet[Credential], scope: Scope
) -> models.QuerySet[Credential]:
    if scope.levels:
        held = Grant.objects.present().filter(identity=OuterRef("identity"), level__in=scope.levels)
        rows = rows.filter(Exists(held))
    if scope.systems:
        rows = rows.filter(identity__system__in=scope.systems)
    if scope.tags:
        rows = rows.filter(identity__system__tags__overlap=list(scope.tags))
    if scope.beyond:
        rows = rows.exclude(review_items__campaign=scope.beyond)
    return _limited_by_agent(
        _with_findings(rows, scope), scope, environment="identity__system__environment"
    )


def _limited_by_agent[M: models.Model](
    rows: models.QuerySet[M], scope: Scope, *, environment: str
) -> models.QuerySet[M]:
    """Keep what an agent of the scope's teams, environments, or agents may use."""
    bound = Binding.objects.live()
    if scope.agents:
        rows = rows.filter(_used_by(bound.filter(agent__in=scope.agents)))
    if scope.teams:
        rows = rows.filter(_used_by(bound.filter(agent__team__in=scope.teams)))
    if scope.environments:
        rows = rows.filter(
            Q(**{f"{environment}__in": scope.environments})
            | _used_by(bound.filter(agent__environment__in=scope.environments))
        )
    return rows


def _used_by(bound: models.QuerySet[Binding]) -> Q:
    """A set found once: a condition on the row, joined by `or`, is asked again for every row."""
    return Q(identity__in=bound.order_by().values("identity"))


def _with_findings[M: models.Model](rows: models.QuerySet[M], scope: Scope) -> models.QuerySet[M]:
    """Keep what a standing finding is about: the record itself, its identity, or its agent."""
    if not scope.findings:
        return rows
    standing = Finding.objects.standing().filter(rule__in=scope.findings)
    agents = _subjects_of(standing, Agent)
    return rows.filter(
        Q(pk__in=_subjects_of(standing, rows.model))
        | Q(identity__in=_subjects_of(standing, Identity))
        | _used_by(Binding.objects.live().filter(agent__in=agents))
    )


def _subjects_of(findings: models.QuerySet[Finding], model: type[models.Model]) -> Any:
    label = model._meta.label_lower
    return findings.order_by().filter(subject_type=label).values("subject_id")
