"""What git knows of the migration files: where a missing one is, and which others have, too.

Asked only where something is wrong, or a file is to be replaced. Where there is no git, no
repository, or one of another user, nothing is known.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

from engine.files.migration_file import checksum_of, title_of
from engine.project import Project

# The branch that all work goes to; the last one is that of the branch that is checked out.
MAIN_LINES = ("origin/HEAD", "origin/main", "origin/master", "@{upstream}")
PATIENCE = 10  # seconds
MOST_COMMITS = "50"  # that are looked through for one file
ELSEWHERE = "restore it from the release that this database was migrated with, or from a backup"


def shown(project: Project, name: str) -> str:
    """The path of a file as one types it in the project's folder. name: without `.py`."""
    return shlex.quote(f"{_folder(project)}{name}.py")


@dataclass(frozen=True)
class Repository:
    """What git knows of files that are gone, or late. It is asked once for all of them: a process
    for each of 2,000 files took minutes. Two of one project are equal, as the states are that they
    are part of."""

    project: Project

    def way_back(self, name: str) -> str:
        """How a file that is gone comes back, as the end of a sentence."""
        path = shown(self.project, name)
        if name in self._at_head:
            return f"`git checkout HEAD -- {path}` brings it back"
        if commit := self._touched.get(name):
            return f"{commit} deleted it: `git checkout {commit}^ -- {path}` brings it back"
        if stash := self._stashed.get(name):
            return f"`git stash pop {stash}` brings it back"
        if commit := self._made.get(name):
            return (
                f"it is on the branch {self._branch_of(commit)}: there "
                f"`{self.project.task('rollback')}` undoes it; "
                f"`git checkout {commit} -- {path}` brings it here"
            )
        title = title_of(name).removesuffix("_online")
        return (
            f"{ELSEWHERE}; one that was only here is written again by "
            f"`{self.project.task('generate')} {title}`, as long as the domains ask for the same"
        )

    def text_back(self, name: str, checksum: str) -> str:
        """The command that gives a file the text back that was applied. checksum: of that text."""
        return self._text_back(name, checksum)

    @cached_property
    def _text_back(self) -> Callable[[str, str], str]:
        # A thousand tenants have the same file with the same edit.
        return cache(partial(_text_back, self.project))

    @cached_property
    def main_line(self) -> frozenset[str]:
        """The names of the files on the branch that all work goes to, as far as that is known."""
        return on_main_line(self.project) or frozenset()

    @cached_property
    def _branch_of(self) -> Callable[[str], str]:
        return cache(partial(_branch, self.project, which="-a"))

    @cached_property
    def _at_head(self) -> frozenset[str]:
        return _listed(self.project, "HEAD") or frozenset()

    @cached_property
    def _touched(self) -> dict[str, str]:
        return _newest_commits(self.project, "HEAD")

    @cached_property
    def _stashed(self) -> dict[str, str]:
        """The stash that has each. Its first parent is the commit on which it was made, whose files
        it does not bring back; what git did not know yet is in its third."""
        stashes: dict[str, str] = {}
        for stash in (_git(self.project, "stash", "list", "--format=%gd") or "").splitlines():
            names, committed, unknown = (
                _listed(self.project, f"{stash}{parent}") or frozenset()
                for parent in ("", "^1", "^3")
            )
            for name in (names - committed) | unknown:
                stashes.setdefault(name, stash)
        return stashes

    @cached_property
    def _made(self) -> dict[str, str]:
        return _newest_commits(self.project, "--all", "--diff-filter=AM")


def _text_back(project: Project, name: str, checksum: str) -> str:
    """HEAD does not have the text where the change was committed, too."""
    path = shown(project, name)
    file = f"{_folder(project)}{name}.py"
    log = _git(project, "log", "--all", "-n", MOST_COMMITS, "--format=%h", "--", file)
    for commit in ("HEAD", *(log or "").splitlines()):
        text = _git(project, "show", f"{commit}:./{file}")
        if text is not None and checksum_of(text) == checksum:
            return f"git checkout {commit} -- {path}"
    return f"git checkout HEAD -- {path}"


def on_main_line(project: Project) -> frozenset[str] | None:
    """The names of the files on the branch that all work goes to; None where nobody knows."""
    for branch in MAIN_LINES:
        names = _listed(project, branch)
        if names is not None:
            return names
    return None


def _listed(project: Project, commit: str) -> frozenset[str] | None:
    """The names of the files there."""
    listed = _git(project, "ls-tree", "--name-only", commit, _folder(project))
    return None if listed is None else frozenset(Path(line).stem for line in listed.splitlines())


def _newest_commits(project: Project, *which: str) -> dict[str, str]:
    """The newest commit that touched each file, by the file's name. which: as git log takes it."""
    # -c: of a merge, what it has made itself.
    form = ("-c", "--name-only", "--format=%x00%h")
    log = _git(project, "log", *which, *form, "--", _folder(project)) or ""
    commits: dict[str, str] = {}
    for entry in log.split("\0")[1:]:
        commit, *lines = entry.splitlines()
        for line in filter(None, lines):
            path = Path(line)
            if path.parent.name == project.migrations.name:
                commits.setdefault(path.stem, commit)
    return commits


def unmerged(project: Project, *paths: str) -> bool:
    """Whether a merge has stopped in one of these files or folders, and git was not told yet that
    it is settled. paths: as seen from the project's folder."""
    return bool(_git(project, "ls-files", "--unmerged", "--", *paths))


def pushed(project: Project, name: str) -> str:
    """A branch of another repository that has the file, or empty."""
    file = f"{_folder(project)}{name}.py"
    commit = _git(project, "log", "--remotes", "-n", "1", "--format=%h", "--", file)
    return _branch(project, commit, "-r") if commit else ""


def _branch(project: Project, commit: str, which: str) -> str:
    """A branch that has the commit. which: -a for all, -r for those of other repositories."""
    form = "--format=%(refname)"
    listed = _git(project, "branch", which, "--contains", commit, form) or commit
    names = [name for name in listed.splitlines() if not name.endswith("/HEAD")]
    return re.sub("^refs/(?:heads|remotes)/", "", names[0]) if names else commit


def _folder(project: Project) -> str:
    """The folder of the files, with a slash at its end, as seen from the project's."""
    if project.migrations.is_relative_to(project.root):
        return f"{project.migrations.relative_to(project.root)}/"
    return f"{project.migrations}/"


def _git(project: Project, *arguments: str) -> str | None:
    """What it answers in the project's folder; None where it refuses or is not there."""
    try:
        done = subprocess.run(
            # Else a name such as 003_café would be in quotes, with numbers for letters.
            ["git", "-C", str(project.root), "-c", "core.quotePath=false", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
