from tests.architecture.url_matrix import RECORD, Row, inside
from tests.factories.reviews import ReviewItemFactory


def _item():
    return [ReviewItemFactory().pk]


def _campaign():
    return [ReviewItemFactory().campaign_id]


def _of_agent():
    item = ReviewItemFactory()
    return [item.campaign_id, item.agent_id]


def _comment():
    return [ReviewItemFactory().pk, "comment"]


# The bench is for those who are given items: auditors have none, and a stranger sees no campaign.
BENCH = inside(404, 200, 403, 403)
# Deciding takes the reviewer it is assigned to; a steward reads it and decides nothing.
DECIDE = inside(404, 403, 403, 403)

# An agent stands on the bench of whoever has items of it; on nobody else's.
OWN_ITEMS = inside(404, 404, 403, 403)

ROWS = {
    "reviews:bench": Row(BENCH, _campaign),
    "reviews:bench_owner": Row(BENCH, _campaign),
    "reviews:bench_agent": Row(OWN_ITEMS, _of_agent),
    "reviews:bench_progress": Row(OWN_ITEMS, _of_agent),
    "reviews:bench_revoke": Row(OWN_ITEMS, _of_agent),
    "reviews:bench_submit": Row(BENCH, _campaign),
    "reviews:item_detail": Row(RECORD, _item),
    "reviews:item_breaks": Row(RECORD, _item),
    "reviews:item_card": Row(DECIDE, _item),
    "reviews:item_draft": Row(DECIDE, _item, method="post"),
    "reviews:item_undo": Row(DECIDE, _item, method="post"),
    "reviews:item_reassign": Row(RECORD, _item),
    "reviews:item_reroute": Row(DECIDE, _item, method="post"),
    "reviews:item_note": Row(RECORD, _comment),
}
