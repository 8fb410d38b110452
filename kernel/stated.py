"""What a domain states in words of its own, with the place where it does, and what it calls it."""

from __future__ import annotations

from kernel.faults import calling_place


class Stated(str):
    """A text that knows where it was stated. Two of the same text are two things."""

    place: str

    def __new__(cls, text: str) -> Stated:
        stated = super().__new__(cls, text)
        stated.place = calling_place()
        return stated
