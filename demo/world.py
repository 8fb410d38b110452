"""What is there before the first customer: branches, their people, their resellers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from demo import names, network, tokens
from demo.moments import DAY, HOUR, Zone
from demo.network import Product
from demo.plan import Plan
from demo.seeded import Seeded
from demo.sheets import Book
from domains.auth.models import AdminUser
from domains.locations.models import Location, LocationUser
from domains.mikrotik.models import Vendor

if TYPE_CHECKING:
    from demo.customers import Person

# The default location comes first, whatever it is called; then code, city, zone, districts.
SITES = (
    ("", "Jakarta", "Asia/Jakarta", "Tebet,Menteng,Cilandak,Kemayoran,Duren Sawit,Kebon Jeruk"),
    ("BDG", "Bandung", "Asia/Jakarta", "Coblong,Lengkong,Cicendo,Antapani,Buahbatu,Arcamanik"),
    ("SBY", "Surabaya", "Asia/Jakarta", "Gubeng,Rungkut,Wonokromo,Tegalsari,Sukolilo,Genteng"),
    ("DPS", "Denpasar", "Asia/Makassar", "Denpasar Barat,Denpasar Selatan,Kuta,Mengwi,Ubud"),
    ("MKS", "Makassar", "Asia/Makassar", "Panakkukang,Rappocini,Tamalate,Mariso,Biringkanaya"),
    ("JYP", "Jayapura", "Asia/Jayapura", "Abepura,Heram,Muara Tami,Jayapura Utara,Sentani"),
)
SHARES = (30, 20, 20, 12, 12, 6)
CUSTOMERS_A_MEMBER = 4_000
YEARS_BEFORE = 3
DAYS_AFTER = 430


@dataclass(frozen=True)
class Member:
    """Someone of the staff."""

    id: int
    username: str


@dataclass
class Branch:
    """A location with all that belongs to it, by identity."""

    id: int
    code: str
    city: str
    districts: tuple[str, ...]
    zone: Zone
    share: float
    staff: list[Member] = field(default_factory=list)
    cashiers: list[Member] = field(default_factory=list)
    routers: list[int] = field(default_factory=list)
    lines: list[Product] = field(default_factory=list)
    passes: list[Product] = field(default_factory=list)
    vendors: list[int] = field(default_factory=list)
    session: int = 0
    customers: int = 0
    guests: list[Person] = field(default_factory=list)

    def opens(self, moment: int, luck: float) -> int:
        """A moment from 8 to 17 o'clock, the same day or the next; luck, from 0 to 1, says when."""
        day = self.zone.day(moment)
        opened = self.zone.moment(day, 8 * HOUR + int(luck * 9 * HOUR))
        return opened if opened >= moment else opened + DAY

    def address(self, chance: Random) -> str:
        """A postal address in the branch's city."""
        return names.address(chance, self.city, self.districts)


def branches(cursor: Any, plan: Plan, book: Book, seeded: Seeded) -> list[Branch]:
    """Add the branches and what belongs to them to the book; the default location is the first."""
    first = plan.start - timedelta(days=366 * YEARS_BEFORE)
    last = plan.today + timedelta(days=DAYS_AFTER)
    zones: dict[str, Zone] = {}
    branches = []
    for (code, city, zone, districts), share in zip(SITES, SHARES, strict=True):
        if not code:
            zone = seeded.default_location.timezone
        if zone not in zones:
            zones[zone] = Zone(cursor, zone, first, last)
        branch = Branch(0, code, city, tuple(districts.split(",")), zones[zone], share / 100)
        chance = plan.chance("branch", code)
        created = branch.zone.moment(first)
        _place(book, branch, chance, created, seeded)
        _people(book, branch, plan, created, seeded)
        network.build(book, branch, plan, created)
        _resellers(book, branch, chance, created)
        branches.append(branch)
    return branches


def _place(book: Book, branch: Branch, chance: Random, created: int, seeded: Seeded) -> None:
    if not branch.code:
        branch.id = seeded.default_location.id
        branch.code = seeded.default_location.code
        return
    branch.id = book[Location].add(
        code=branch.code,
        name=f"Cabang {branch.city}",
        timezone=branch.zone.name,
        address=branch.address(chance),
        phone=names.phone(chance, len(book[Location].waiting), 10_000_000),
        created_at=created,
    )


def _people(book: Book, branch: Branch, plan: Plan, created: int, seeded: Seeded) -> None:
    """A manager, and cashiers, operators and technicians by the number of customers."""
    each = 1 + int(plan.customers * branch.share) // CUSTOMERS_A_MEMBER
    roles = ["admin"] + [r for r in ("cashier", "operator", "technician") for _ in range(each)]
    for number, role in enumerate(roles):
        chance = plan.chance("member", branch.code, number)
        name = names.person(chance)
        username = f"{names.slug(name, number)}.{branch.code.lower()}"
        identity = book[AdminUser].add(
            username=username,
            email=f"{username}@{names.MAIL_DOMAINS[0]}",
            password_hash=tokens.password_hash(f"{plan.seed}/{username}"),
            full_name=name,
            role=seeded.roles[role],
            last_login_at=branch.zone.moment(plan.today) - DAY + 8 * HOUR + number,
            created_at=created,
        )
        book[LocationUser].add(location=branch.id, admin_user=identity, created_at=created)
        member = Member(identity, username)
        branch.staff.append(member)
        if role == "cashier":
            branch.cashiers.append(member)


def _resellers(book: Book, branch: Branch, chance: Random, created: int) -> None:
    for kind in ("Toko", "Warung", "Konter"):
        owner = names.person(chance)
        branch.vendors.append(
            book[Vendor].add(
                location=branch.id,
                name=f"{kind} {owner.split()[0]}",
                contact_name=owner,
                phone=names.phone(chance, len(book[Vendor].waiting), 30_000_000),
                address=branch.address(chance),
                commission_bp=chance.choice((500, 750, 1000)),
                created_at=created,
            )
        )
