"""Make an environment, start what Countersign needs, and supervise it."""
