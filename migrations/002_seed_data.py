"""002_seed_data

Written by `invoke generate` and proven on PostgreSQL 15: migrate, rollback and migrate again
gave what the domains ask for, what was there before, and what the domains ask for.

Written together with the file before it.
"""


def migrate(migrator, database, *, fake=False):
    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        INSERT INTO roles (code, name, description, permissions, is_system) VALUES
            (
                'super_admin',
                'Super Admin',
                'Owns the installation: everything.',
                '{activity_logs.read,admins.read,admins.write,backups.read,backups.restore,backups.run,customers.delete,customers.read,customers.write,invoices.read,invoices.void,invoices.write,ledger.read,ledger.write,locations.read,locations.write,notifications.read,notifications.write,payment_methods.write,payments.read,payments.refund,payments.write,plugins.read,plugins.write,pppoe_users.read,pppoe_users.write,profiles.read,profiles.write,roles.read,roles.write,routers.read,routers.sync,routers.write,settings.read,settings.write,subscriptions.read,subscriptions.write,vendors.read,vendors.write,vouchers.read,vouchers.sell,vouchers.write,whatsapp.read,whatsapp.send,whatsapp.write}',
                true
            ),
            (
                'admin',
                'Admin',
                'Runs the business: everything but roles, plugins and restoring backups.',
                '{activity_logs.read,admins.read,admins.write,backups.read,backups.run,customers.delete,customers.read,customers.write,invoices.read,invoices.void,invoices.write,ledger.read,ledger.write,locations.read,locations.write,notifications.read,notifications.write,payment_methods.write,payments.read,payments.refund,payments.write,plugins.read,pppoe_users.read,pppoe_users.write,profiles.read,profiles.write,roles.read,routers.read,routers.sync,routers.write,settings.read,settings.write,subscriptions.read,subscriptions.write,vendors.read,vendors.write,vouchers.read,vouchers.sell,vouchers.write,whatsapp.read,whatsapp.send,whatsapp.write}',
                true
            ),
            (
                'operator',
                'Operator',
                'Serves customers: subscriptions, invoices, vouchers and PPPoE accounts.',
                '{customers.read,customers.write,invoices.read,invoices.write,ledger.read,locations.read,notifications.read,payments.read,payments.write,pppoe_users.read,pppoe_users.write,profiles.read,routers.read,routers.sync,subscriptions.read,subscriptions.write,vendors.read,vouchers.read,vouchers.sell,vouchers.write,whatsapp.read,whatsapp.send}',
                true
            ),
            (
                'technician',
                'Technician',
                'Looks after routers and connections; sees no money.',
                '{customers.read,locations.read,pppoe_users.read,pppoe_users.write,profiles.read,routers.read,routers.sync,routers.write,subscriptions.read,vouchers.read}',
                true
            ),
            (
                'cashier',
                'Cashier',
                'Takes payments and sells vouchers at the counter.',
                '{customers.read,invoices.read,ledger.read,locations.read,payments.read,payments.write,profiles.read,subscriptions.read,vouchers.read,vouchers.sell,whatsapp.send}',
                true
            ),
            (
                'reseller',
                'Reseller',
                'Sells vouchers made for the reseller''s own vendor account.',
                '{profiles.read,vouchers.read,vouchers.sell}',
                true
            )
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO admin_users (username, password_hash, full_name, role_id)
        SELECT
            'admin',
            '$2b$12$VCAVm/IP3VogNTgxO6iv3.RHIYCNbMm4m2fGd3dt.u3RSlkvUUnOi',
            'Administrator',
            (SELECT id FROM roles WHERE code = 'super_admin')
        ON CONFLICT DO NOTHING
    """)

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        INSERT INTO locations (code, name, is_default) VALUES
            ('MAIN', 'Main Office', true)
        ON CONFLICT DO NOTHING
    """)

    # ── plugins ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        INSERT INTO payment_plugins (name, version, description, author, entry_point, config_schema, is_enabled, is_system) VALUES
            (
                'manual',
                '1.0.0',
                'Payments that an admin records by hand: cash and bank transfers.',
                'Built in',
                'plugins.manual:ManualPayment',
                '{"type": "object", "properties": {"instructions": {"type": "string", "title": "How the customer pays"}, "proof_required": {"type": "boolean", "title": "Ask for a proof of transfer"}}}',
                true,
                true
            )
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO payment_plugins (name, version, description, author, entry_point, config_schema, is_system) VALUES
            (
                'duitku',
                '1.0.0',
                'Virtual accounts, QRIS, e-wallets and outlets through Duitku.',
                'Built in',
                'plugins.duitku:DuitkuPayment',
                '{"type": "object", "required": ["merchant_code", "api_key", "callback_url", "return_url"], "properties": {"api_key": {"type": "string", "title": "API key", "writeOnly": true}, "sandbox": {"type": "boolean", "title": "Use the sandbox"}, "return_url": {"type": "string", "title": "Address the customer returns to"}, "callback_url": {"type": "string", "title": "Address that Duitku notifies"}, "merchant_code": {"type": "string", "title": "Merchant code"}, "expiry_minutes": {"type": "integer", "title": "Minutes in which to pay", "minimum": 1}}}',
                true
            )
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO plugin_configurations (plugin_id, key, value)
        SELECT
            (SELECT id FROM payment_plugins WHERE name = 'manual'),
            'instructions',
            '""'
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO plugin_configurations (plugin_id, key, value)
        SELECT
            (SELECT id FROM payment_plugins WHERE name = 'manual'),
            'proof_required',
            'false'
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO plugin_configurations (plugin_id, key, value)
        SELECT
            (SELECT id FROM payment_plugins WHERE name = 'duitku'),
            'merchant_code',
            '""'
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO plugin_configurations (plugin_id, key, value)
        SELECT
            (SELECT id FROM payment_plugins WHERE name = 'duitku'),
            'sandbox',
            'true'
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO plugin_configurations (plugin_id, key, value)
        SELECT
            (SELECT id FROM payment_plugins WHERE name = 'duitku'),
            'callback_url',
            '""'
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO plugin_configurations (plugin_id, key, value)
        SELECT
            (SELECT id FROM payment_plugins WHERE name = 'duitku'),
            'return_url',
            '""'
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO plugin_configurations (plugin_id, key, value)
        SELECT
            (SELECT id FROM payment_plugins WHERE name = 'duitku'),
            'expiry_minutes',
            '1440'
        ON CONFLICT DO NOTHING
    """)

    # ── system ──────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        INSERT INTO settings (key, value, type, category, description) VALUES
            (
                'company_name',
                '"My ISP"',
                'string',
                'company',
                'Name of the provider, on invoices and in messages.'
            ),
            ('company_address', '""', 'string', 'company', 'Postal address of the provider, on invoices.'),
            ('company_phone', '""', 'string', 'company', 'Phone of the provider, digits with country code.'),
            ('company_email', '""', 'string', 'company', 'E-mail address of the provider.'),
            ('currency', '"IDR"', 'string', 'regional', 'Currency of every amount, as an ISO 4217 code.'),
            ('currency_symbol', '"Rp"', 'string', 'regional', 'Symbol to write before an amount.'),
            ('date_format', '"DD/MM/YYYY"', 'string', 'regional', 'How a date is shown, in to_char form.'),
            (
                'time_format',
                '"HH24:MI"',
                'string',
                'regional',
                'How a time of day is shown, in to_char form.'
            ),
            (
                'timezone',
                '"Asia/Jakarta"',
                'string',
                'regional',
                'Time zone where no location gives its own.'
            ),
            (
                'voucher_comment',
                '"VOUCHER_SYSTEM"',
                'string',
                'mikrotik',
                'Marks the system''s vouchers on a router.'
            ),
            (
                'pppoe_comment',
                '"PPPOE_SYSTEM"',
                'string',
                'mikrotik',
                'Marks the system''s PPPoE accounts on a router.'
            ),
            ('voucher_prefix', '"V"', 'string', 'mikrotik', 'How a new voucher''s code begins.'),
            ('pppoe_prefix', '"pppoe"', 'string', 'mikrotik', 'How a new PPPoE user name begins.')
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO settings (key, value, type, least, most, category, description) VALUES
            (
                'session_timeout_minutes',
                '60',
                'integer',
                1,
                43200,
                'session',
                'Minutes without use after which a session ends.'
            ),
            (
                'session_lifetime_hours',
                '24',
                'integer',
                1,
                8760,
                'session',
                'Hours after log-in when a session ends anyway.'
            ),
            (
                'session_warning_minutes',
                '5',
                'integer',
                0,
                1440,
                'session',
                'Minutes before that end to warn the user.'
            ),
            (
                'whatsapp_per_minute',
                '30',
                'integer',
                1,
                1000,
                'rate_limit',
                'WhatsApp messages that a session sends in a minute.'
            ),
            (
                'api_per_minute',
                '60',
                'integer',
                1,
                100000,
                'rate_limit',
                'API requests that a user may make in a minute.'
            ),
            (
                'login_per_minute',
                '10',
                'integer',
                1,
                1000,
                'rate_limit',
                'Log-in attempts that an address may make in a minute.'
            )
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO settings (key, value, type, category, description) VALUES
            ('backup_path', '"backups"', 'string', 'backup', 'Folder of the backup files.')
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO settings (key, value, type, least, most, category, description) VALUES
            (
                'backup_retention_days',
                '30',
                'integer',
                1,
                3650,
                'backup',
                'Days that a backup made by hand is kept.'
            )
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO settings (key, value, type, category, description) VALUES
            (
                'cleanup_enabled',
                'true',
                'boolean',
                'cleanup',
                'Remove expired sessions and old queue items.'
            )
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO settings (key, value, type, least, most, category, description) VALUES
            (
                'cleanup_interval_hours',
                '24',
                'integer',
                1,
                720,
                'cleanup',
                'Hours from one clean-up to the next.'
            ),
            (
                'session_retention_days',
                '30',
                'integer',
                1,
                3650,
                'cleanup',
                'Days that an ended session is kept.'
            ),
            (
                'message_retention_days',
                '180',
                'integer',
                7,
                3650,
                'cleanup',
                'Days that a message that left is kept.'
            ),
            (
                'activity_retention_days',
                '730',
                'integer',
                365,
                36500,
                'cleanup',
                'Days that the activity log is kept.'
            ),
            (
                'callback_retention_days',
                '30',
                'integer',
                7,
                3650,
                'cleanup',
                'Days that a forged callback is kept.'
            ),
            (
                'days_to_pay',
                '7',
                'integer',
                0,
                365,
                'billing',
                'Days from an invoice''s issue to its due day.'
            ),
            (
                'isolation_grace_days',
                '3',
                'integer',
                0,
                365,
                'billing',
                'Days after the due day until a line is isolated.'
            ),
            ('payment_link_days', '14', 'integer', 1, 365, 'billing', 'Days that a payment link works.'),
            (
                'tax_rate_bp',
                '0',
                'integer',
                0,
                10000,
                'billing',
                'Tax on subscriptions in basis points; 1100 is 11 %%.'
            ),
            (
                'password_min_length',
                '8',
                'integer',
                8,
                64,
                'security',
                'Characters that a password has at the least.'
            ),
            (
                'max_login_attempts',
                '5',
                'integer',
                3,
                100,
                'security',
                'Failed log-ins in a row that lock an account.'
            ),
            (
                'lockout_minutes',
                '15',
                'integer',
                1,
                1440,
                'security',
                'Minutes that a locked account stays locked.'
            )
        ON CONFLICT DO NOTHING
    """)

    # ── backups ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        INSERT INTO backup_schedules (name, frequency, cron, retention_count, next_run_at) VALUES
            (
                'daily',
                'daily',
                '0 2 * * *',
                7,
                (date_trunc('day', (now() AT TIME ZONE 'Asia/Jakarta') - interval '2 hours') + interval '1 day 2 hours') AT TIME ZONE 'Asia/Jakarta'
            ),
            (
                'weekly',
                'weekly',
                '0 3 * * 0',
                4,
                (date_trunc('week', (now() AT TIME ZONE 'Asia/Jakarta') + interval '1 day' - interval '3 hours') + interval '6 days 3 hours') AT TIME ZONE 'Asia/Jakarta'
            ),
            (
                'monthly',
                'monthly',
                '0 4 1 * *',
                12,
                (date_trunc('month', (now() AT TIME ZONE 'Asia/Jakarta') - interval '4 hours') + interval '1 month 4 hours') AT TIME ZONE 'Asia/Jakarta'
            )
        ON CONFLICT DO NOTHING
    """)

    # ── whatsapp ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
INSERT INTO whatsapp_templates (name, category, service, body, variables, is_default) VALUES
    (
        'welcome_hotspot',
        'welcome',
        'hotspot',
        'Halo {customer_name},

Selamat datang di layanan hotspot *{company_name}*! Berikut voucher Anda:

Kode voucher: *{voucher_code}*
Paket: {profile_name}
Masa aktif: {duration}

Sambungkan perangkat Anda ke Wi-Fi kami, lalu masukkan kode voucher di halaman login.

Butuh bantuan? Hubungi kami di {company_phone}.',
        '["customer_name", "company_name", "voucher_code", "profile_name", "duration", "company_phone"]',
        true
    ),
    (
        'welcome_pppoe',
        'welcome',
        'pppoe',
        'Halo {customer_name},

Selamat datang di *{company_name}*! Layanan internet Anda sudah aktif.

Nomor pelanggan: {customer_number}
Nama pengguna: *{username}*
Paket: {profile_name}
Biaya langganan: {price}
Tagihan berikutnya: {next_billing_on}

Demi keamanan, kata sandi disampaikan langsung oleh teknisi kami, tidak melalui pesan ini.

Butuh bantuan? Hubungi kami di {company_phone}.',
        '["customer_name", "company_name", "customer_number", "username", "profile_name", "price", "next_billing_on", "company_phone"]',
        true
    )
ON CONFLICT DO NOTHING
""")
    migrator.sql("""
INSERT INTO whatsapp_templates (name, category, body, variables, is_default) VALUES
    (
        'payment_confirmation',
        'payment_confirmation',
        'Halo {customer_name},

Pembayaran Anda sudah kami terima. Terima kasih!

Nomor tagihan: {invoice_number}
Jumlah: *{amount}*
Metode pembayaran: {payment_method}
Tanggal pembayaran: {paid_at}

Simpan pesan ini sebagai bukti pembayaran.

Salam,
{company_name}',
        '["customer_name", "invoice_number", "amount", "payment_method", "paid_at", "company_name"]',
        true
    ),
    (
        'expiry_warning',
        'expiry_warning',
        'Halo {customer_name},

Masa aktif paket {profile_name} Anda akan berakhir pada *{expires_at}* ({days_left} hari lagi).

Agar internet Anda tidak terputus, mohon lakukan pembayaran sebelum tanggal tersebut. Jika sudah membayar, abaikan pesan ini.

Butuh bantuan? Hubungi kami di {company_phone}.

Salam,
{company_name}',
        '["customer_name", "profile_name", "expires_at", "days_left", "company_phone", "company_name"]',
        true
    ),
    (
        'service_expired',
        'service_expired',
        'Halo {customer_name},

Masa aktif paket {profile_name} Anda telah berakhir pada {expires_at}, sehingga layanan internet Anda kami hentikan untuk sementara.

Silakan lakukan pembayaran agar layanan Anda aktif kembali. Jika sudah membayar tetapi internet belum tersambung, hubungi kami di {company_phone}.

Salam,
{company_name}',
        '["customer_name", "profile_name", "expires_at", "company_phone", "company_name"]',
        true
    ),
    (
        'service_renewed',
        'service_renewed',
        'Halo {customer_name},

Layanan internet Anda telah diperpanjang.

Paket: {profile_name}
Aktif sampai: *{expires_at}*

Terima kasih telah mempercayakan koneksi internet Anda kepada {company_name}.',
        '["customer_name", "profile_name", "expires_at", "company_name"]',
        true
    ),
    (
        'invoice_issued',
        'invoice_issued',
        'Halo {customer_name},

Tagihan layanan internet Anda sudah terbit.

Nomor tagihan: {invoice_number}
Periode: {period}
Total tagihan: *{total}*
Jatuh tempo: *{due_on}*

Mohon lakukan pembayaran paling lambat pada tanggal jatuh tempo. Jika sudah membayar, abaikan pesan ini.

Salam,
{company_name}',
        '["customer_name", "invoice_number", "period", "total", "due_on", "company_name"]',
        true
    ),
    (
        'payment_link',
        'payment_link',
        'Halo {customer_name},

Tagihan nomor {invoice_number} sebesar *{amount}* dapat Anda bayar melalui tautan berikut:

{payment_url}

Tautan ini berlaku sampai {expires_at}. Demi keamanan, jangan bagikan kepada orang lain.

Salam,
{company_name}',
        '["customer_name", "invoice_number", "amount", "payment_url", "expires_at", "company_name"]',
        true
    )
ON CONFLICT DO NOTHING
""")

    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        INSERT INTO payment_methods (code, name, type, plugin_id)
        SELECT
            'cash',
            'Tunai',
            'manual',
            (SELECT id FROM payment_plugins WHERE name = 'manual')
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO payment_methods (code, name, type, plugin_id, config)
        SELECT
            'transfer',
            'Transfer Bank',
            'manual',
            (SELECT id FROM payment_plugins WHERE name = 'manual'),
            '{"bank": "", "account_holder": "", "account_number": ""}'
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO payment_methods (code, name, type) VALUES
            ('balance', 'Saldo', 'wallet')
        ON CONFLICT DO NOTHING
    """)
    migrator.sql("""
        INSERT INTO payment_methods (code, name, type, plugin_id, fee_bp, is_active)
        SELECT
            'duitku',
            'Duitku',
            'gateway',
            (SELECT id FROM payment_plugins WHERE name = 'duitku'),
            250,
            false
        ON CONFLICT DO NOTHING
    """)


def rollback(migrator, database, *, fake=False):
    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        DELETE FROM payment_methods
        WHERE code = 'duitku'
           OR code = 'balance'
           OR code = 'transfer'
           OR code = 'cash'
    """)

    # ── whatsapp ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        DELETE FROM whatsapp_templates
        WHERE name = 'payment_link' AND language = 'id'
           OR name = 'invoice_issued' AND language = 'id'
           OR name = 'service_renewed' AND language = 'id'
           OR name = 'service_expired' AND language = 'id'
           OR name = 'expiry_warning' AND language = 'id'
           OR name = 'payment_confirmation' AND language = 'id'
           OR name = 'welcome_pppoe' AND language = 'id'
           OR name = 'welcome_hotspot' AND language = 'id'
    """)

    # ── backups ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        DELETE FROM backup_schedules
        WHERE name = 'monthly'
           OR name = 'weekly'
           OR name = 'daily'
    """)

    # ── system ──────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        DELETE FROM settings
        WHERE location_id IS NULL AND key = 'lockout_minutes'
           OR location_id IS NULL AND key = 'max_login_attempts'
           OR location_id IS NULL AND key = 'password_min_length'
           OR location_id IS NULL AND key = 'tax_rate_bp'
           OR location_id IS NULL AND key = 'payment_link_days'
           OR location_id IS NULL AND key = 'isolation_grace_days'
           OR location_id IS NULL AND key = 'days_to_pay'
           OR location_id IS NULL AND key = 'callback_retention_days'
           OR location_id IS NULL AND key = 'activity_retention_days'
           OR location_id IS NULL AND key = 'message_retention_days'
           OR location_id IS NULL AND key = 'session_retention_days'
           OR location_id IS NULL AND key = 'cleanup_interval_hours'
           OR location_id IS NULL AND key = 'cleanup_enabled'
           OR location_id IS NULL AND key = 'backup_retention_days'
           OR location_id IS NULL AND key = 'backup_path'
           OR location_id IS NULL AND key = 'login_per_minute'
           OR location_id IS NULL AND key = 'api_per_minute'
           OR location_id IS NULL AND key = 'whatsapp_per_minute'
           OR location_id IS NULL AND key = 'session_warning_minutes'
           OR location_id IS NULL AND key = 'session_lifetime_hours'
           OR location_id IS NULL AND key = 'session_timeout_minutes'
           OR location_id IS NULL AND key = 'pppoe_prefix'
           OR location_id IS NULL AND key = 'voucher_prefix'
           OR location_id IS NULL AND key = 'pppoe_comment'
           OR location_id IS NULL AND key = 'voucher_comment'
           OR location_id IS NULL AND key = 'timezone'
           OR location_id IS NULL AND key = 'time_format'
           OR location_id IS NULL AND key = 'date_format'
           OR location_id IS NULL AND key = 'currency_symbol'
           OR location_id IS NULL AND key = 'currency'
           OR location_id IS NULL AND key = 'company_email'
           OR location_id IS NULL AND key = 'company_phone'
           OR location_id IS NULL AND key = 'company_address'
           OR location_id IS NULL AND key = 'company_name'
    """)

    # ── plugins ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        DELETE FROM plugin_configurations
        WHERE plugin_id = (SELECT id FROM payment_plugins WHERE name = 'duitku') AND key = 'expiry_minutes'
           OR plugin_id = (SELECT id FROM payment_plugins WHERE name = 'duitku') AND key = 'return_url'
           OR plugin_id = (SELECT id FROM payment_plugins WHERE name = 'duitku') AND key = 'callback_url'
           OR plugin_id = (SELECT id FROM payment_plugins WHERE name = 'duitku') AND key = 'sandbox'
           OR plugin_id = (SELECT id FROM payment_plugins WHERE name = 'duitku') AND key = 'merchant_code'
           OR plugin_id = (SELECT id FROM payment_plugins WHERE name = 'manual') AND key = 'proof_required'
           OR plugin_id = (SELECT id FROM payment_plugins WHERE name = 'manual') AND key = 'instructions'
    """)
    migrator.sql("""
        DELETE FROM payment_plugins
        WHERE name = 'duitku'
           OR name = 'manual'
    """)

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        DELETE FROM locations
        WHERE code = 'MAIN'
    """)

    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        DELETE FROM admin_users
        WHERE username = 'admin'
    """)
    migrator.sql("""
        DELETE FROM roles
        WHERE code = 'reseller'
           OR code = 'cashier'
           OR code = 'technician'
           OR code = 'operator'
           OR code = 'admin'
           OR code = 'super_admin'
    """)
