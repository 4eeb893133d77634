"""Packages of what agents did: an invocation, an agent's period, or everything in a period."""
