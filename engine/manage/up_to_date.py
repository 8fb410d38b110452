"""Whether a `migrate` would do nothing: one connection and one look at the files, without the lock.

Whoever holds the lock may apply a file meanwhile; until that is committed it is pending here, and
the run that follows waits for the lock. What is applied stays so.
"""

from __future__ import annotations

from contextlib import closing

from engine.connect.connection import connect
from engine.files import history, migration_folder, role_table
from engine.project import Project
from engine.run import operator_notices, time_zone


def notices_if_up_to_date(project: Project, zone: str | None) -> tuple[str, ...] | None:
    """What the database has to tell its operator; None where there is anything to do or to refuse.

    zone: the time zone that the database shall have, where one is named. Raises what connect(),
    reading the history, and roles that do not fit raise.
    """
    with closing(connect(project, autocommit=True, writing=True)) as connection:
        if connection.pooled:  # whether migrations can be run there has to be found out
            return None
        if project.roles:
            role_table.settled(connection, project)
        cursor = connection.cursor()
        known = history.read(cursor, migration_folder.find(project.migrations), project)
        if known.problems or known.pending or known.moved or known.unfinished:
            return None
        chosen = time_zone.chosen(cursor)
        if chosen != (zone or chosen or project.time_zone):
            return None
        return operator_notices.read(cursor)
