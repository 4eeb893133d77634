"""What a package of requests holds: one request from asking to end, or those of a period."""
