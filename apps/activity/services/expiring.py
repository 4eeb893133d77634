"""Words that end with their age: erased as one that was approved is, and by nobody's hand.

Only the words go. The header, its leaf, and every proof stay, and every page says "erased".
"""

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from apps.activity.models import Archive, Cursor
from apps.activity.selectors.archived import archive_folder
from apps.activity.selectors.keeping import month_after
from apps.activity.services.archive_parts import erased_text
from apps.activity.services.archiving import archive_held, archive_words_remove
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.proof.models import Log

NAME = "old-words"
CHUNK = 20_000
MOST_CHUNKS = 200
CALL = "SELECT erased, before_leaf FROM activity_erase_old_words(%s, %s, %s)"


def words_expire(*, actor: Actor) -> int:
    """Erase words past their days, here and in the archive; returns how many. Raises `Busy`.

    Each chunk commits with its entry in the record, and the next run goes on where this one ended.
    """
    days = preference("words_days")
    log = Log.objects.filter(name="activity").first()
    if not days or log is None:
        return 0
    Cursor.objects.get_or_create(name=NAME)
    done = 0
    with archive_held():
        for _ in range(MOST_CHUNKS):
            erased, has_moved = _chunk(log, days, actor)
            done += erased
            if not has_moved:
                break
        return done + _in_archive(days, actor)


@transaction.atomic
def _chunk(log: Log, days: int, actor: Actor) -> tuple[int, bool]:
    """How many were erased, and whether there may be more."""
    cursor = Cursor.objects.select_for_update().get(name=NAME)
    with connection.cursor() as database:
        database.execute(CALL, [log.pk, cursor.leaf, CHUNK])
        erased, before = database.fetchone()
    if erased:
        record(
            actor=actor,
            verb=Verb.WORDS_EXPIRED,
            target=log,
            changes={
                "erased": (None, erased),
                "from leaf": (None, cursor.leaf),
                "before leaf": (None, before),
                "after days": (None, days),
            },
        )
    has_moved = before > cursor.leaf
    if has_moved:
        cursor.leaf = before
        cursor.save(update_fields=["leaf"])
    return erased, has_moved


def _in_archive(days: int, actor: Actor) -> int:
    """Months that are in files alone, once the last day of them is past its time."""
    now, done = timezone.now(), 0
    until = (now - timedelta(days=days)).date()
    for archive in Archive.objects.dropped().filter(payloads__gt=0).order_by("month"):
        if month_after(archive.month) > until:
            continue
        folder = archive_folder(archive)
        gone = {
            words["i"]: erased_text(now)
            for part in folder.manifest()["parts"]
            for words in folder.words(part)
            if "erased" not in words
        }
        archive_words_remove(archive, gone, actor)
        done += len(gone)
    return done
