"""Somebody is called where signer, sealer, or sweeper found that the record is not what it was."""

from apps.core.actors import Actor
from apps.notices.services.pages import page_send
from apps.proof.models import Watch


def broken_logs_page(*, actor: Actor) -> int:
    """Page once for each trouble of each log, and again where it returns; how many there are."""
    watches = Watch.objects.in_trouble().of_what_is_sealed().select_related("log")
    for watch in watches:
        page_send(
            about=watch,
            subject=f"{watch.log} is not what was sealed: {watch.trouble}",
            body=(
                f"{watch.get_kind_display()}: {watch.trouble}\n\n"
                "Keep the database and the signer's files as they are. docs/proof.md says what"
                ' each means, under "When the signer stops".'
            ),
            severity="critical",
            team_id=None,
            dedupe_key=f"log:{watch.log.name}:{watch.kind}:{watch.trouble_since:%Y%m%dT%H%M%S}",
            actor=actor,
        )
    return len(watches)
