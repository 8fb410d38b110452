"""A domain that does not load, in a task that needs it without looking through all of them."""

from __future__ import annotations

import traceback
from pathlib import Path

from engine.errors import EngineError, RegistryError
from project import PROJECT

WHY = "Nothing was done."


def broken_domain(error: BaseException) -> EngineError | None:
    """What to say where the import of a domain ended in this error, or where there is no such
    domain; None for any other error, such as one of an operation that runs."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("domains."):
        folder = (error.name or "").replace(".", "/")
        said = f"this task needs {folder}, and there is none."
        return RegistryError(said, why=WHY, fix=f"restore {folder}, for example by git.")
    name = _domain_of(error)
    if not name:
        return None
    from kernel.domain import Domain
    from kernel.load_faults import not_loaded

    fault = not_loaded(Domain(name, f"domains/{name}"), f"domains.{name}", error)
    return RegistryError(f"{fault.where}: {fault.what}.", why=WHY, fix=f"{fault.fix}.")


def _domain_of(error: BaseException) -> str:
    """The domain in whose import it was raised, or empty."""
    places = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "<module>":
            places.append(frame.f_code.co_filename)
    if isinstance(error, SyntaxError) and error.filename:
        places.append(error.filename)
    domains = PROJECT.root / "domains"
    for place in reversed(places):
        path = Path(place)
        if path.is_relative_to(domains) and len(path.relative_to(domains).parts) > 1:
            return path.relative_to(domains).parts[0]
    return ""
