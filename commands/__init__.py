"""The tasks, in modules named as they are typed; tasks.py puts them together."""

from __future__ import annotations

import sys

# invoke keeps Python from caching what it has compiled, so each task would compile all of this.
# Here, since this is what is imported first.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
