"""The message templates, in Indonesian.

None carries a password: what is sent is also stored, and in the clear.
"""

from __future__ import annotations

from string import Formatter
from typing import Any

from domains import Seeder
from domains.whatsapp.models import (
    WhatsappTemplate,
    WhatsappTemplateCategory,
    WhatsappTemplateService,
)

WELCOME_HOTSPOT = """\
Halo {customer_name},

Selamat datang di layanan hotspot *{company_name}*! Berikut voucher Anda:

Kode voucher: *{voucher_code}*
Paket: {profile_name}
Masa aktif: {duration}

Sambungkan perangkat Anda ke Wi-Fi kami, lalu masukkan kode voucher di halaman login.

Butuh bantuan? Hubungi kami di {company_phone}."""

WELCOME_PPPOE = """\
Halo {customer_name},

Selamat datang di *{company_name}*! Layanan internet Anda sudah aktif.

Nomor pelanggan: {customer_number}
Nama pengguna: *{username}*
Paket: {profile_name}
Biaya langganan: {price}
Tagihan berikutnya: {next_billing_on}

Demi keamanan, kata sandi disampaikan langsung oleh teknisi kami, tidak melalui pesan ini.

Butuh bantuan? Hubungi kami di {company_phone}."""

PAYMENT_CONFIRMATION = """\
Halo {customer_name},

Pembayaran Anda sudah kami terima. Terima kasih!

Nomor tagihan: {invoice_number}
Jumlah: *{amount}*
Metode pembayaran: {payment_method}
Tanggal pembayaran: {paid_at}

Simpan pesan ini sebagai bukti pembayaran.

Salam,
{company_name}"""

EXPIRY_WARNING = """\
Halo {customer_name},

Masa aktif paket {profile_name} Anda akan berakhir pada *{expires_at}* ({days_left} hari lagi).

Agar internet Anda tidak terputus, mohon lakukan pembayaran sebelum tanggal tersebut. \
Jika sudah membayar, abaikan pesan ini.

Butuh bantuan? Hubungi kami di {company_phone}.

Salam,
{company_name}"""

SERVICE_EXPIRED = """\
Halo {customer_name},

Masa aktif paket {profile_name} Anda telah berakhir pada {expires_at}, \
sehingga layanan internet Anda kami hentikan untuk sementara.

Silakan lakukan pembayaran agar layanan Anda aktif kembali. \
Jika sudah membayar tetapi internet belum tersambung, hubungi kami di {company_phone}.

Salam,
{company_name}"""

SERVICE_RENEWED = """\
Halo {customer_name},

Layanan internet Anda telah diperpanjang.

Paket: {profile_name}
Aktif sampai: *{expires_at}*

Terima kasih telah mempercayakan koneksi internet Anda kepada {company_name}."""

INVOICE_ISSUED = """\
Halo {customer_name},

Tagihan layanan internet Anda sudah terbit.

Nomor tagihan: {invoice_number}
Periode: {period}
Total tagihan: *{total}*
Jatuh tempo: *{due_on}*

Mohon lakukan pembayaran paling lambat pada tanggal jatuh tempo. \
Jika sudah membayar, abaikan pesan ini.

Salam,
{company_name}"""

PAYMENT_LINK = """\
Halo {customer_name},

Tagihan nomor {invoice_number} sebesar *{amount}* dapat Anda bayar melalui tautan berikut:

{payment_url}

Tautan ini berlaku sampai {expires_at}. Demi keamanan, jangan bagikan kepada orang lain.

Salam,
{company_name}"""


def _template(
    name: str,
    category: WhatsappTemplateCategory,
    body: str,
    service: WhatsappTemplateService | None = None,
) -> dict[str, Any]:
    """A default template; its variables are the placeholders of its body, in their order."""
    names = (field for _, field, _, _ in Formatter().parse(body) if field)
    return {
        "name": name,
        "category": category,
        "service": service,
        "language": "id",
        "body": body,
        "variables": list(dict.fromkeys(names)),
        "is_default": True,
    }


TEMPLATES: list[dict[str, Any]] = [
    _template(
        "welcome_hotspot",
        WhatsappTemplateCategory.WELCOME,
        WELCOME_HOTSPOT,
        WhatsappTemplateService.HOTSPOT,
    ),
    _template(
        "welcome_pppoe",
        WhatsappTemplateCategory.WELCOME,
        WELCOME_PPPOE,
        WhatsappTemplateService.PPPOE,
    ),
    _template(
        "payment_confirmation",
        WhatsappTemplateCategory.PAYMENT_CONFIRMATION,
        PAYMENT_CONFIRMATION,
    ),
    _template("expiry_warning", WhatsappTemplateCategory.EXPIRY_WARNING, EXPIRY_WARNING),
    _template("service_expired", WhatsappTemplateCategory.SERVICE_EXPIRED, SERVICE_EXPIRED),
    _template("service_renewed", WhatsappTemplateCategory.SERVICE_RENEWED, SERVICE_RENEWED),
    _template("invoice_issued", WhatsappTemplateCategory.INVOICE_ISSUED, INVOICE_ISSUED),
    _template("payment_link", WhatsappTemplateCategory.PAYMENT_LINK, PAYMENT_LINK),
]


def templates(seeder: Seeder) -> None:
    """One default template for everything that the system tells a customer by itself."""
    seeder.ensure(WhatsappTemplate, TEMPLATES, key=("name", "language"))
