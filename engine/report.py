"""What the runner tells while it works. This one is silent; the console has one that is not."""

from __future__ import annotations


class Report:
    """Told of everything that happens in a run; each method may be overridden."""

    def message(self, text: str) -> None:
        """Something worth knowing that is not a result."""

    def sql(self, text: str) -> None:
        """A statement that runs, or would run."""

    def started(self, name: str, steps: int) -> None:
        """A file begins; it has so many steps."""

    def step(self) -> None:
        """One step of the file is done."""

    def finished(self, name: str, action: str, seconds: float) -> None:
        """A file is done. action: `applied` or `rolled back`."""

    def failed(self, name: str) -> None:
        """A file stopped in the middle."""
