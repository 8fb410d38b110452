"""The command line: `invoke --list` shows the tasks, `invoke --help TASK` what one takes.

Each task parses, asks, calls the engine and prints; they stand in commands/, each module named
after the task it holds or the first of them. A task's module is imported when the task is asked
for, and whatever is heavy inside the task that needs it.
"""

from __future__ import annotations

from invoke.main import program

from commands.command_line import CommandLine

TASKS = {
    "Migrations": {
        "status": "commands.migrate:status",
        "migrate": "commands.migrate:migrate",
        "rollback": "commands.migrate:rollback",
        "adopt": "commands.migrate:adopt",
    },
    "Writing them": {
        "domain.new": "commands.domain:domain_new",
        "inspect": "commands.inspect:inspect",
        "domains": "commands.domains:domains",
        "generate": "commands.generate:generate",
        "check": "commands.check:check",
        "renumber": "commands.renumber:renumber",
        "sql": "commands.sql:sql_script",
    },
    "Starting again": {
        "fresh": "commands.fresh:fresh",
        "reset": "commands.fresh:reset",
        "demo": "commands.demo:demo",
    },
    "Backups": {
        "backup": "commands.backup:backup",
        "restore": "commands.backup:restore",
    },
    "Many providers": {
        "tenants": "commands.tenants:tenants_list",
        "tenants.add": "commands.tenants:tenants_add",
        "tenants.drop": "commands.tenants:tenants_drop",
    },
    "Branches": {
        "branches": "commands.branches:branches_list",
        "branches.key": "commands.branches:branches_key",
        "branches.on": "commands.branches:branches_on",
        "branches.off": "commands.branches:branches_off",
    },
    "The database": {
        "db.start": "commands.db:db_start",
        "db.stop": "commands.db:db_stop",
        "db.prepare": "commands.db:db_prepare",
        "db.shell": "commands.db:db_shell",
        "env.set": "commands.env:env_set",
        "roles": "commands.roles:roles",
    },
    "Passwords and keys": {
        "admin.password": "commands.admin:admin_password",
        "secrets.key": "commands.secrets:secrets_key",
        "secrets.rotate": "commands.secrets:secrets_rotate",
    },
    "The project": {
        "docs": "commands.docs:docs",
        "test": "commands.test:test",
    },
}

CommandLine.take_over(program, TASKS)
