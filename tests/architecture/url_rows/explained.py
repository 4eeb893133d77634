from tests.architecture.url_matrix import EVERYBODY, RECORD, Row
from tests.factories.inventory import AgentFactory, CredentialFactory, IdentityFactory

ROWS = {
    "activity:call_list": Row(EVERYBODY),
    "activity:deed_list": Row(EVERYBODY),
    "activity:agent_explained": Row(RECORD, lambda: [AgentFactory().pk]),
    "activity:identity_calls": Row(RECORD, lambda: [IdentityFactory().pk]),
    "activity:credential_calls": Row(RECORD, lambda: [CredentialFactory().pk]),
}
