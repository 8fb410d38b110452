"""In which blocks of a pool code is: a tenant's, one that acts.

Such a block is its thread's: the connection, the transaction and what that is set to. The code in a
thread changes in the midst of a block, though. While a task of asyncio waits, others of the same
thread go on; what was begun inside may go on after its end, in the midst of another block; and a
generator in a framework's pool of threads goes on in whichever of them is free. All of them would
have the rows of a block that they are not in. So it is kept twice which blocks there are, by thread
and by context (`contextvars`), which a task takes along; where the two differ, nothing is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from enum import Enum, auto
from typing import Any

import peewee
import psycopg2

from engine.errors import ConfigError

FIX = (
    "let no `await`, and no `yield` of a generator that others go on with, stand inside the block; "
    "what goes on by itself (a task, a thread) begins its own."
)


class State(Enum):
    """Of a block. LOST: other code than its thread's has come to its end."""

    OPEN = auto()
    ENDED = auto()
    LOST = auto()


class Block:
    """A block that has begun. what: how it is written. left: what it has open in its thread, where
    its end came in another."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.thread = threading.current_thread()
        self.state = State.OPEN
        self.left = ExitStack()


Blocks = tuple[Block, ...]
_of_code: ContextVar[Blocks] = ContextVar("blocks_of_code", default=())


class Inside:
    """The blocks of a pool's threads. database: the pool."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self._thread = threading.local()

    @property
    def blocks(self) -> Blocks:
        """Of this thread, the outer one first."""
        blocks: Blocks = getattr(self._thread, "blocks", ())
        return blocks

    @contextmanager
    def of(self, what: str, enter: Callable[[ExitStack], None]) -> Iterator[None]:
        """Be inside a block, on a connection of this thread. what: how it is written. enter: begins
        it, and gives the stack what ends it; no generator, which ends in whichever thread lets it
        go. Raises ConfigError as refuse_others() does, and where the end comes in another thread:
        then the block is undone."""
        # a task that goes on after the block that it was made in may begin its own
        self.refuse_others(but_in=(State.LOST, State.ENDED))
        block, stack = Block(what), ExitStack()
        before, of_code = self.blocks, _of_code.get()
        self._thread.blocks = (*before, block)
        _of_code.set(self.blocks)
        try:
            with stack:
                if self.database.is_closed():
                    stack.enter_context(self.database.connection_context())
                enter(stack)
                connection = self.database.connection()
                try:
                    yield
                finally:
                    # whoever closes a generator may have another context than its own
                    if block not in _of_code.get():
                        of_code = _of_code.get()
                    self._refuse_elsewhere(block, connection, stack)
                    _of_code.set(self.blocks)
        finally:
            _of_code.set(of_code)
            if block.state is State.OPEN:
                block.state = State.ENDED
                self._thread.blocks = before

    def refuse_others(self, but_in: Collection[State] = (State.LOST,)) -> None:
        """Raise ConfigError where the blocks of this thread are not those of the code that asks.
        but_in: which of the code's blocks count for nothing."""
        self.end_left()
        of_code = _of_code.get()
        if self.blocks == of_code:
            return
        if self.blocks == tuple(block for block in of_code if block.state not in but_in):
            return
        raise ConfigError(
            f"this thread is inside {_shown(self.blocks)}, and the code that asks belongs inside "
            f"{_shown(of_code)}.",
            why="It would see rows that are not its own.",
            fix=FIX,
        )

    def _refuse_elsewhere(self, block: Block, connection: Any, stack: ExitStack) -> None:
        """Raise ConfigError in another thread than that of the block, whose own transaction this is
        not. The connection is closed, which undoes the block; what the block's thread keeps of it,
        that thread ends as soon as it asks for something."""
        if threading.current_thread() is block.thread:
            return
        block.left, block.state = stack.pop_all(), State.LOST
        connection.close()
        raise ConfigError(
            f"{block.what} began in one thread, and its end came in another.",
            why="Its transaction is that of the first one. What was done inside is undone.",
            fix=FIX,
        )

    def end_left(self) -> None:
        """End what other threads have left open here, the inner block first."""
        while self.blocks and self.blocks[-1].state is State.LOST:
            left = self.blocks[-1].left
            self._thread.blocks = self.blocks[:-1]
            lost = psycopg2.InterfaceError("the connection is closed")
            with suppress(
                peewee.InterfaceError, psycopg2.InterfaceError
            ):  # the same, of a ROLLBACK
                left.__exit__(type(lost), lost, None)


def _shown(blocks: Blocks) -> str:
    return " and ".join(block.what for block in blocks) or "no block"
