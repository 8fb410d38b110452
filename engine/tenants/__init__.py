"""Many schemas with the same files: finding, adding and dropping them, and running on all."""
