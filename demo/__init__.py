"""A provider that never was: branches, customers and months of their history, by a seed."""
