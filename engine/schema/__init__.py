"""What PostgreSQL's catalogs say, as values that compare equal."""
