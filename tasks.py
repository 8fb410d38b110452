"""The command line: `invoke --list` shows the tasks, `invoke --help TASK` what one takes.

Each task parses, asks, calls the engine and prints; they stand in commands/, by subject. Whatever
is heavy is imported inside the task that needs it.
"""

from __future__ import annotations

import sys

from invoke.collection import Collection

from commands.checking import check
from commands.data import backup, demo, restore
from commands.migrating import adopt, migrate, rollback, status
from commands.secrecy import admin_password, secrets_key, secrets_rotate
from commands.servers import db_shell, db_start, db_stop, env_set, test
from commands.wiping import fresh, reset
from commands.writing import domains, generate, renumber, sql_script

# invoke keeps Python from caching what it has compiled, so each task would compile the engine anew.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

namespace = Collection(
    *(migrate, rollback, fresh, reset, backup, restore, adopt, status, check, generate),
    *(renumber, domains, demo, test),
)
namespace.add_task(sql_script)
namespace.add_collection(Collection("db", db_start, db_stop, db_shell))
namespace.add_collection(Collection("admin", admin_password))
namespace.add_collection(Collection("env", env_set))
namespace.add_collection(Collection("secrets", secrets_key, secrets_rotate))
