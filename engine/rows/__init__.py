"""What files do to rows that are there: what would be lost, and what is in their way."""
