"""What a package of an incident holds: a killed credential, what it did, and its end."""
