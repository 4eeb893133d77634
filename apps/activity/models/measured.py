from django.contrib.postgres.fields import ArrayField
from django.db import models


class GrantUse(models.Model):
    """How often one grant would have allowed what its identity did on one day.

    `sole` counts the calls that no other live grant of the identity would have allowed: what would
    break without it. `sample_id` is the newest run of the day that such a call is proven to be of.
    A projection of `UseHour`, made anew when that or the grants change.
    """

    grant_id = models.BigIntegerField()
    day = models.DateField()
    calls = models.IntegerField()
    sole = models.IntegerField()
    last_at = models.DateTimeField()
    sample_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="activity_grantuse_once", fields=["grant_id", "day"])
        ]

    def __str__(self) -> str:
        return f"{self.calls} of grant {self.grant_id} on {self.day}"


class AllowedCall(models.Model):
    """One live grant would have allowed an identity's call of this name.

    Where its resources decide, `by_target`, for the calls of this target alone.
    """

    identity_id = models.BigIntegerField()
    system_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    target = models.CharField(max_length=200, blank=True)
    by_target = models.BooleanField(default=False)
    grant_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="activity_allowedcall_once",
                fields=["identity_id", "system_id", "name", "target", "by_target", "grant_id"],
            )
        ]
        indexes = [models.Index(name="activity_allowedcall_grant", fields=["grant_id"])]

    def __str__(self) -> str:
        return f"{self.name} by grant {self.grant_id}"


class UseBasis(models.Model):
    """The grants that an identity's use was last measured against, as one digest."""

    identity_id = models.BigIntegerField(primary_key=True)
    digest = models.CharField(max_length=64)
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Basis of identity {self.identity_id}"


class DriftedCall(models.Model):
    """What an agent did that no task of its purpose needs; `why` says what is missing.

    An API call that a system recorded; or, `is_told`, what the agent alone says it did, by no
    identity that is known.
    """

    agent_id = models.BigIntegerField()
    system_id = models.BigIntegerField()
    identity_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    service = models.CharField(max_length=80, blank=True)
    level = models.CharField(max_length=5)
    tags = ArrayField(models.CharField(max_length=20), default=list)
    why = models.CharField(max_length=200)
    calls = models.IntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    is_told = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="activity_driftedcall_once",
                fields=["agent_id", "system_id", "identity_id", "name"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of agent {self.agent_id}"


class OutsideCall(models.Model):
    """Calls of an identity that worked and that no grant of it would have allowed, as it stood
    then; or, with `is_told` false, of which that cannot be told, and why.

    From `since` until `until` its grants stayed as they were. Where resources decide, `by_target`,
    of the calls of this target alone.
    """

    identity_id = models.BigIntegerField()
    system_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    target = models.CharField(max_length=200, blank=True)
    by_target = models.BooleanField(default=False)
    is_told = models.BooleanField()
    why = models.CharField(max_length=100, blank=True)
    calls = models.IntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="activity_outsidecall_once",
                fields=["identity_id", "system_id", "name", "target", "by_target", "since"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of identity {self.identity_id}"
