"""What git knows of the migration files: where a missing one is, and which others have, too.

Asked only where something is wrong, or a file is to be replaced. Where there is no git, no
repository, or one of another user, nothing is known.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

from engine.project import Project

# The branch that all work goes to; the last one is that of the branch that is checked out.
MAIN_LINES = ("origin/HEAD", "origin/main", "origin/master", "@{upstream}")
PATIENCE = 10  # seconds
ELSEWHERE = "restore it from the release that this database was migrated with, or from a backup"


def shown(project: Project, name: str) -> str:
    """The path of a file as one types it in the project's folder. name: without `.py`."""
    return shlex.quote(f"{_folder(project)}{name}.py")


def way_back(project: Project, name: str) -> str:
    """How a file comes back that is gone, as the end of a sentence."""
    path, file = shown(project, name), f"{_folder(project)}{name}.py"
    if _git(project, "cat-file", "-e", f"HEAD:./{file}") is not None:
        return f"`git checkout HEAD -- {path}` brings it back"
    if commit := _git(project, "log", "-n", "1", "--format=%h", "HEAD", "--", file):
        return f"{commit} deleted it: `git checkout {commit}^ -- {path}` brings it back"
    if stash := _stash(project, file):
        return f"`git stash pop {stash}` brings it back"
    made = ("--diff-filter=AM", "--format=%h", "--", file)
    if commit := _git(project, "log", "--all", "-n", "1", *made):
        branch = _branch(project, commit, "-a")
        return (
            f"it is on the branch {branch}: there `{project.task('rollback')}` undoes it; "
            f"`git checkout {commit} -- {path}` brings it here"
        )
    title = name.partition("_")[2].removesuffix("_online")
    return (
        f"{ELSEWHERE}; one that was only here is written again by `{project.task('generate')} "
        f"{title}`, as long as the domains ask for the same"
    )


def _stash(project: Project, file: str) -> str:
    """The stash that has the file, or empty. What git did not know yet is in its third parent."""
    for stash in (_git(project, "stash", "list", "--format=%gd") or "").splitlines():
        for tree in (stash, f"{stash}^3"):
            if _git(project, "cat-file", "-e", f"{tree}:./{file}") is not None:
                return stash
    return ""


def on_main_line(project: Project) -> frozenset[str] | None:
    """The names of the files on the branch that all work goes to; None where nobody knows."""
    for branch in MAIN_LINES:
        listed = _git(project, "ls-tree", "--name-only", branch, _folder(project))
        if listed is not None:
            return frozenset(Path(line).stem for line in listed.splitlines())
    return None


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
            ["git", "-C", str(project.root), *arguments],
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
