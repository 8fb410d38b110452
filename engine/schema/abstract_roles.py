"""The roles that files name, and what says which role of the cluster each of them is.

A file cannot know what a cluster calls its roles, so it names abstract ones (`app`, `report`). The
setting engine.roles of a session says which role each of them is there, as JSON: {"app":
"shop_app"}. One that it does not name is granted nothing, and nothing is read of it.
"""

from __future__ import annotations

import re

PUBLIC = "PUBLIC"
SETTING = "engine.roles"
MAPPED = f"nullif(current_setting('{SETTING}', true), '')::json"
ASKED = re.compile(rf"{re.escape(MAPPED)} ->> '(\w+)'")
NAMES = f"""
    SELECT m.key FROM json_each_text({MAPPED}) m JOIN pg_roles r ON r.rolname = m.value
    ORDER BY 1
"""


def asked(text: str) -> list[str]:
    """The abstract roles that a file grants something."""
    return sorted(set(ASKED.findall(text)))
