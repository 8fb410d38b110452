"""What lies in a schema, or is so of it, and is not managed: named, and left alone."""
