"""What a database of Citus takes otherwise than one of PostgreSQL alone."""
