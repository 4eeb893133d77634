from django.db import models


class WatchKind(models.TextChoices):
    SIGNER = "signer", "Signer"
    SWEEPER = "sweeper", "Sweeper"
    SEALER = "sealer", "Sealer"
    # Not of what is sealed: whether the tables for what comes are there.
    KEEPER = "keeper", "Partitions"
