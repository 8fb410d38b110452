"""Models from a database: what is there, as a domain that states it."""
