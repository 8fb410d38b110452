"""Texts that somebody may type, and what has to come of them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.console import Result

CANARY = "CREATE TABLE pwned (i int)"
NASTY = [
    *("", " ", ".", "/", "..", "../../x", "-", "--", "a b", "A", "ä", "日本", "😀" * 16, "\udcff"),
    *("'", '"', ";", "%", "%s", "%%", "%(x)s", "{x}", "\\", "\n", "\t", "\x1b[2J", "$$", "$1", "#"),
    *("a'b", 'a"b', "a;b", "a%sb", "a\nb", "x" * 62, "x" * 63, "x" * 64, "é" * 32, "x" * 5000),
    *("0", "-1", "1.5", "1e3", "٣", "²", "9" * 5000, " 1", "1 ", "0x10", "NaN", "true", "None"),
    *(f"'; {CANARY}; --", f'"; {CANARY}; --', f"x; {CANARY}", f"$$; {CANARY}; $$", f"*/ {CANARY}"),
    *(f"%'; {CANARY}; --", f"x' || ({CANARY}) || '", f"UTC'; {CANARY}; --", f"public; {CANARY}"),
    *("postgresql://", "postgresql:///", "postgresql://?host=/nowhere", "postgresql://[::1", "://"),
    *("postgresql://localhost:1/x?options=-c%20x", "postgresql://localhost:1/x?a=b&a=c", "host=x"),
    *("postgresql://localhost:0/", "postgresql://localhost:99999999999/", "postgresql://%zz/"),
]
CHARACTERS = st.sampled_from(
    "'\"`;%\\\n\r\t \x01\x7f$#-_.:/?&=@[]{}()*~éß日😀\u202e\u2028\udcff" + "ab1"
)
TEXTS = st.sampled_from(NASTY) | st.text(CHARACTERS, max_size=70)


def lawful(result: Result) -> Result:
    """A task that succeeds, or says what is wrong."""
    assert result.code in (0, 1)
    assert "Traceback" not in result.err
    assert result.code == 0 or result.err.strip()
    return result
