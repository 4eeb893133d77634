from tests.architecture.url_matrix import EVERYBODY, Row

ROWS = {
    "rotation:due_list": Row(EVERYBODY),
    "rotation:due_calendar": Row(EVERYBODY),
}
