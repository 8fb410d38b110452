"""The engine is the guest of any program: it knows neither what the rows are for nor how a task is
typed. What it says of that comes from the Project that it is given."""

from __future__ import annotations

import re

from tests.support.project import ROOT

# What this program is about, how its tasks are typed, and what its settings are called.
OURS = re.compile(
    "invoke |billing|mikrotik|customer|voucher|jakarta|/var/lib"
    "|(?-i:[A-Z_]*DATABASE_URL|DB_[A-Z]+)",
    re.IGNORECASE,
)
# Where settings have names by default.
DEFAULTS = {
    *("DATABASE_URL", "MIGRATION_DATABASE_URL", "SCRATCH_DATABASE_URL"),
    *("DB_TIMEZONE", "DB_ROLES"),
}
NAMED = {"engine/project.py": DEFAULTS}


def test_no_text_of_the_engine_knows_its_host() -> None:
    known = []
    for path in sorted((ROOT / "engine").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            words = set(OURS.findall(line)) - NAMED.get(name, set())
            if words:
                known.append(f"{name}:{number} {sorted(words)}")
    assert known == []
