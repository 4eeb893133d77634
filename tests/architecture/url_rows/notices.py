from apps.core.actors import System
from apps.notices.services import notice_send
from tests.architecture.url_matrix import DECIDERS, STEWARDS, Row, inside
from tests.factories.accounts import UserFactory
from tests.factories.notices import RouteFactory, page_sent


def _notice():
    person = UserFactory()
    notice = notice_send(
        kind="test",
        recipient=person,
        about=person,
        subject="Hello",
        body="Hello.",
        dedupe_key="matrix",
        actor=System("test"),
    )
    return [notice.pk]


def _route():
    return [RouteFactory().pk]


def _page():
    return [page_sent().pk]


# A stranger's page does not exist for them; an auditor reads of it in the record.
CALLED = inside(404, 200, 403, 403)

ROWS = {
    "notices:notice_list": Row(STEWARDS),
    "notices:notice_detail": Row(STEWARDS, _notice),
    # It waits, so not even a steward may send it again.
    "notices:notice_retry": Row(STEWARDS, _notice, method="post", overrides={"steward": 403}),
    "notices:page_list": Row(DECIDERS),
    "notices:page_detail": Row(CALLED, _page),
    "notices:page_acknowledge": Row(CALLED, _page, method="post"),
    "notices:page_resolve": Row(CALLED, _page, method="post"),
    "notices:route_list": Row(STEWARDS),
    "notices:route_new": Row(STEWARDS, lambda: ["pagerduty"]),
    "notices:route_detail": Row(STEWARDS, _route),
    "notices:route_test": Row(STEWARDS, _route, method="post"),
    "notices:route_retire": Row(STEWARDS, _route),
}
