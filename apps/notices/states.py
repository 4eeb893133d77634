from django.db import models


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENT = "sent", "Handed to the mail server"
    FAILED = "failed", "Failed"
