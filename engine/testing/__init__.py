"""For the tests of domains: schemas of one's own held to the law that generate obeys."""
