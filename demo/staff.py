"""What the staff and the system do day by day: log-ins, what is put on record, backups."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from demo import tokens
from demo.moments import DAY, HOUR, MINUTE
from demo.plan import GOLDEN
from domains.auth.models import UserSession
from domains.backups.models import Backup, BackupStatus
from domains.plugins.models import PluginErrorLog
from domains.system.models import ActivityLog

if TYPE_CHECKING:
    from demo.story import Story
    from demo.world import Branch, Member

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0",
    "Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile",
)
HOURS_OF_A_SESSION = 9
FIRST_SIZE, BYTES_A_DAY = 40_000_000, 900_000


def begin(story: Story) -> None:
    """Await the first day."""
    _await(story, story.plan.start)


def did(
    story: Story,
    moment: int,
    branch: Branch,
    member: Member,
    action: str,
    target_type: str | None = None,
    target_id: int | None = None,
) -> None:
    """Put on record what someone did."""
    story.book[ActivityLog].add(
        admin_user=member.id,
        username=member.username,
        location=branch.id,
        action=action,
        target_type=target_type,
        target_id=target_id,
        ip=_address(branch, member),
        created_at=moment,
    )


def log_in(story: Story, moment: int, branch: Branch, member: Member) -> None:
    """A member's session, which lasts over the working day."""
    sheet = story.book[UserSession]
    number = sheet.last_id + 1
    sheet.add(
        admin_user=member.id,
        token_hash=tokens.digest(f"{story.plan.seed}/session/{number}"),
        ip=_address(branch, member),
        user_agent=BROWSERS[number % len(BROWSERS)],
        expires_at=moment + HOURS_OF_A_SESSION * HOUR,
        revoked_at=moment + 8 * HOUR if number % 3 and moment + 8 * HOUR < story.now else None,
        created_at=moment,
    )
    did(story, moment, branch, member, "sessions.open")


def _await(story: Story, day: date) -> None:
    story.at(story.branches[0].zone.moment(day, 2 * HOUR), _day, day)


def _day(story: Story, moment: int, day: date) -> None:
    _await(story, day + timedelta(1))
    names = ["daily"]
    names += ["weekly"] if day.weekday() == 6 else []
    names += ["monthly"] if day.day == 1 else []
    for number, name in enumerate(names):
        back_up(story, moment + number * HOUR // 2, schedule=story.seeded.schedules[name])
    for branch in story.branches:
        for member in branch.staff:
            luck = (day.toordinal() * 7 + member.id) * GOLDEN % 1
            if luck < 0.8:
                begun = branch.zone.moment(day, 7 * HOUR + int(luck * 2 * HOUR))
                story.at(begun, log_in, branch, member)
    if day.day % 9 == 0:
        _plugin_failed(story, moment + HOUR)


def back_up(story: Story, moment: int, **values: Any) -> None:
    """A backup of the night; a few fail, and one that is not over yet runs."""
    sheet = story.book[Backup]
    number = sheet.last_id + 1
    ended = moment + 4 * MINUTE
    if ended >= story.now:
        result: dict[str, Any] = {"status": BackupStatus.RUNNING}
    elif number % 40 == 7:
        error = "pg_dump: error: could not write to file: No space left on device"
        result = {"status": BackupStatus.FAILED, "finished_at": ended, "error": error}
    else:
        result = {
            "status": BackupStatus.COMPLETED,
            "finished_at": ended,
            "path": f"backups/billing-{number:06}.dump",
            "size_bytes": FIRST_SIZE + (moment - story.begins) // DAY * BYTES_A_DAY,
            "sha256": tokens.digest(f"{story.plan.seed}/backup/{number}"),
        }
    sheet.add(started_at=moment, created_at=moment, updated_at=moment, **values | result)


def _plugin_failed(story: Story, moment: int) -> None:
    story.book[PluginErrorLog].add(
        plugin=story.seeded.plugins["duitku"],
        error_type="TimeoutError",
        message="the provider did not answer within 30 seconds",
        context={"operation": "create_payment"},
        created_at=moment,
    )


def _address(branch: Branch, member: Member) -> str:
    return f"10.{branch.id % 250}.0.{member.id % 250 + 1}"
