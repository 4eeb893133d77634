"""What the agents of the tests are told, think, and answer."""

TASK = "Refund order A1, it came late."
THOUGHT = "It came late: I look it up."
DONE = "Order A1 is refunded."
