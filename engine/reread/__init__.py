"""What was written in the catalogs since they were last read, and reading that alone."""
