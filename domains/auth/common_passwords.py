"""Passwords that are guessed first.

A list of our own and not a package: those on PyPI know no Indonesian words. What is left of a
password once its letter case, its usual disguises (`p4ssw0rd`) and the digits and signs around it
are gone is compared with words, so that `Rahasia2024!` is as common as `rahasia`.
"""

from __future__ import annotations

# Fewer different characters than this are no password, however long: `aaaaaaaaaa`, `1212121212`.
LEAST_DIFFERENT = 4
DISGUISES = str.maketrans("4@310$57", "aaeiosst")
EDGES = "0123456789 .,:;!?@#$%^&*()_+-=/\\|'\"~`<>[]{}"
# Keys side by side, and the alphabet: read from either end, and once more from the start.
RUNS = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujm",
)
LISTED = """
aa aaa abc abcd abcde admin adminadmin administrator akses aku akucintakamu alhamdulillah allah
allahuakbar anggota anjing apaaja asdf asdfgh asdfghjkl assalamualaikum ayamgoreng bandung baseball
batman billing bismillah blink bola buka bulan cantik changeme charlie cinta cintaku computer
cookie default demo doraemon dragon dragonball ella facebook flower football freedom fuckyou
ganteng garuda gratis guest hello helloworld hotspot iloveyou indonesia indonesiaku indonesiaraya
internet isp jakarta jangandibuka juventus kambing kamu kasir katasandi kepo komputer kucing kunci
kuncirahasia letmein liverpool login love lupa lupapassword manager manchester master masuk
matahari merdeka michael mikrotik monkey monyet mustang naruto ninja operator owner pancasila pass
passw passwd password passwordku passwordpassword paswot pelanggan persib persija pikachu pokemon
princess qazwsx qwe qwert qwerty qwertyuiop rahasia rahasiabanget rahasiaku rahasianegara
realmadrid reseller root router routeros sandi sandiku satu satuduatiga sayang sayangkamu sayangku
secret selamat selamatdatang semangat semogasukses shadow solo starwars sukses sunshine super
superadmin superman superuser support surabaya system tamu teknisi terserah test tester testing
testtest trustno user username voucher warnet welcome whatever wifi wifigratis zaq zxcvbn zxcvbnm
"""
WORDS = frozenset(LISTED.split())


def is_common(password: str) -> bool:
    """Whether the password is one that is guessed first."""
    plain = password.casefold()
    if len(set(plain)) < LEAST_DIFFERENT:
        return True
    for run in RUNS:
        if plain in run + run or plain in (run + run)[::-1]:
            return True
    return any(stem in WORDS for stem in _stems(plain))


def _stems(plain: str) -> list[str]:
    """The words that a password may be made from: without its edges, with and without disguises.

    A sign in front may be a disguise (`@dmin1234`) or an edge (`!passw0rd!`).
    """
    stripped = plain.strip(EDGES)
    led = plain.rstrip(EDGES).translate(DISGUISES)
    spellings = (stripped, stripped.translate(DISGUISES), led)
    stems = []
    for spelling in spellings:
        # `password password`, `kata.sandi`
        joined = "".join(letter for letter in spelling if letter.isalnum())
        half = len(joined) // 2
        stems.append(joined)
        if joined and joined[:half] == joined[half:]:
            stems.append(joined[:half])
    return stems
