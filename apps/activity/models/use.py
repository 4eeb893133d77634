from django.db import models

from apps.activity.querysets.hours import UseHourQuerySet


class UseHour(models.Model):
    """How often an identity made one API call in one hour, as the systems' logs tell.

    A projection of events and links, made anew for an hour that a late record touches. `agent_id`
    is whose run it is proven of, else the only agent bound to the identity, else null. `proven` are
    the calls that such a run also tells of; one that only carries its id is not explained by it.
    """

    log_id = models.IntegerField()
    hour = models.DateTimeField()
    system_id = models.BigIntegerField()
    identity_id = models.BigIntegerField()
    credential_id = models.BigIntegerField(default=0)
    agent_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=200)
    calls = models.IntegerField()
    proven = models.IntegerField()
    failed = models.IntegerField()
    denied = models.IntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = UseHourQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="activity_usehour_once",
                fields=["log_id", "hour", "identity_id", "credential_id", "name", "agent_id"],
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(name="activity_usehour_identity", fields=["identity_id", "hour"]),
            models.Index(name="activity_usehour_agent", fields=["agent_id", "hour"]),
            models.Index(name="activity_usehour_system", fields=["system_id", "hour"]),
            models.Index(name="activity_usehour_cred", fields=["credential_id", "hour"]),
        ]

    def __str__(self) -> str:
        return f"{self.calls} {self.name} in the hour of {self.hour:%Y-%m-%d %H}"
