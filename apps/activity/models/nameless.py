from django.db import models


class Nameless(models.Model):
    """A record of which its collector did not say whose it is, and whose it is all the same.

    `agent_id` is the agent that the same collector named in what the record lies in, or the only
    one that it named under the id; none, where that is not known. The record stays as it was
    sealed: of no agent. An agent's own client says whose its records are, and has none here.
    """

    log_id = models.IntegerField()
    leaf_index = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    happened_at = models.DateTimeField()
    trace_id = models.UUIDField()
    kind = models.CharField(max_length=10)
    agent_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="activity_nameless_once", fields=["log_id", "leaf_index"], include=["agent_id"]
            )
        ]
        indexes = [
            models.Index(name="activity_nameless_trace", fields=["log_id", "trace_id"]),
            models.Index(
                name="activity_nameless_agent",
                fields=["agent_id", "happened_at"],
                condition=models.Q(agent_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Record {self.leaf_index}"
