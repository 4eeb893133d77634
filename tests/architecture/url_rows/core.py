from tests.architecture.url_matrix import PUBLIC, Row

ROWS = {"core:healthz": Row(PUBLIC), "core:readyz": Row(PUBLIC)}
