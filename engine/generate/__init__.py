"""Writing the next migrations: from what the domains ask for to proven files."""
