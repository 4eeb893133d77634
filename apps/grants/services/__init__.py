"""Everything that writes grants, justifications, permissions, and fingerprints."""
