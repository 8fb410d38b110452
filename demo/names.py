"""Names, streets and numbers as one meets them in Indonesia; nobody real is meant."""

from __future__ import annotations

from random import Random


def _words(text: str, between: str = " ") -> tuple[str, ...]:
    return tuple(text.split(between))


FIRST = _words(
    "Adi Agus Agung Aisyah Andi Anisa Ari Arif Asep Ayu Bagus Bambang Bayu Budi Cahya Citra Dani "
    "Dedi Dewi Dian Dimas Dwi Dyah Eka Eko Endang Erna Fajar Farhan Fatimah Fitri Galih Gede Gilang"
    " Hadi Hana Hendra Heri Hesti Iin Ika Imam Indah Indra Intan Irfan Iwan Joko Kadek Kartika "
    "Ketut Komang Laila Lestari Lia Lina Lukman Made Mega Melati Muhammad Nanda Nia Ningsih Novi "
    "Nur Nyoman Oki Putri Putu Rahma Rahmat Rani Ratna Reza Rian Rini Rizki Rudi Sari Satria Siti "
    "Slamet Sri Sukma Suryani Taufik Teguh Tri Umar Utami Vina Wahyu Wawan Wayan Widya Wulan Yanti "
    "Yoga Yudi Yuni Yusuf Zahra Zainal"
)
LAST = _words(
    "Aditya Anggraini Ardiansyah Astuti Batubara Darmawan Dewantara Fauzi Firmansyah Ginting "
    "Gunawan Hakim Halim Handayani Haryanto Hasanah Hidayat Hutagalung Irawan Iskandar Kurniawan "
    "Kusuma Lubis Mahendra Manurung Maulana Mulyani Nasution Nugroho Nurhayati Oktaviani Pangestu "
    "Permana Pertiwi Prabowo Pranata Prasetyo Pratama Purnama Purwanto Puspita Putra Rachman "
    "Ramadhan Rangkuti Saputra Saragih Septiani Setiawan Siregar Sihombing Simanjuntak Sitorus "
    "Subagyo Sudarsono Sugiarto Suharto Sulistyo Supriyadi Suryadi Susanti Susilo Sutrisno "
    "Tambunan Utomo Wardani Wibowo Wicaksono Widodo Wijaya Wirawan Yuliana Yulianto Zulkarnain"
)
STREETS = _words(
    "Ahmad Yani,Anggrek,Cempaka,Cendana,Cut Nyak Dien,Diponegoro,Gajah Mada,Gatot Subroto,"
    "Hasanuddin,Imam Bonjol,Jenderal Sudirman,Kartini,Kenanga,Ki Hajar Dewantara,Mawar,Melati,"
    "Merdeka,Merpati,Nusa Indah,Pahlawan,Pattimura,Pemuda,Rajawali,Raya Pasar,Veteran,Wahidin",
    ",",
)
# No operator has these, so that no message of a demo reaches anyone.
FREE_PREFIXES = ("824", "825", "826", "827", "834", "835", "836", "837", "839", "854", "872", "873")
SUBSCRIBERS = 10**8
MAIL_DOMAINS = ("example.com", "example.net", "example.org")


def person(chance: Random) -> str:
    """A person's name."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    if chance.random() < 0.25:
        return f"{first} {chance.choice(FIRST)} {last}"
    return f"{first} {last}"


def address(chance: Random, city: str, districts: tuple[str, ...]) -> str:
    """A postal address in one of a city's districts."""
    house, rt, rw = 1 + int(chance.random() * 180), 1 + int(chance.random() * 12), 1
    rw += int(chance.random() * 9)
    street, district = chance.choice(STREETS), chance.choice(districts)
    return f"Jl. {street} No. {house}, RT {rt:02}/RW {rw:02}, {district}, {city}"


def phone(chance: Random, number: int, start: int) -> str:
    """The number-th phone number, digits with country code; each only once for one start."""
    # The factor has no divisor in common with the modulus: the last eight digits never repeat.
    subscriber = (start + number * 38_196_601) % SUBSCRIBERS
    return f"62{chance.choice(FREE_PREFIXES)}{subscriber:08}"


def slug(name: str, number: int) -> str:
    """A log-in name from a person's name, made unique by a number."""
    return f"{name.lower().replace(' ', '.')}{number}"


def mail(chance: Random, name: str, number: int) -> str:
    """An address in a domain that is kept free for examples."""
    return f"{slug(name, number)}@{chance.choice(MAIL_DOMAINS)}"
