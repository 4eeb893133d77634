from django.db import models


class WatchKind(models.TextChoices):
    SIGNER = "signer", "Signer"
    SWEEPER = "sweeper", "Sweeper"
    SEALER = "sealer", "Sealer"
