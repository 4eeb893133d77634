import pytest

from apps.reviews.differences import ADDED, MOST_WORDS, REMOVED, SAME, design_changed, words_changed
from tests.factories.reviews import CampaignFactory, DecisionFactory, ReviewItemFactory

OLD = "Answers tickets from customers & closes them."
NEW = "Answers <b>urgent</b> tickets from customers & escalates them."


def told(pieces):
    return [(piece.kind, piece.text) for piece in pieces]


def test_a_text_is_compared_word_by_word():
    assert told(words_changed(OLD, NEW)) == [
        (SAME, "Answers"),
        (ADDED, "<b>urgent</b>"),
        (SAME, "tickets from customers &"),
        (REMOVED, "closes"),
        (ADDED, "escalates"),
        (SAME, "them."),
    ]


def test_a_text_too_long_to_compare_is_shown_as_replaced():
    old, new = "a " * MOST_WORDS, "a b " * MOST_WORDS

    assert [piece.kind for piece in words_changed(old, new)] == [REMOVED, ADDED]


def test_only_parts_that_both_designs_name_are_compared_and_the_order_of_tasks_is_none():
    old = {"purpose": OLD, "tasks": ["Answer", "Close"], "model": "small", "owner": "Ada"}
    new = {"purpose": OLD, "tasks": ["Close", "Answer"], "model": "large", "version": "2"}

    [model] = design_changed(old, new)

    assert (model.part, told(model.pieces)) == ("Model", [(REMOVED, "small"), (ADDED, "large")])


def test_tasks_are_compared_one_by_one():
    old, new = {"tasks": ["Answer", "Close"]}, {"tasks": ["Answer", "Escalate"]}

    [tasks] = design_changed(old, new)

    assert told(tasks.pieces) == [(SAME, "“Answer”"), (ADDED, "“Escalate”"), (REMOVED, "“Close”")]


def test_of_instructions_only_the_digest_is_compared_and_that_is_said():
    [told] = design_changed({"instructions_sha256": "a" * 64}, {"instructions_sha256": "b" * 64})

    assert [piece.text for piece in told.pieces] == ["a" * 12, "b" * 12]
    assert "their words cannot be compared" in told.note


@pytest.fixture
def item(reviewer):
    """An open item of an agent whose purpose was another when it was last reviewed."""
    item = ReviewItemFactory(reviewer=reviewer, frozen={"agent": {"purpose": NEW}})
    item.agent.purpose = NEW
    item.agent.save()
    earlier = CampaignFactory(closed=True, name="The review before")
    DecisionFactory(
        item=ReviewItemFactory(
            campaign=earlier,
            agent=item.agent,
            grant=item.grant,
            bound=False,
            frozen={"agent": {"purpose": OLD}},
        )
    )
    return item


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["bench", "item"])
def test_the_difference_since_the_last_review_is_shown_escaped_and_not_by_colour_alone(
    as_reviewer, item, where
):
    bench = f"/reviews/bench/{item.campaign_id}/agents/{item.agent_id}/"

    page = as_reviewer.get(bench if where == "bench" else item.get_absolute_url()).text

    assert "The review before" in page
    assert (
        '<ins><span class="visually-hidden">added: </span>&lt;b&gt;urgent&lt;/b&gt;</ins>' in page
    )
    assert '<del><span class="visually-hidden">removed: </span>closes</del>' in page
    assert "tickets from customers &amp;" in page
