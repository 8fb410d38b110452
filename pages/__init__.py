"""Pages of the schema: what the domains make, for people who read rather than run.

Facts come from the catalogs of a scratch database and from the registry; each writer turns them
into one kind of page. Nothing live is asked.
"""
