from tests.architecture.url_matrix import EVERYBODY, RECORD, Row
from tests.factories.inventory import AgentFactory
from tests.factories.issuing import IssuanceFactory


def _issued():
    return [IssuanceFactory().pk]


ROWS = {
    "issuing:issuance_list": Row(EVERYBODY),
    "issuing:issuance_detail": Row(RECORD, _issued),
    "issuing:issuance_end": Row(RECORD, _issued, overrides={"auditor": 403}),
    "issuing:agent_panel": Row(RECORD, lambda: [AgentFactory(active=True).pk]),
}
