"""What a text in the database must be, as SQL conditions for CHECK constraints."""

from __future__ import annotations

# Characters that leave no mark on paper: controls, spaces of every width, joiners, direction
# marks, fillers, variation selectors, tags. A name made of these alone looks empty.
INVISIBLE = (
    r"\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\uffff\U000e0000-\U000e0fff"
)
# What breaks a line, or turns the rest of it round, so that a list or a receipt shows nonsense.
LINE_BREAKING = r"\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
# Parts of names, as people write them in settings, that a secret follows.
SECRET_WORDS = (
    "key|keys|secret|secrets|pass|passwd|password|passwords|passphrase|passcode|pwd|pin|token|"
    "tokens|apikey|authorization|auth|credential|credentials|header|headers|cookie|cookies|"
    "signature|private|cert|certificate|jwt|bearer|otp|salt"
)


def visible(column: str, most: int) -> str:
    """The condition that a text can be seen, and has so many characters at the most."""
    return f"{column} ~ '[^{INVISIBLE}]' AND char_length({column}) <= {most}"


def one_line(column: str, most: int) -> str:
    """The condition that a text can be seen, on one line, with so many characters at the most."""
    return f"{visible(column, most)} AND {column} !~ '[{LINE_BREAKING}]'"


def spelled(column: str, form: str, most: int, *, least: int = 1) -> str:
    """The condition that a text is spelled in a form, a regular expression, and has so many
    characters. The lengths are not counted in the expression: `{0,62}` makes PostgreSQL try it in
    62 ways, and each row written takes ten times as long."""
    at_least = f"char_length({column}) >= {least} AND " if least > 1 else ""
    return f"{at_least}char_length({column}) <= {most} AND {column} ~ '^{form}$'"


def email(column: str) -> str:
    """The condition that a text is an e-mail address: 1 to 64 characters, @, 1 to 189, no spaces.
    Not counted in the expression either, for which PostgreSQL needs forty times as long."""
    return (
        f"{spelled(column, '[^@[:space:]]+@[^@[:space:]]+', 254)} AND strpos({column}, '@') <= 65"
        f" AND char_length({column}) - strpos({column}, '@') <= 189"
    )


def clear_name(column: str, *, anywhere: bool = True) -> str:
    """The condition that a name (`small_letters`) says of no secret that it follows. anywhere:
    look at all parts of the name, not at its end alone (`password_min_length` is no secret)."""
    if not anywhere:
        return f"{column} !~ '(^|_)({SECRET_WORDS})$'"
    return f"{column} !~ '(^|_)({SECRET_WORDS})(_|$)|password|passphrase|secret|token'"


def clear_json(column: str) -> str:
    """The condition that a JSON value has no secret in it: not under a name that says so, at any
    depth, in any spelling (`api_key`, `apiKey`, `X-Api-Key`); not as the password of an address;
    not as a private key."""
    words = f"(^|[^a-z])({SECRET_WORDS})([^a-z]|$)|password|passphrase|secret|token|api.?key"
    # camelCase: apiKey, authToken, clientPin
    camel = "[a-z](Key|Pass|Pwd|Pin|Auth|Credential|Header|Cookie|Cert|Salt|Otp)"
    keys = '$.** ? (@.type() == "object").keyvalue().key'
    return (
        f'NOT jsonb_path_exists({column}, \'{keys} ? (@ like_regex "{words}" flag "i"'
        f' || @ like_regex "{camel}")\')'
        f" AND {column}::text !~ '://[^/@[:space:]]*:[^/@[:space:]]+@|-----BEGIN'"
    )
