from apps.core.actors import Actor, Person, Role, reads_everything
from apps.core.policies import ALLOW, Verdict, deny
from apps.notices.models import Notice, Page, Route
from apps.notices.states import DeliveryStatus, PageState

AUDITORS_READ = "An auditor reads and exports; they change nothing."


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


def can_browse_routes(actor: Actor) -> Verdict:
    if reads_everything(actor):
        return ALLOW
    return deny("Only a steward sees where pages go.")


def can_make_routes(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward says where pages go.")


def can_test_route(actor: Actor, route: Route) -> Verdict:
    if route.retired_at is not None:
        return deny("This route is retired: nothing goes there any more.")
    return _steward(actor, "Only a steward may test a route.")


def can_retire_route(actor: Actor, route: Route) -> Verdict:
    if route.retired_at is not None:
        return deny("This route is retired already.")
    return _steward(actor, "Only a steward may retire a route.")


def can_change_ladder(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward says who is on call.")


def can_browse_pages(actor: Actor) -> Verdict:
    """Open the list; whose pages stand on it is for `Page.objects.visible_to`."""
    if reads_everything(actor) or actor.role == Role.REVIEWER:
        return ALLOW
    if actor.role == Role.AUDITOR:
        return deny("An auditor finds in the record what became of each page.")
    return deny("Only those who may be on call see pages.")


def can_acknowledge(actor: Actor, page: Page) -> Verdict:
    """A steward, or somebody of the team or the ladder; never whose act it is about."""
    verdict = can_answer(actor, page)
    if verdict and page.state != PageState.SENT:
        return deny(f"The page is {page.get_state_display().lower()} already.")
    return verdict


def can_resolve(actor: Actor, page: Page) -> Verdict:
    verdict = can_answer(actor, page)
    if verdict and page.state == PageState.RESOLVED:
        return deny("The page is resolved already.")
    return verdict


def can_answer(actor: Actor, page: Page) -> Verdict:
    """Whoever may say anything about a page, whatever its state."""
    if not isinstance(actor, Person):
        return deny("A page is answered by a person.")
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if actor.user.pk == page.caused_by_id:
        return deny("It is about what you did yourself. Somebody else has to look.")
    if not Page.objects.visible_to(actor).filter(pk=page.pk).exists():
        return deny("Only somebody of the team, or who is on its ladder, may answer it.")
    return ALLOW


def _steward(actor: Actor, reason: str) -> Verdict:
    if reads_everything(actor):
        return ALLOW
    return deny(AUDITORS_READ if actor.role == Role.AUDITOR else reason)
