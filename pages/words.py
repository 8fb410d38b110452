"""The words of the pages' frame, in English and in Indonesian; what the schema says of itself
stays as it is."""

from __future__ import annotations

LANGUAGES = ("en", "id")

WORDS = {
    "schema": ("Schema", "Skema"),
    "contents": ("Contents", "Daftar isi"),
    "domains": ("Domains", "Domain"),
    "domain": ("Domain", "Domain"),
    "requires": ("Requires", "Membutuhkan"),
    "nothing": ("nothing", "tidak ada"),
    "all tables": ("All tables", "Semua tabel"),
    "table": ("Table", "Tabel"),
    "tables": ("Tables", "Tabel"),
    "columns": ("Columns", "Kolom"),
    "column": ("Column", "Kolom"),
    "type": ("Type", "Tipe"),
    "may be empty": ("May be empty", "Boleh kosong"),
    "yes": ("yes", "ya"),
    "default": ("Default", "Nilai awal"),
    "meaning": ("Meaning", "Arti"),
    "key": ("Key", "Kunci"),
    "foreign keys": ("Foreign keys", "Kunci asing"),
    "refers to": ("Refers to", "Merujuk ke"),
    "referred to by": ("Referred to by", "Dirujuk oleh"),
    "through": ("through", "melalui"),
    "when deleted": ("when that row is deleted", "bila baris itu dihapus"),
    "rules": ("What the database refuses", "Yang ditolak basis data"),
    "indexes": ("Indexes", "Indeks"),
    "triggers": ("Triggers", "Pemicu"),
    "rights": ("Who may do what", "Siapa boleh apa"),
    "enums": ("Enums", "Enum"),
    "status": ("Which status may follow which", "Status mana boleh menyusul"),
    "permissions": ("Permissions", "Izin"),
    "seeds": ("Seeds", "Data awal"),
    "diagram": ("Diagram", "Diagram"),
    "too many": (
        "Too many tables for one diagram.",
        "Terlalu banyak tabel untuk satu diagram.",
    ),
    "search": ("Search tables, columns, meanings", "Cari tabel, kolom, arti"),
    "no match": ("Nothing matches.", "Tidak ada yang cocok."),
    "comments": ("Comments", "Komentar"),
    "functions": ("functions", "fungsi"),
    "theme": ("Light or dark", "Terang atau gelap"),
    "language": ("Bahasa Indonesia", "English"),
    "neighbours": (
        "Grey tables belong to other domains.",
        "Tabel abu-abu milik domain lain.",
    ),
    "made by": (
        "Written by `invoke docs` from the domains; do not edit.",
        "Ditulis oleh `invoke docs` dari domain; jangan disunting.",
    ),
    "of": ("of", "dari"),
    "new row": ("a new row", "baris baru"),
    "final": ("final", "akhir"),
}


def word(name: str, language: str) -> str:
    """The word in that language (`en` or `id`)."""
    return WORDS[name][LANGUAGES.index(language)]
