from tests.architecture.url_matrix import EVERYBODY, RECORD, STEWARDS, Row
from tests.factories.findings import FindingFactory


def _finding():
    return [FindingFactory().pk]


def _act(name):
    return lambda: [FindingFactory().pk, name]


ROWS = {
    "findings:finding_list": Row(EVERYBODY),
    "findings:recheck": Row(STEWARDS, method="post"),
    "findings:agent_panel": Row(RECORD, lambda: [FindingFactory().agent_id]),
    "findings:finding_detail": Row(RECORD, _finding),
    "findings:finding_act": Row(RECORD, _act("acknowledge"), overrides={"auditor": 403}),
}
