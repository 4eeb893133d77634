from apps.core.actors import System
from apps.notices.services import notice_send
from tests.architecture.url_matrix import STEWARDS, Row
from tests.factories.accounts import UserFactory


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


ROWS = {
    "notices:notice_list": Row(STEWARDS),
    "notices:notice_detail": Row(STEWARDS, _notice),
    # It waits, so not even a steward may send it again.
    "notices:notice_retry": Row(STEWARDS, _notice, method="post", overrides={"steward": 403}),
}
