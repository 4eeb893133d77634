from django.db.models import Model

from apps.notices.models import Notice
from apps.notices.querysets import NoticeQuerySet


def notices_about(record: Model) -> NoticeQuerySet:
    """The contact log of a record: who was written to, when, and what the mail server said.

    Whoever may see the record may see its log; callers decide that before they ask.
    """
    return Notice.objects.about(record).for_table()
