from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.approvals.querysets.policies import GroupQuerySet
from apps.approvals.states import GroupKey
from apps.core.links import record_href


class Group(models.Model):
    """People a requirement may turn to by name. `key` marks the four that rules know themselves.

    A group with nobody in it means nobody: no break-glass, no security approval.
    """

    name = models.CharField(max_length=100, unique=True)
    key = models.CharField(max_length=12, choices=GroupKey, blank=True, default="", editable=False)
    purpose = models.TextField(blank=True)
    members: models.ManyToManyField = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="GroupMember", related_name="approver_groups"
    )
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = GroupQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="approvals_group_key_known", condition=Q(key__in=["", *GroupKey.values])
            ),
            models.UniqueConstraint(
                name="approvals_group_key_once", fields=["key"], condition=~Q(key="")
            ),
        ]
        indexes = [models.Index(name="approvals_group_name", fields=["name", "id"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("approvals:group_detail", self.pk)


class GroupMember(models.Model):
    group = models.ForeignKey(Group, models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="approvals_groupmember_once", fields=["group", "person"]),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.group}"
