"""For the tests of domains: a database of one's own, and schemas held to the law of generate.

Needs the development extra, for Hypothesis.
"""

from engine.testing.databases import migrated_template, scratch_database
from engine.testing.generate_law import GenerateLaw
from engine.testing.law import Law
from engine.testing.strategies import pairs as schema_pairs

__all__ = ["GenerateLaw", "Law", "migrated_template", "schema_pairs", "scratch_database"]
