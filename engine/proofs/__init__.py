"""What was proven once, kept until something changes that it depends on."""
