from tests.architecture.url_matrix import EVERYBODY, Row

ROWS = {
    "console:home": Row(EVERYBODY),
    "console:nav_counts": Row(EVERYBODY),
    "console:search": Row(EVERYBODY, query="?q=agent"),
}
