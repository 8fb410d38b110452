"""The command line: `invoke --list` shows the tasks, `invoke --help TASK` what one takes.

Each task parses, asks, calls the engine and prints; they stand in commands/, each module named
after the task it holds or the first of them. Whatever is heavy is imported inside the task that
needs it.
"""

from __future__ import annotations

from invoke.collection import Collection
from invoke.main import program

from commands.admin import admin_password
from commands.backup import backup, restore
from commands.check import check
from commands.command_line import CommandLine, Tasks
from commands.db import db_shell, db_start, db_stop
from commands.demo import demo
from commands.docs import docs
from commands.domain import domain_new
from commands.domains import domains
from commands.env import env_set
from commands.fresh import fresh, reset
from commands.generate import generate
from commands.inspect import inspect
from commands.migrate import adopt, migrate, rollback, status
from commands.renumber import renumber
from commands.roles import roles
from commands.secrets import secrets_key, secrets_rotate
from commands.sql import sql_script
from commands.tenants import tenants_add, tenants_drop, tenants_list
from commands.test import test

namespace = Tasks(
    *(migrate, rollback, fresh, reset, backup, restore, adopt, status, check, generate),
    *(renumber, roles, domains, inspect, docs, demo, test),
)
namespace.add_task(sql_script)
namespace.add_collection(Collection("db", db_start, db_stop, db_shell))
namespace.add_collection(Collection("domain", domain_new))
namespace.add_collection(Collection("admin", admin_password))
namespace.add_collection(Collection("env", env_set))
namespace.add_collection(Collection("secrets", secrets_key, secrets_rotate))
tenants = Collection("tenants", tenants_add, tenants_drop)
tenants.add_task(tenants_list, default=True)
namespace.add_collection(tenants)

# invoke offers a project no way to change its messages and options: its program becomes ours.
program.__class__ = CommandLine
