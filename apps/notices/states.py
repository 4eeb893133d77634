from django.db import models


class By(models.TextChoices):
    MAIL = "mail", "Mail"
    CHAT = "chat", "Chat"


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENT = "sent", "Handed over"
    FAILED = "failed", "Failed"
