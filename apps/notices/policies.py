from apps.core.actors import Actor, reads_everything
from apps.core.policies import ALLOW, Verdict, deny
from apps.notices.models import Notice
from apps.notices.states import DeliveryStatus


def can_browse(actor: Actor) -> Verdict:
    if reads_everything(actor):
        return ALLOW
    return deny("Only a steward sees what was mailed to whom.")


def can_retry(actor: Actor, notice: Notice) -> Verdict:
    if not reads_everything(actor):
        return deny("Only a steward may send a notice again.")
    if notice.delivery.status != DeliveryStatus.FAILED:
        return deny("Only a notice that failed can be sent again.")
    return ALLOW
