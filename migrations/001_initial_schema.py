"""001_initial_schema

Written by `invoke generate` and proven on PostgreSQL 15: migrate, rollback and migrate again
gave what the domains ask for, what was there before, and what the domains ask for.
"""


def migrate(migrator, database, *, fake=False):
    # ── <kernel> ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""SET LOCAL check_function_bodies = off""")
    migrator.sql("""
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'uuid-ossp') THEN
        CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
    END IF;
END
$$
""")
    migrator.sql("""
CREATE FUNCTION refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
BEGIN
    RAISE EXCEPTION '%%: %% is refused: %%', TG_TABLE_NAME, TG_OP, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION refuse_change_of_fixed_columns()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    fixed text;
BEGIN
    FOREACH fixed IN ARRAY TG_ARGV LOOP
        IF to_jsonb(OLD) -> fixed IS DISTINCT FROM to_jsonb(NEW) -> fixed THEN
            RAISE EXCEPTION '%%: %% of row %% is fixed once it is made', TG_TABLE_NAME, fixed, OLD.id
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, COLUMN = fixed,
                      CONSTRAINT = TG_NAME, HINT = 'Make a new row, and retire this one.';
        END IF;
    END LOOP;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION refuse_status_move()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    allowed text[] := TG_ARGV[1:];
    before text;
    after text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD) ->> TG_ARGV[0];
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    IF NOT coalesce(before, '') || '>' || after = ANY (allowed) THEN
        RAISE EXCEPTION '%%: the status %% may not become %%', TG_TABLE_NAME,
                coalesce(before, '(new)'), after
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = TG_ARGV[0],
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION set_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT USAGE ON SCHEMA ' || quote_ident(current_schema()) || ' TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT USAGE ON SCHEMA ' || quote_ident(current_schema()) || ' TO ' || grantee;
    END IF;
END
$$
""")

    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
CREATE FUNCTION end_sessions()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    UPDATE user_sessions SET revoked_at = now()
    WHERE admin_user_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_a_super_admin()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    UPDATE roles SET created_at = created_at
    WHERE id = (SELECT id FROM roles WHERE code = 'super_admin') AND xmin <> pg_current_xact_id()::xid;
    IF EXISTS (
        SELECT FROM admin_users a JOIN roles r ON r.id = a.role_id
        WHERE r.code = 'super_admin' AND a.is_active
    ) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM admin_users) OR NOT pg_has_role(
        coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
        (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
        RAISE EXCEPTION 'no active super admin would be left; make another one first'
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_permissions()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    IF NOT pg_has_role(
        coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
        (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
        RAISE EXCEPTION 'the role %% keeps its permissions', OLD.code
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION notice_seeded_password()
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path FROM CURRENT
AS $function$
BEGIN
    RETURN QUERY SELECT format('the user %%1$s still has the documented password; choose another one with: '
              'invoke admin.password %%1$s', username)
FROM admin_users WHERE password_hash = '$2b$12$VCAVm/IP3VogNTgxO6iv3.RHIYCNbMm4m2fGd3dt.u3RSlkvUUnOi' AND is_active;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION refuse_change_of_system_role()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.code = OLD.code AND NEW.is_system THEN
            RETURN NEW;
        END IF;
    ELSIF NOT EXISTS (SELECT FROM admin_users) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the role %% comes with the system: it keeps its code and is not deleted',
            OLD.code
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE roles (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            code text NOT NULL,
            name text NOT NULL,
            description text,
            permissions text[] NOT NULL DEFAULT '{}'::text[],
            is_system boolean NOT NULL DEFAULT false,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT roles_pkey PRIMARY KEY (id),
            CONSTRAINT roles_code_form_check CHECK (char_length(code) <= 63 AND code ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT roles_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT roles_description_check CHECK (char_length(description) <= 10000),
            CONSTRAINT roles_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT roles_permissions_form_check CHECK (permissions::text ~ '^\{([a-z_]+\.[a-z_]+(,[a-z_]+\.[a-z_]+)*)?\}$'::text AND octet_length(permissions::text) <= 65536),
            CONSTRAINT roles_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE admin_users (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            username text NOT NULL,
            email text,
            password_hash text NOT NULL,
            full_name text NOT NULL,
            role_id bigint NOT NULL,
            is_active boolean NOT NULL DEFAULT true,
            must_change_password boolean NOT NULL DEFAULT true,
            failed_logins integer NOT NULL DEFAULT 0,
            locked_until timestamp with time zone,
            last_login_at timestamp with time zone,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT admin_users_pkey PRIMARY KEY (id),
            CONSTRAINT admin_users_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT admin_users_email_form_check CHECK (char_length(email) <= 254 AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text AND strpos(email, '@'::text) <= 65 AND (char_length(email) - strpos(email, '@'::text)) <= 189),
            CONSTRAINT admin_users_failed_logins_check CHECK (failed_logins >= 0 AND failed_logins <= 1000000000),
            CONSTRAINT admin_users_full_name_not_blank_check CHECK (full_name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(full_name) <= 200 AND full_name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT admin_users_last_login_at_check CHECK (last_login_at >= to_timestamp(946684800::double precision) AND last_login_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT admin_users_locked_until_check CHECK (locked_until >= to_timestamp(946684800::double precision) AND locked_until <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT admin_users_password_hash_is_bcrypt_check CHECK (password_hash ~ '^\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}$'::text),
            CONSTRAINT admin_users_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT admin_users_username_form_check CHECK (char_length(username) >= 2 AND char_length(username) <= 64 AND username ~ '^[A-Za-z0-9][A-Za-z0-9@._-]*$'::text)
        )
    """)
    migrator.sql("""
        CREATE TABLE user_sessions (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            admin_user_id bigint NOT NULL,
            token_hash bytea NOT NULL,
            ip inet,
            user_agent text,
            expires_at timestamp with time zone NOT NULL,
            revoked_at timestamp with time zone,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT user_sessions_pkey PRIMARY KEY (id),
            CONSTRAINT user_sessions_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT user_sessions_expires_after_created_check CHECK (expires_at > created_at),
            CONSTRAINT user_sessions_expires_at_check CHECK (expires_at >= to_timestamp(946684800::double precision) AND expires_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT user_sessions_revoked_at_check CHECK (revoked_at >= to_timestamp(946684800::double precision) AND revoked_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT user_sessions_token_hash_check CHECK (octet_length(token_hash) = 32),
            CONSTRAINT user_sessions_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT user_sessions_user_agent_check CHECK (char_length(user_agent) <= 10000)
        )
    """)
    migrator.sql("""
        ALTER TABLE admin_users
            ADD CONSTRAINT admin_users_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE user_sessions
            ADD CONSTRAINT user_sessions_admin_user_id_fkey FOREIGN KEY (admin_user_id) REFERENCES admin_users(id) ON DELETE CASCADE
    """)
    migrator.sql("""CREATE UNIQUE INDEX roles_code_key ON roles USING btree (code)""")
    migrator.sql("""
        CREATE UNIQUE INDEX admin_users_email_key ON admin_users USING btree (lower(email))
    """)
    migrator.sql("""CREATE INDEX admin_users_role_id_idx ON admin_users USING btree (role_id)""")
    migrator.sql("""
        CREATE UNIQUE INDEX admin_users_username_key ON admin_users USING btree (lower(username))
    """)
    migrator.sql("""
        CREATE INDEX user_sessions_admin_user_id_idx ON user_sessions USING btree (admin_user_id)
    """)
    migrator.sql("""
        CREATE INDEX user_sessions_expires_at_idx ON user_sessions USING btree (expires_at)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX user_sessions_token_hash_key ON user_sessions USING btree (token_hash)
    """)
    migrator.sql("""
        CREATE TRIGGER roles_super_admin_keeps_permissions BEFORE UPDATE OF permissions ON roles
            FOR EACH ROW WHEN (old.code = 'super_admin'::text AND NOT new.permissions @> old.permissions) EXECUTE FUNCTION keep_permissions()
    """)
    migrator.sql("""
        CREATE TRIGGER roles_system_role_stays BEFORE DELETE OR UPDATE OF code, is_system ON roles
            FOR EACH ROW WHEN (old.is_system) EXECUTE FUNCTION refuse_change_of_system_role()
    """)
    migrator.sql("""
        CREATE TRIGGER roles_updated_at BEFORE UPDATE ON roles
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER admin_users_deactivation_ends_sessions AFTER UPDATE OF is_active ON admin_users
            FOR EACH ROW WHEN (old.is_active AND NOT new.is_active) EXECUTE FUNCTION end_sessions()
    """)
    migrator.sql("""
        CREATE CONSTRAINT TRIGGER admin_users_last_super_admin_stays AFTER DELETE OR UPDATE OF is_active, role_id ON admin_users DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION keep_a_super_admin()
    """)
    migrator.sql("""
        CREATE TRIGGER admin_users_updated_at BEFORE UPDATE ON admin_users
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER user_sessions_updated_at BEFORE UPDATE ON user_sessions
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        REVOKE EXECUTE ON ROUTINE end_sessions() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_a_super_admin() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_permissions() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE refuse_change_of_system_role() FROM PUBLIC
    """)

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
CREATE FUNCTION acting_branches()
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
-- lint: ignore open-definer it tells the caller for what the caller acts, and nothing else
DECLARE
    acting text := current_setting('billing.acting', true);
    branches text := split_part(acting, '|', 1);
    key text;
BEGIN
    IF to_regclass(quote_ident(current_schema()) || '.migratekeys') IS NOT NULL THEN
        SELECT value INTO key FROM migratekeys WHERE name = 'branches';
    END IF;
    IF coalesce(branches, '') = '' THEN
        IF key IS NOT NULL AND NOT has_function_privilege(
            coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
            'every_branch()', 'EXECUTE')
        THEN
            RETURN NULL;
        END IF;
        branches := '*';
    ELSIF encode(sha256(convert_to(key, 'UTF8') || sha256(convert_to(key ||
        format('acting %%s %%s %%s', current_schema(), extract(epoch FROM now()), branches), 'UTF8'))), 'hex') <> split_part(acting, '|', 2)
    THEN
        RETURN NULL;
    END IF;
    IF branches = '*' THEN
        RETURN ARRAY(SELECT id FROM locations);
    END IF;
    RETURN branches::bigint[];
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION begin_acting(session bigint, proof text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    whose text := coalesce(session::text, '*');
    branches text := '*';
    key text;
BEGIN
    IF to_regclass(quote_ident(current_schema()) || '.migratekeys') IS NOT NULL THEN
        SELECT value INTO key FROM migratekeys WHERE name = 'branches';
    END IF;
    IF key IS NOT NULL AND proof IS DISTINCT FROM encode(sha256(convert_to(key, 'UTF8') || sha256(convert_to(key ||
        format('act %%s %%s %%s %%s', current_schema(), pg_backend_pid(),
            extract(epoch FROM now()), whose), 'UTF8'))), 'hex')
        AND NOT has_function_privilege(
            coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
            'every_branch()', 'EXECUTE')
    THEN
        RAISE EXCEPTION 'branches are on, and nothing shows that the application itself acts'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'The key in BILLING_BRANCH_KEY has to be the one of the database.';
    END IF;
    IF session IS NOT NULL THEN
        SELECT ARRAY(
            SELECT l.id
            FROM locations l LEFT JOIN location_users p
                ON p.location_id = l.id AND p.admin_user_id = a.id
            JOIN roles r ON r.id = coalesce(p.role_id, a.role_id)
            WHERE r.permissions <> '{}' ORDER BY l.id)
        INTO branches
        FROM user_sessions s JOIN admin_users a ON a.id = s.admin_user_id
        WHERE s.id = session AND a.is_active AND s.revoked_at IS NULL AND s.expires_at > now();
        IF branches IS NULL THEN
            RAISE EXCEPTION 'the session %% has ended', session
                USING ERRCODE = 'invalid_authorization_specification';
        END IF;
    END IF;
    PERFORM set_config('billing.acting', branches || '|' || coalesce(encode(sha256(convert_to(key, 'UTF8') || sha256(convert_to(key ||
        format('acting %%s %%s %%s', current_schema(), extract(epoch FROM now()), branches), 'UTF8'))), 'hex'), ''), true);
    RETURN branches;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION every_branch()
 RETURNS bigint[]
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
    SELECT ARRAY(SELECT id FROM locations)
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_default_location()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    UPDATE locations SET created_at = created_at
    WHERE id = (SELECT id FROM locations WHERE is_default) AND xmin <> pg_current_xact_id()::xid;
    IF EXISTS (SELECT FROM locations) AND NOT EXISTS (SELECT FROM locations WHERE is_default) THEN
        RAISE EXCEPTION 'locations: no branch would be the default; make another one the default'
            ' in the same transaction'
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'is_default',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_staff()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    IF (acting_branches() @> ARRAY(SELECT id FROM locations)) IS NOT TRUE THEN
        RAISE EXCEPTION '%%: who acts for all branches alone may do this', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Log-in does so in a block of database.acting_for_all("log-in").';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE locations (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            code text NOT NULL,
            name text NOT NULL,
            timezone text NOT NULL DEFAULT 'Asia/Jakarta'::text,
            address text,
            phone text,
            is_default boolean NOT NULL DEFAULT false,
            is_active boolean NOT NULL DEFAULT true,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT locations_pkey PRIMARY KEY (id),
            CONSTRAINT locations_address_check CHECK (char_length(address) <= 10000),
            CONSTRAINT locations_code_form_check CHECK (char_length(code) <= 63 AND code ~ '^[A-Z0-9][A-Z0-9_-]*$'::text),
            CONSTRAINT locations_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT locations_default_is_active_check CHECK (is_active OR NOT is_default),
            CONSTRAINT locations_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT locations_phone_check CHECK (char_length(phone) >= 8 AND char_length(phone) <= 15 AND phone ~ '^[1-9][0-9]*$'::text),
            CONSTRAINT locations_timezone_is_known_check CHECK (timezone ~ '^(UTC|[A-Z][A-Za-z_]*(/[A-Z][A-Za-z_-]*)+)$'::text AND (now() AT TIME ZONE timezone) IS NOT NULL),
            CONSTRAINT locations_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        CREATE TABLE location_users (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            admin_user_id bigint NOT NULL,
            role_id bigint,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT location_users_pkey PRIMARY KEY (id),
            CONSTRAINT location_users_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT location_users_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        ALTER TABLE location_users
            ADD CONSTRAINT location_users_admin_user_id_fkey FOREIGN KEY (admin_user_id) REFERENCES admin_users(id) ON DELETE CASCADE
    """)
    migrator.sql("""
        ALTER TABLE location_users
            ADD CONSTRAINT location_users_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE CASCADE
    """)
    migrator.sql("""
        ALTER TABLE location_users
            ADD CONSTRAINT location_users_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles(id) ON DELETE RESTRICT
    """)
    migrator.sql("""CREATE UNIQUE INDEX locations_code_key ON locations USING btree (code)""")
    migrator.sql("""
        CREATE UNIQUE INDEX locations_is_default_key ON locations USING btree (is_default) WHERE is_default
    """)
    migrator.sql("""CREATE UNIQUE INDEX locations_name_key ON locations USING btree (name)""")
    migrator.sql("""
        CREATE INDEX location_users_admin_user_id_idx ON location_users USING btree (admin_user_id)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX location_users_location_id_admin_user_id_key ON location_users USING btree (location_id, admin_user_id)
    """)
    migrator.sql("""
        CREATE INDEX location_users_role_id_idx ON location_users USING btree (role_id)
    """)
    migrator.sql("""ALTER TABLE location_users ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE TRIGGER roles_added_by_all_branches BEFORE INSERT OR DELETE ON roles
            FOR EACH ROW EXECUTE FUNCTION keep_staff()
    """)
    migrator.sql("""
        CREATE TRIGGER roles_widened_by_all_branches BEFORE UPDATE ON roles
            FOR EACH ROW WHEN (NOT old.permissions @> new.permissions) EXECUTE FUNCTION keep_staff()
    """)

    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        COMMENT ON TABLE roles IS 'A set of permissions that admin users are given together.';
        COMMENT ON COLUMN roles.id IS 'Identity.';
        COMMENT ON COLUMN roles.code IS 'What programs call the role, such as super_admin.';
        COMMENT ON COLUMN roles.name IS 'What people call the role.';
        COMMENT ON COLUMN roles.description IS 'Whom the role is for.';
        COMMENT ON COLUMN roles.permissions IS 'Permissions, each resource.action as a domain declares it.';
        COMMENT ON COLUMN roles.is_system IS 'Comes with the system; is not deleted.';
        COMMENT ON COLUMN roles.created_at IS 'When the row was made.';
        COMMENT ON COLUMN roles.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT DELETE, SELECT, INSERT (code, name, description, permissions, is_system), SELECT (id, permissions), UPDATE (name, description, permissions) ON TABLE roles TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE roles TO ' || grantee;
    END IF;
END
$$
""")

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TRIGGER admin_users_added_by_all_branches BEFORE INSERT ON admin_users
            FOR EACH ROW EXECUTE FUNCTION keep_staff()
    """)
    migrator.sql("""
        CREATE TRIGGER admin_users_changed_by_all_branches BEFORE UPDATE ON admin_users
            FOR EACH ROW WHEN (old.id IS DISTINCT FROM new.id OR old.username IS DISTINCT FROM new.username OR old.email IS DISTINCT FROM new.email OR old.password_hash IS DISTINCT FROM new.password_hash OR old.role_id IS DISTINCT FROM new.role_id OR old.is_active IS DISTINCT FROM new.is_active) EXECUTE FUNCTION keep_staff()
    """)

    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        COMMENT ON TABLE admin_users IS 'Someone who may log in to run the system. User names differ by more than case.';
        COMMENT ON COLUMN admin_users.id IS 'Identity.';
        COMMENT ON COLUMN admin_users.username IS 'Name to log in with; letter case does not matter.';
        COMMENT ON COLUMN admin_users.email IS 'E-mail address; letter case does not matter.';
        COMMENT ON COLUMN admin_users.password_hash IS 'bcrypt hash of the password, cost 10 to 14.';
        COMMENT ON COLUMN admin_users.full_name IS 'Name to show.';
        COMMENT ON COLUMN admin_users.role_id IS 'Role in every location that gives no other one.';
        COMMENT ON COLUMN admin_users.is_active IS 'May log in.';
        COMMENT ON COLUMN admin_users.must_change_password IS 'Someone else chose the password: ask for a new one at log-in.';
        COMMENT ON COLUMN admin_users.failed_logins IS 'Failed log-ins since the last good one.';
        COMMENT ON COLUMN admin_users.locked_until IS 'No log-in before this moment.';
        COMMENT ON COLUMN admin_users.last_login_at IS 'Last good log-in.';
        COMMENT ON COLUMN admin_users.created_at IS 'When the row was made.';
        COMMENT ON COLUMN admin_users.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT, INSERT (username, email, password_hash, full_name, role_id, is_active, must_change_password, failed_logins), UPDATE (username, email, password_hash, full_name, role_id, is_active, must_change_password, failed_logins, locked_until, last_login_at) ON TABLE admin_users TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT (id, username, email, full_name, role_id, is_active, must_change_password, failed_logins, locked_until, last_login_at, created_at, updated_at) ON TABLE admin_users TO ' || grantee;
    END IF;
END
$$
""")

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE CONSTRAINT TRIGGER locations_one_is_default AFTER INSERT OR DELETE OR UPDATE OF is_default ON locations DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION keep_default_location()
    """)
    migrator.sql("""
        CREATE TRIGGER locations_updated_at BEFORE UPDATE ON locations
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER location_users_updated_at BEFORE UPDATE ON location_users
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER user_sessions_begun_by_all_branches BEFORE INSERT ON user_sessions
            FOR EACH ROW EXECUTE FUNCTION keep_staff()
    """)
    migrator.sql("""
        CREATE TRIGGER user_sessions_revived_by_all_branches BEFORE UPDATE ON user_sessions
            FOR EACH ROW WHEN (old.id IS DISTINCT FROM new.id OR old.admin_user_id IS DISTINCT FROM new.admin_user_id OR old.token_hash IS DISTINCT FROM new.token_hash OR old.revoked_at IS NOT NULL AND new.revoked_at IS NULL OR old.expires_at <= now() AND new.expires_at > old.expires_at) EXECUTE FUNCTION keep_staff()
    """)

    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        COMMENT ON TABLE user_sessions IS 'A log-in of an admin user, good until it expires or is revoked.';
        COMMENT ON COLUMN user_sessions.id IS 'Identity.';
        COMMENT ON COLUMN user_sessions.admin_user_id IS 'Who logged in.';
        COMMENT ON COLUMN user_sessions.token_hash IS 'sha256 of the session token; the token itself is not stored.';
        COMMENT ON COLUMN user_sessions.ip IS 'Address the log-in came from.';
        COMMENT ON COLUMN user_sessions.user_agent IS 'Browser or program the log-in came from.';
        COMMENT ON COLUMN user_sessions.expires_at IS 'End of the session; use may move it on.';
        COMMENT ON COLUMN user_sessions.revoked_at IS 'When it was ended early, by log-out or force.';
        COMMENT ON COLUMN user_sessions.created_at IS 'When the row was made.';
        COMMENT ON COLUMN user_sessions.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT DELETE, SELECT, INSERT (admin_user_id, token_hash, ip, user_agent, expires_at), UPDATE (expires_at, revoked_at) ON TABLE user_sessions TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT (id, admin_user_id, ip, user_agent, expires_at, revoked_at, created_at, updated_at) ON TABLE user_sessions TO ' || grantee;
    END IF;
END
$$
""")

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE POLICY location_users_branch ON location_users USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY location_users_read ON location_users FOR SELECT USING (true)
    """)
    migrator.sql("""
        COMMENT ON TABLE locations IS 'A branch of the provider. Exactly one is the default, and that one is active.';
        COMMENT ON COLUMN locations.id IS 'Identity.';
        COMMENT ON COLUMN locations.code IS 'Short code, used in numbers of customers and invoices.';
        COMMENT ON COLUMN locations.name IS 'What people call the branch.';
        COMMENT ON COLUMN locations.timezone IS 'Time zone by name: Asia/Jakarta is WIB, Asia/Makassar WITA, Asia/Jayapura WIT.';
        COMMENT ON COLUMN locations.address IS 'Postal address.';
        COMMENT ON COLUMN locations.phone IS 'Phone of the branch, digits with country code.';
        COMMENT ON COLUMN locations.is_default IS 'The branch used where none is named; one only.';
        COMMENT ON COLUMN locations.is_active IS 'The branch is in business.';
        COMMENT ON COLUMN locations.created_at IS 'When the row was made.';
        COMMENT ON COLUMN locations.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE location_users IS 'An admin user''s place in a branch.';
        COMMENT ON COLUMN location_users.id IS 'Identity.';
        COMMENT ON COLUMN location_users.location_id IS 'The branch.';
        COMMENT ON COLUMN location_users.admin_user_id IS 'Who works there.';
        COMMENT ON COLUMN location_users.role_id IS 'Role in this branch; null means the admin user''s own role.';
        COMMENT ON COLUMN location_users.created_at IS 'When the row was made.';
        COMMENT ON COLUMN location_users.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        REVOKE EXECUTE ON ROUTINE begin_acting(bigint, text) FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE every_branch() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_default_location() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_staff() FROM PUBLIC
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT EXECUTE ON ROUTINE begin_acting(bigint, text) TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (location_id, admin_user_id, role_id), SELECT (location_id, admin_user_id, role_id), UPDATE (role_id) ON TABLE location_users TO ' || grantee;
        EXECUTE 'GRANT SELECT, INSERT (code, name, timezone, address, phone, is_default, is_active), UPDATE (code, name, timezone, address, phone, is_default, is_active) ON TABLE locations TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT EXECUTE ON ROUTINE every_branch() TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE location_users TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE locations TO ' || grantee;
    END IF;
END
$$
""")

    # ── plugins ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql(r"""
        CREATE TABLE payment_plugins (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            name text NOT NULL,
            version text NOT NULL,
            description text,
            author text,
            entry_point text NOT NULL,
            config_schema jsonb NOT NULL DEFAULT '{}'::jsonb,
            is_enabled boolean NOT NULL DEFAULT false,
            is_system boolean NOT NULL DEFAULT false,
            installed_by_id bigint,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT payment_plugins_pkey PRIMARY KEY (id),
            CONSTRAINT payment_plugins_author_not_blank_check CHECK (author ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(author) <= 200 AND author !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT payment_plugins_config_schema_object_check CHECK (jsonb_typeof(config_schema) = 'object'::text),
            CONSTRAINT payment_plugins_config_schema_size_check CHECK (octet_length(config_schema::text) <= 65536),
            CONSTRAINT payment_plugins_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_plugins_description_check CHECK (char_length(description) <= 10000),
            CONSTRAINT payment_plugins_entry_point_form_check CHECK (entry_point ~ '^[A-Za-z_][A-Za-z0-9_.]{0,126}:[A-Za-z_][A-Za-z0-9_]{0,62}$'::text),
            CONSTRAINT payment_plugins_name_form_check CHECK (char_length(name) <= 63 AND name ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT payment_plugins_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_plugins_version_not_blank_check CHECK (version ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(version) <= 200 AND version !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text)
        )
    """)
    migrator.sql(r"""
        CREATE TABLE plugin_configurations (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            plugin_id bigint NOT NULL,
            key text NOT NULL,
            value jsonb,
            value_enc bytea,
            is_secret boolean NOT NULL DEFAULT false,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT plugin_configurations_pkey PRIMARY KEY (id),
            CONSTRAINT plugin_configurations_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT plugin_configurations_key_demands_secret_check CHECK (is_secret OR key !~ '(^|_)(key|keys|secret|secrets|pass|passwd|password|passwords|passphrase|passcode|pwd|pin|token|tokens|apikey|authorization|auth|credential|credentials|header|headers|cookie|cookies|signature|private|cert|certificate|jwt|bearer|otp|salt)(_|$)|password|passphrase|secret|token'::text),
            CONSTRAINT plugin_configurations_key_form_check CHECK (char_length(key) <= 63 AND key ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT plugin_configurations_secret_is_encrypted_check CHECK (is_secret = (value_enc IS NOT NULL)),
            CONSTRAINT plugin_configurations_secret_not_in_clear_check CHECK (value_enc IS NULL OR value IS NULL),
            CONSTRAINT plugin_configurations_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT plugin_configurations_value_enc_of_its_row_check CHECK (SUBSTRING(value_enc FROM 1 FOR 1) = '\x01'::bytea AND octet_length(value_enc) >= 33 AND octet_length(value_enc) <= 8192 OR SUBSTRING(value_enc FROM 1 FOR 1) = '\x02'::bytea AND octet_length(value_enc) >= 41 AND octet_length(value_enc) <= 8200 AND SUBSTRING(value_enc FROM 6 FOR 8) = int8send(id) OR SUBSTRING(value_enc FROM 1 FOR 1) = '\x03'::bytea AND octet_length(value_enc) >= 49 AND octet_length(value_enc) <= 8208 AND SUBSTRING(value_enc FROM 6 FOR 8) = int8send(id)),
            CONSTRAINT plugin_configurations_value_hides_no_secret_check CHECK (NOT jsonb_path_exists(value, '$.**?(@.type() == "object").keyvalue()."key"?(@ like_regex "(^|[^a-z])(key|keys|secret|secrets|pass|passwd|password|passwords|passphrase|passcode|pwd|pin|token|tokens|apikey|authorization|auth|credential|credentials|header|headers|cookie|cookies|signature|private|cert|certificate|jwt|bearer|otp|salt)([^a-z]|$)|password|passphrase|secret|token|api.?key" flag "i" || @ like_regex "[a-z](Key|Pass|Pwd|Pin|Auth|Credential|Header|Cookie|Cert|Salt|Otp)")'::jsonpath) AND value::text !~ '://[^/@[:space:]]*:[^/@[:space:]]+@|-----BEGIN'::text),
            CONSTRAINT plugin_configurations_value_size_check CHECK (octet_length(value::text) <= 20000)
        )
    """)
    migrator.sql(r"""
        CREATE TABLE plugin_error_logs (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            plugin_id bigint NOT NULL,
            error_type text NOT NULL,
            message text NOT NULL,
            stack text,
            context jsonb NOT NULL DEFAULT '{}'::jsonb,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT plugin_error_logs_pkey PRIMARY KEY (id),
            CONSTRAINT plugin_error_logs_context_object_check CHECK (jsonb_typeof(context) = 'object'::text),
            CONSTRAINT plugin_error_logs_context_size_check CHECK (octet_length(context::text) <= 65536),
            CONSTRAINT plugin_error_logs_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT plugin_error_logs_error_type_not_blank_check CHECK (error_type ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(error_type) <= 200 AND error_type !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT plugin_error_logs_message_check CHECK (char_length(message) <= 100000),
            CONSTRAINT plugin_error_logs_stack_check CHECK (char_length(stack) <= 100000)
        )
    """)
    migrator.sql("""
        ALTER TABLE payment_plugins
            ADD CONSTRAINT payment_plugins_installed_by_id_fkey FOREIGN KEY (installed_by_id) REFERENCES admin_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE plugin_configurations
            ADD CONSTRAINT plugin_configurations_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES payment_plugins(id) ON DELETE CASCADE
    """)
    migrator.sql("""
        ALTER TABLE plugin_error_logs
            ADD CONSTRAINT plugin_error_logs_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES payment_plugins(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        CREATE INDEX payment_plugins_installed_by_id_idx ON payment_plugins USING btree (installed_by_id) WHERE installed_by_id IS NOT NULL
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX payment_plugins_name_key ON payment_plugins USING btree (name)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX plugin_configurations_plugin_id_key_key ON plugin_configurations USING btree (plugin_id, key)
    """)
    migrator.sql("""
        CREATE INDEX plugin_error_logs_plugin_id_created_at_idx ON plugin_error_logs USING btree (plugin_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE TRIGGER payment_plugins_updated_at BEFORE UPDATE ON payment_plugins
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER plugin_configurations_updated_at BEFORE UPDATE ON plugin_configurations
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        COMMENT ON TABLE payment_plugins IS 'A payment provider''s code: where it is, what it wants configured, whether it is in use.';
        COMMENT ON COLUMN payment_plugins.id IS 'Identity.';
        COMMENT ON COLUMN payment_plugins.name IS 'Machine name; payments and their events carry it as provider.';
        COMMENT ON COLUMN payment_plugins.version IS 'Version of the installed code.';
        COMMENT ON COLUMN payment_plugins.description IS 'What the plugin does, for the operator.';
        COMMENT ON COLUMN payment_plugins.author IS 'Who wrote it.';
        COMMENT ON COLUMN payment_plugins.entry_point IS 'What to import, as module:object.';
        COMMENT ON COLUMN payment_plugins.config_schema IS 'JSON Schema of the configuration; writeOnly marks what is secret.';
        COMMENT ON COLUMN payment_plugins.is_enabled IS 'Whether payments may go through it.';
        COMMENT ON COLUMN payment_plugins.is_system IS 'Ships with the system: may be disabled, not removed.';
        COMMENT ON COLUMN payment_plugins.installed_by_id IS 'Who installed it; null for what ships with the system.';
        COMMENT ON COLUMN payment_plugins.created_at IS 'When the row was made.';
        COMMENT ON COLUMN payment_plugins.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE plugin_configurations IS 'One configured value of a plugin, in the clear or encrypted, never both.';
        COMMENT ON COLUMN plugin_configurations.id IS 'Identity.';
        COMMENT ON COLUMN plugin_configurations.plugin_id IS 'Plugin that reads the value.';
        COMMENT ON COLUMN plugin_configurations.key IS 'Name of the value, a property of the plugin''s config_schema.';
        COMMENT ON COLUMN plugin_configurations.value IS 'The value in the clear; null for a secret.';
        COMMENT ON COLUMN plugin_configurations.value_enc IS 'The encrypted value of a secret.';
        COMMENT ON COLUMN plugin_configurations.is_secret IS 'Whether the value is kept encrypted.';
        COMMENT ON COLUMN plugin_configurations.created_at IS 'When the row was made.';
        COMMENT ON COLUMN plugin_configurations.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE plugin_error_logs IS 'An error that a plugin ran into; written once, removed only by the clean-up.';
        COMMENT ON COLUMN plugin_error_logs.id IS 'Identity.';
        COMMENT ON COLUMN plugin_error_logs.plugin_id IS 'Plugin in which it happened.';
        COMMENT ON COLUMN plugin_error_logs.error_type IS 'Class of the error, such as ConnectionError.';
        COMMENT ON COLUMN plugin_error_logs.message IS 'What the error said; without secrets.';
        COMMENT ON COLUMN plugin_error_logs.stack IS 'The traceback.';
        COMMENT ON COLUMN plugin_error_logs.context IS 'What was being done: payment, request, answer; without secrets.';
        COMMENT ON COLUMN plugin_error_logs.created_at IS 'When the row was made.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT USAGE ON SEQUENCE plugin_configurations_id_seq TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (name, version, description, author, entry_point, config_schema, is_enabled, is_system, installed_by_id), UPDATE (name, version, description, author, entry_point, config_schema, is_enabled, is_system, installed_by_id) ON TABLE payment_plugins TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (id, plugin_id, key, value, value_enc, is_secret), UPDATE (plugin_id, key, value, value_enc, is_secret) ON TABLE plugin_configurations TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (plugin_id, error_type, message, stack, context), SELECT (id, created_at) ON TABLE plugin_error_logs TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE payment_plugins TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, plugin_id, key, value, is_secret, created_at, updated_at) ON TABLE plugin_configurations TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, plugin_id, error_type, message, created_at) ON TABLE plugin_error_logs TO ' || grantee;
    END IF;
END
$$
""")

    # ── customers ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""CREATE EXTENSION IF NOT EXISTS pg_trgm""")
    migrator.sql("""CREATE TYPE customer_status AS ENUM ('active', 'suspended', 'inactive')""")
    migrator.sql("""
        CREATE TYPE transaction_log_entry_type AS ENUM (
            'top_up',
            'payment',
            'charge',
            'refund',
            'adjustment',
            'reversal',
            'opening'
        )
    """)
    migrator.sql("""
CREATE FUNCTION chain_entry()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    tip record;
BEGIN
    PERFORM FROM customers WHERE id = NEW.customer_id FOR NO KEY UPDATE;
    SELECT seq, balance_after INTO tip FROM transaction_logs
    WHERE customer_id = NEW.customer_id ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(tip.seq, 0) + 1;
    NEW.balance_before := coalesce(tip.balance_after, 0);
    NEW.balance_after := NEW.balance_before + NEW.amount;
    NEW.created_at := now();
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_balance()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    posted bigint := coalesce(
        (SELECT balance_after FROM transaction_logs WHERE customer_id = NEW.id
         ORDER BY seq DESC LIMIT 1), 0);
BEGIN
    IF NEW.balance IS DISTINCT FROM posted THEN
        RAISE EXCEPTION 'customers: the ledger gives customer %% a balance of %%, not %%; post an'
            ' entry to transaction_logs instead', NEW.id, posted, NEW.balance
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'balance',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_reversal()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    original record;
BEGIN
    SELECT customer_id, amount, entry_type INTO original
    FROM transaction_logs WHERE id = NEW.reverses_id;
    IF original.entry_type IS NOT DISTINCT FROM 'reversal'
        OR original.customer_id IS DISTINCT FROM NEW.customer_id
        OR original.amount IS DISTINCT FROM -NEW.amount
    THEN
        RAISE EXCEPTION 'transaction_logs: entry %% is no reversal of entry %%: that takes the same'
            ' customer, the opposite amount, and an entry that is no reversal itself',
            NEW.id, NEW.reverses_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION find_customers(pattern text, most bigint)
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET row_security TO 'off'
 SET plan_cache_mode TO 'force_custom_plan'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    RETURN QUERY
    SELECT id FROM customers
    WHERE (name || ' ' || coalesce(phone, '')) ILIKE pattern AND deleted_at IS NULL
      AND location_id = ANY ((SELECT acting_branches())::bigint[])
    LIMIT most;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION match_branch_of_customer()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    branch bigint;
BEGIN
    IF OLD.customer_id = NEW.customer_id AND OLD.location_id = NEW.location_id THEN
        RETURN NEW;
    END IF;
    SELECT location_id INTO branch FROM customers WHERE id = NEW.customer_id FOR KEY SHARE;
    IF (branch = ANY (acting_branches())) IS NOT TRUE AND branch IS NOT NULL THEN
        RAISE EXCEPTION '%%: customer %% is of a branch that is not acted for',
            TG_TABLE_NAME, NEW.customer_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF branch IS DISTINCT FROM NEW.location_id THEN
        RAISE EXCEPTION '%%: customer %% belongs to location %%, not %%', TG_TABLE_NAME,
            NEW.customer_id, branch, NEW.location_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'location_id',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION post_entry(customer bigint, kind transaction_log_entry_type, rupiah bigint, about text, event text, event_id bigint, taken_back bigint, poster bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    branch bigint := (SELECT location_id FROM customers WHERE id = customer);
    made bigint;
BEGIN
    IF (branch = ANY (acting_branches())) IS NOT TRUE AND branch IS NOT NULL THEN
        RAISE EXCEPTION '%%: customer %% is of a branch that is not acted for',
            'transaction_logs', customer
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO transaction_logs (customer_id, entry_type, amount, description, reference_type,
                                  reference_id, reverses_id, created_by_id)
    VALUES (customer, kind, rupiah, about, event, event_id, taken_back, poster)
    RETURNING id INTO made;
    RETURN made;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION write_balance()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    UPDATE customers c SET balance = t.balance_after
    FROM transaction_logs t
    WHERE c.id = NEW.customer_id AND t.customer_id = c.id
      AND t.seq = (SELECT max(seq) FROM transaction_logs WHERE customer_id = NEW.customer_id);
    RETURN NULL;
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE customers (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            number text NOT NULL,
            name text NOT NULL,
            phone text,
            phone_is_shared boolean NOT NULL DEFAULT false,
            email text,
            address text,
            status customer_status NOT NULL DEFAULT 'active'::customer_status,
            balance bigint NOT NULL DEFAULT 0,
            credit_limit bigint NOT NULL DEFAULT 0,
            notes text,
            opted_out_at timestamp with time zone,
            is_never_isolated boolean NOT NULL DEFAULT false,
            deleted_at timestamp with time zone,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT customers_pkey PRIMARY KEY (id),
            CONSTRAINT customers_address_check CHECK (char_length(address) <= 10000),
            CONSTRAINT customers_balance_check CHECK (balance >= '-1000000000000000'::bigint AND balance <= '1000000000000000'::bigint),
            CONSTRAINT customers_balance_within_credit_check CHECK (balance >= (- credit_limit)),
            CONSTRAINT customers_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT customers_credit_limit_check CHECK (credit_limit >= 0 AND credit_limit <= '1000000000000000'::bigint),
            CONSTRAINT customers_deleted_at_check CHECK (deleted_at >= to_timestamp(946684800::double precision) AND deleted_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT customers_email_form_check CHECK (char_length(email) <= 254 AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text AND strpos(email, '@'::text) <= 65 AND (char_length(email) - strpos(email, '@'::text)) <= 189),
            CONSTRAINT customers_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT customers_notes_check CHECK (char_length(notes) <= 10000),
            CONSTRAINT customers_number_form_check CHECK (char_length(number) <= 63 AND number ~ '^[A-Za-z0-9][A-Za-z0-9/_-]*$'::text),
            CONSTRAINT customers_opted_out_at_check CHECK (opted_out_at >= to_timestamp(946684800::double precision) AND opted_out_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT customers_phone_check CHECK (char_length(phone) >= 8 AND char_length(phone) <= 15 AND phone ~ '^[1-9][0-9]*$'::text),
            CONSTRAINT customers_shared_phone_is_there_check CHECK (phone IS NOT NULL OR NOT phone_is_shared),
            CONSTRAINT customers_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE transaction_logs (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            customer_id bigint NOT NULL,
            seq integer NOT NULL,
            entry_type transaction_log_entry_type NOT NULL,
            amount bigint NOT NULL,
            balance_before bigint NOT NULL,
            balance_after bigint NOT NULL,
            reference_type text,
            reference_id bigint,
            reverses_id bigint,
            description text NOT NULL,
            created_by_id bigint,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT transaction_logs_pkey PRIMARY KEY (id),
            CONSTRAINT transaction_logs_amount_check CHECK (amount >= '-1000000000000000'::bigint AND amount <= '1000000000000000'::bigint),
            CONSTRAINT transaction_logs_amount_not_zero_check CHECK (amount <> 0),
            CONSTRAINT transaction_logs_balance_after_check CHECK (balance_after >= '-1000000000000000'::bigint AND balance_after <= '1000000000000000'::bigint),
            CONSTRAINT transaction_logs_balance_before_check CHECK (balance_before >= '-1000000000000000'::bigint AND balance_before <= '1000000000000000'::bigint),
            CONSTRAINT transaction_logs_balance_is_chained_check CHECK (balance_after = (balance_before + amount)),
            CONSTRAINT transaction_logs_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT transaction_logs_description_not_blank_check CHECK (description ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(description) <= 300 AND description !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT transaction_logs_opening_is_first_check CHECK (entry_type <> 'opening'::transaction_log_entry_type OR seq = 1),
            CONSTRAINT transaction_logs_payment_is_named_check CHECK ((entry_type <> ALL (ARRAY['payment'::transaction_log_entry_type, 'refund'::transaction_log_entry_type])) OR NOT reference_type IS DISTINCT FROM 'payment'::text),
            CONSTRAINT transaction_logs_reference_id_range_check CHECK (reference_id >= '-4611686018427387904'::bigint AND reference_id <= '4611686018427387904'::bigint),
            CONSTRAINT transaction_logs_reference_is_whole_check CHECK ((reference_type IS NULL) = (reference_id IS NULL)),
            CONSTRAINT transaction_logs_reference_type_form_check CHECK (char_length(reference_type) <= 63 AND reference_type ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT transaction_logs_reversal_names_entry_check CHECK ((entry_type = 'reversal'::transaction_log_entry_type) = (reverses_id IS NOT NULL)),
            CONSTRAINT transaction_logs_reverses_another_check CHECK (reverses_id <> id),
            CONSTRAINT transaction_logs_seq_check CHECK (seq >= 1 AND seq <= 2000000000),
            CONSTRAINT transaction_logs_sign_fits_type_check CHECK (
        CASE
            WHEN entry_type = ANY (ARRAY['top_up'::transaction_log_entry_type, 'payment'::transaction_log_entry_type]) THEN amount > 0
            WHEN entry_type = ANY (ARRAY['charge'::transaction_log_entry_type, 'refund'::transaction_log_entry_type]) THEN amount < 0
            ELSE true
        END)
        )
    """)
    migrator.sql("""
        ALTER TABLE customers
            ADD CONSTRAINT customers_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE transaction_logs
            ADD CONSTRAINT transaction_logs_created_by_id_fkey FOREIGN KEY (created_by_id) REFERENCES admin_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE transaction_logs
            ADD CONSTRAINT transaction_logs_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE transaction_logs
            ADD CONSTRAINT transaction_logs_reverses_id_fkey FOREIGN KEY (reverses_id) REFERENCES transaction_logs(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX customers_email_key ON customers USING btree (lower(email)) WHERE deleted_at IS NULL
    """)
    migrator.sql("""
        CREATE INDEX customers_location_id_created_at_id_idx ON customers USING btree (location_id, created_at DESC, id DESC)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX customers_location_id_number_key ON customers USING btree (location_id, number)
    """)
    migrator.sql("""
        CREATE INDEX customers_name_phone_trgm_idx ON customers USING gin (((name || ' '::text) || COALESCE(phone, ''::text)) gin_trgm_ops)
    """)
    migrator.sql("""CREATE INDEX customers_phone_idx ON customers USING btree (phone)""")
    migrator.sql("""
        CREATE UNIQUE INDEX customers_phone_key ON customers USING btree (phone) WHERE deleted_at IS NULL AND NOT phone_is_shared
    """)
    migrator.sql("""
        CREATE INDEX transaction_logs_created_by_id_idx ON transaction_logs USING btree (created_by_id) WHERE created_by_id IS NOT NULL
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX transaction_logs_customer_id_seq_key ON transaction_logs USING btree (customer_id, seq)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX transaction_logs_entry_type_reference_type_reference_id_key ON transaction_logs USING btree (entry_type, reference_type, reference_id) WHERE entry_type <> 'refund'::transaction_log_entry_type AND reference_type <> 'invoice_credit'::text
    """)
    migrator.sql("""
        CREATE INDEX transaction_logs_invoice_credits_idx ON transaction_logs USING btree (reference_id) WHERE reference_type = 'invoice_credit'::text
    """)
    migrator.sql("""
        CREATE INDEX transaction_logs_refunded_on_idx ON transaction_logs USING btree (created_at) WHERE entry_type = 'refund'::transaction_log_entry_type
    """)
    migrator.sql("""
        CREATE INDEX transaction_logs_refunds_idx ON transaction_logs USING btree (reference_id) WHERE entry_type = 'refund'::transaction_log_entry_type
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX transaction_logs_reverses_id_key ON transaction_logs USING btree (reverses_id) WHERE reverses_id IS NOT NULL
    """)
    migrator.sql("""ALTER TABLE customers ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE transaction_logs ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE TRIGGER customers_balance_follows_ledger BEFORE INSERT OR UPDATE OF balance ON customers
            FOR EACH ROW EXECUTE FUNCTION check_balance()
    """)
    migrator.sql("""
        CREATE TRIGGER customers_id_is_fixed BEFORE UPDATE OF id ON customers
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('id')
    """)
    migrator.sql("""
        CREATE TRIGGER customers_updated_at BEFORE UPDATE ON customers
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER transaction_logs_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON transaction_logs
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('an entry stays; post its reversal')
    """)
    migrator.sql("""
        CREATE TRIGGER transaction_logs_balance AFTER INSERT ON transaction_logs
            FOR EACH ROW EXECUTE FUNCTION write_balance()
    """)
    migrator.sql("""
        CREATE TRIGGER transaction_logs_chained BEFORE INSERT ON transaction_logs
            FOR EACH ROW EXECUTE FUNCTION chain_entry()
    """)
    migrator.sql("""
        CREATE TRIGGER transaction_logs_reversal_mirrors_entry AFTER INSERT ON transaction_logs
            FOR EACH ROW WHEN (new.entry_type = 'reversal'::transaction_log_entry_type) EXECUTE FUNCTION check_reversal()
    """)
    migrator.sql("""
        CREATE POLICY customers_branch ON customers USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY transaction_logs_branch ON transaction_logs USING (( SELECT true
           FROM customers
          WHERE customers.id = transaction_logs.customer_id))
    """)
    migrator.sql("""
        REVOKE EXECUTE ON ROUTINE chain_entry() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE find_customers(text, bigint) FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE match_branch_of_customer() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE post_entry(bigint, transaction_log_entry_type, bigint, text, text, bigint, bigint, bigint) FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE write_balance() FROM PUBLIC
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT EXECUTE ON ROUTINE find_customers(text, bigint) TO ' || grantee;
        EXECUTE 'GRANT EXECUTE ON ROUTINE post_entry(bigint, transaction_log_entry_type, bigint, text, text, bigint, bigint, bigint) TO ' || grantee;
    END IF;
END
$$
""")

    # ── system ──────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TYPE setting_type AS ENUM ('string', 'integer', 'number', 'boolean', 'array', 'object')
    """)
    migrator.sql("""
CREATE FUNCTION forget_activities(most bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    attempts boolean;
    days integer;
    removed bigint;
    total bigint := 0;
BEGIN
    FOREACH attempts IN ARRAY ARRAY[true, false] LOOP
        days := (SELECT value #>> '{}' FROM settings WHERE location_id IS NULL
                 AND key = CASE WHEN attempts THEN 'session_retention_days'
                                ELSE 'activity_retention_days' END);
        DELETE FROM activity_logs WHERE id IN (
            SELECT id FROM activity_logs
            WHERE created_at < now() - make_interval(days => days)
              AND (action = 'sessions.attempt') = attempts
            LIMIT most - total);
        GET DIAGNOSTICS removed = ROW_COUNT;
        total := total + removed;
    END LOOP;
    RETURN total;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION record_activity(doer bigint, called text, branch bigint, deed text, kind text, target bigint, told jsonb, address inet)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    made bigint;
BEGIN
    IF (branch = ANY (acting_branches())) IS NOT TRUE AND branch IS NOT NULL THEN
        RAISE EXCEPTION '%%: an entry of location %% is of a branch that is not acted for',
            'activity_logs', branch
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO activity_logs (admin_user_id, username, location_id, action, target_type, target_id,
                               details, ip)
    VALUES (doer, coalesce((SELECT username FROM admin_users WHERE id = doer), called), branch,
            deed, kind, target, told, address)
    RETURNING id INTO made;
    RETURN made;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION stamp_activity()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
BEGIN
    NEW.created_at := now();
    RETURN NEW;
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE activity_logs (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            admin_user_id bigint,
            username text NOT NULL,
            location_id bigint,
            action text NOT NULL,
            target_type text,
            target_id bigint,
            details jsonb NOT NULL DEFAULT '{}'::jsonb,
            ip inet,
            user_agent text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT activity_logs_pkey PRIMARY KEY (id),
            CONSTRAINT activity_logs_action_form_check CHECK (char_length(action) <= 63 AND action ~ '^[a-z_]+\.[a-z_]+$'::text),
            CONSTRAINT activity_logs_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT activity_logs_details_is_object_check CHECK (jsonb_typeof(details) = 'object'::text),
            CONSTRAINT activity_logs_details_size_check CHECK (octet_length(details::text) <= 65536),
            CONSTRAINT activity_logs_target_has_type_check CHECK (target_id IS NULL OR target_type IS NOT NULL),
            CONSTRAINT activity_logs_target_id_range_check CHECK (target_id >= '-4611686018427387904'::bigint AND target_id <= '4611686018427387904'::bigint),
            CONSTRAINT activity_logs_target_type_form_check CHECK (char_length(target_type) <= 63 AND target_type ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT activity_logs_user_agent_check CHECK (char_length(user_agent) <= 10000),
            CONSTRAINT activity_logs_username_not_blank_check CHECK (username ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(username) <= 200 AND username !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text)
        )
    """)
    migrator.sql(r"""
        CREATE TABLE settings (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint,
            key text NOT NULL,
            value jsonb NOT NULL,
            type setting_type NOT NULL,
            least bigint,
            most bigint,
            category text NOT NULL,
            description text NOT NULL,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT settings_pkey PRIMARY KEY (id),
            CONSTRAINT settings_category_form_check CHECK (char_length(category) <= 63 AND category ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT settings_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT settings_description_not_blank_check CHECK (description ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(description) <= 200 AND description !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT settings_key_form_check CHECK (char_length(key) <= 63 AND key ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT settings_key_names_no_secret_check CHECK (key !~ '(^|_)(key|keys|secret|secrets|pass|passwd|password|passwords|passphrase|passcode|pwd|pin|token|tokens|apikey|authorization|auth|credential|credentials|header|headers|cookie|cookies|signature|private|cert|certificate|jwt|bearer|otp|salt)$'::text),
            CONSTRAINT settings_known_range_check CHECK (
        CASE key
            WHEN 'session_timeout_minutes'::text THEN "least" >= 1 AND most <= 43200
            WHEN 'session_lifetime_hours'::text THEN "least" >= 1 AND most <= 8760
            WHEN 'session_warning_minutes'::text THEN "least" >= 0 AND most <= 1440
            WHEN 'whatsapp_per_minute'::text THEN "least" >= 1 AND most <= 1000
            WHEN 'api_per_minute'::text THEN "least" >= 1 AND most <= 100000
            WHEN 'login_per_minute'::text THEN "least" >= 1 AND most <= 1000
            WHEN 'backup_retention_days'::text THEN "least" >= 1 AND most <= 3650
            WHEN 'cleanup_interval_hours'::text THEN "least" >= 1 AND most <= 720
            WHEN 'session_retention_days'::text THEN "least" >= 1 AND most <= 3650
            WHEN 'message_retention_days'::text THEN "least" >= 7 AND most <= 3650
            WHEN 'activity_retention_days'::text THEN "least" >= 365 AND most <= 36500
            WHEN 'callback_retention_days'::text THEN "least" >= 7 AND most <= 3650
            WHEN 'password_min_length'::text THEN "least" >= 8 AND most <= 64
            WHEN 'max_login_attempts'::text THEN "least" >= 3 AND most <= 100
            WHEN 'lockout_minutes'::text THEN "least" >= 1 AND most <= 1440
            WHEN 'days_to_pay'::text THEN "least" >= 0 AND most <= 365
            WHEN 'isolation_grace_days'::text THEN "least" >= 0 AND most <= 365
            WHEN 'payment_link_days'::text THEN "least" >= 1 AND most <= 365
            WHEN 'tax_rate_bp'::text THEN "least" >= 0 AND most <= 10000
            ELSE true
        END IS TRUE),
            CONSTRAINT settings_least_range_check CHECK ("least" >= '-1000000000000000'::bigint AND "least" <= '1000000000000000'::bigint),
            CONSTRAINT settings_most_range_check CHECK (most >= '-1000000000000000'::bigint AND most <= '1000000000000000'::bigint),
            CONSTRAINT settings_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT settings_value_fits_type_check CHECK (
        CASE type
            WHEN 'integer'::setting_type THEN value::text ~ '^-?[0-9]+$'::text
            ELSE jsonb_typeof(value) = type::text
        END),
            CONSTRAINT settings_value_hides_no_secret_check CHECK (NOT jsonb_path_exists(value, '$.**?(@.type() == "object").keyvalue()."key"?(@ like_regex "(^|[^a-z])(key|keys|secret|secrets|pass|passwd|password|passwords|passphrase|passcode|pwd|pin|token|tokens|apikey|authorization|auth|credential|credentials|header|headers|cookie|cookies|signature|private|cert|certificate|jwt|bearer|otp|salt)([^a-z]|$)|password|passphrase|secret|token|api.?key" flag "i" || @ like_regex "[a-z](Key|Pass|Pwd|Pin|Auth|Credential|Header|Cookie|Cert|Salt|Otp)")'::jsonpath) AND value::text !~ '://[^/@[:space:]]*:[^/@[:space:]]+@|-----BEGIN'::text),
            CONSTRAINT settings_value_in_range_check CHECK (
        CASE
            WHEN value::text ~ '^-?[0-9]{1,18}$'::text THEN value::text::bigint >= COALESCE("least", '-1000000000000000000'::bigint) AND value::text::bigint <= COALESCE(most, '1000000000000000000'::bigint)
            ELSE num_nonnulls("least", most) = 0
        END),
            CONSTRAINT settings_value_size_check CHECK (octet_length(value::text) <= 20000)
        )
    """)
    migrator.sql("""
        ALTER TABLE activity_logs
            ADD CONSTRAINT activity_logs_admin_user_id_fkey FOREIGN KEY (admin_user_id) REFERENCES admin_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE activity_logs
            ADD CONSTRAINT activity_logs_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE settings
            ADD CONSTRAINT settings_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE CASCADE
    """)
    migrator.sql("""
        CREATE INDEX activity_logs_admin_user_id_created_at_idx ON activity_logs USING btree (admin_user_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE INDEX activity_logs_attempts_idx ON activity_logs USING btree (ip, created_at) WHERE action = 'sessions.attempt'::text
    """)
    migrator.sql("""
        CREATE INDEX activity_logs_created_at_idx ON activity_logs USING brin (created_at) WITH (pages_per_range='16')
    """)
    migrator.sql("""
        CREATE INDEX activity_logs_location_id_created_at_idx ON activity_logs USING btree (location_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE INDEX activity_logs_target_type_target_id_created_at_idx ON activity_logs USING btree (target_type, target_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX settings_global_key_key ON settings USING btree (key) WHERE location_id IS NULL
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX settings_location_id_key_key ON settings USING btree (location_id, key)
    """)
    migrator.sql("""ALTER TABLE activity_logs ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE settings ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE TRIGGER activity_logs_append_only BEFORE UPDATE OR TRUNCATE ON activity_logs
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('what was done stays on record')
    """)
    migrator.sql("""
        CREATE TRIGGER activity_logs_is_stamped BEFORE INSERT ON activity_logs
            FOR EACH ROW EXECUTE FUNCTION stamp_activity()
    """)
    migrator.sql("""
        CREATE TRIGGER activity_logs_young_is_kept BEFORE DELETE ON activity_logs
            FOR EACH ROW WHEN (old.created_at > (now() -
                CASE old.action
                    WHEN 'sessions.attempt'::text THEN '1 day'::interval
                    ELSE '365 days'::interval
                END)) EXECUTE FUNCTION refuse_change('what was done stays on record for a year, an attempt for a day')
    """)
    migrator.sql("""
        CREATE TRIGGER settings_updated_at BEFORE UPDATE ON settings
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE POLICY activity_logs_branch ON activity_logs USING (location_id IS NULL OR (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[])))
    """)
    migrator.sql("""
        CREATE POLICY settings_branch ON settings USING (location_id IS NULL OR (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[])))
    """)
    migrator.sql("""
        COMMENT ON TABLE activity_logs IS 'Something that someone did: append-only.';
        COMMENT ON COLUMN activity_logs.id IS 'Identity.';
        COMMENT ON COLUMN activity_logs.admin_user_id IS 'Who did it; null means the system or someone not logged in.';
        COMMENT ON COLUMN activity_logs.username IS 'Name of who did it, as it was then.';
        COMMENT ON COLUMN activity_logs.location_id IS 'Branch it was done in, if in one.';
        COMMENT ON COLUMN activity_logs.action IS 'What was done, as resource.action.';
        COMMENT ON COLUMN activity_logs.target_type IS 'Kind of what it was done to, such as customer.';
        COMMENT ON COLUMN activity_logs.target_id IS 'Identity of what it was done to.';
        COMMENT ON COLUMN activity_logs.details IS 'What else is worth knowing; no secrets.';
        COMMENT ON COLUMN activity_logs.ip IS 'Address it came from.';
        COMMENT ON COLUMN activity_logs.user_agent IS 'Browser or program it came from.';
        COMMENT ON COLUMN activity_logs.created_at IS 'When the row was made.'
    """)
    migrator.sql("""
        COMMENT ON TABLE settings IS 'A value that an operator may change: of one branch, or of all that have none of their own.';
        COMMENT ON COLUMN settings.id IS 'Identity.';
        COMMENT ON COLUMN settings.location_id IS 'Branch; null means everywhere.';
        COMMENT ON COLUMN settings.key IS 'What programs call the setting; its unit, if any, ends the name.';
        COMMENT ON COLUMN settings.value IS 'The value, of the type that the column type says.';
        COMMENT ON COLUMN settings.type IS 'Type of the value.';
        COMMENT ON COLUMN settings.least IS 'Smallest value of an integer; null: none.';
        COMMENT ON COLUMN settings.most IS 'Largest value of an integer; null: none.';
        COMMENT ON COLUMN settings.category IS 'Group to show it in.';
        COMMENT ON COLUMN settings.description IS 'What the setting does.';
        COMMENT ON COLUMN settings.created_at IS 'When the row was made.';
        COMMENT ON COLUMN settings.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        REVOKE EXECUTE ON ROUTINE forget_activities(bigint) FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE record_activity(bigint, text, bigint, text, text, bigint, jsonb, inet) FROM PUBLIC
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT EXECUTE ON ROUTINE forget_activities(bigint) TO ' || grantee;
        EXECUTE 'GRANT EXECUTE ON ROUTINE record_activity(bigint, text, bigint, text, text, bigint, jsonb, inet) TO ' || grantee;
        EXECUTE 'GRANT SELECT, SELECT (action, target_id, ip, created_at) ON TABLE activity_logs TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (location_id, key, value, type, least, most, category, description), UPDATE (value) ON TABLE settings TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE activity_logs TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE settings TO ' || grantee;
    END IF;
END
$$
""")

    # ── backups ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""CREATE TYPE backup_kind AS ENUM ('full', 'schema', 'data')""")
    migrator.sql("""
        CREATE TYPE backup_schedule_frequency AS ENUM ('daily', 'weekly', 'monthly')
    """)
    migrator.sql("""CREATE TYPE backup_status AS ENUM ('running', 'completed', 'failed')""")
    migrator.sql(r"""
        CREATE TABLE backup_schedules (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            name text NOT NULL,
            frequency backup_schedule_frequency NOT NULL,
            cron text NOT NULL,
            retention_count smallint NOT NULL,
            is_active boolean NOT NULL DEFAULT true,
            last_run_at timestamp with time zone,
            next_run_at timestamp with time zone NOT NULL,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT backup_schedules_pkey PRIMARY KEY (id),
            CONSTRAINT backup_schedules_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT backup_schedules_cron_form_check CHECK (cron ~ '^[!-~]{1,40}( [!-~]{1,40}){4}$'::text),
            CONSTRAINT backup_schedules_last_run_at_check CHECK (last_run_at >= to_timestamp(946684800::double precision) AND last_run_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT backup_schedules_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT backup_schedules_next_after_last_check CHECK (next_run_at > last_run_at),
            CONSTRAINT backup_schedules_next_run_at_check CHECK (next_run_at >= to_timestamp(946684800::double precision) AND next_run_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT backup_schedules_retention_count_positive_check CHECK (retention_count >= 1 AND retention_count <= 1000),
            CONSTRAINT backup_schedules_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE backups (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            schedule_id bigint,
            kind backup_kind NOT NULL DEFAULT 'full'::backup_kind,
            status backup_status NOT NULL DEFAULT 'running'::backup_status,
            path text,
            size_bytes bigint,
            sha256 bytea,
            started_at timestamp with time zone NOT NULL DEFAULT now(),
            finished_at timestamp with time zone,
            error text,
            removed_at timestamp with time zone,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT backups_pkey PRIMARY KEY (id),
            CONSTRAINT backups_completed_is_provable_check CHECK (status <> 'completed'::backup_status OR num_nulls(path, size_bytes, sha256) = 0),
            CONSTRAINT backups_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT backups_error_check CHECK (char_length(error) <= 10000),
            CONSTRAINT backups_failed_says_why_check CHECK (status <> 'failed'::backup_status OR error IS NOT NULL),
            CONSTRAINT backups_finished_after_start_check CHECK (finished_at >= started_at),
            CONSTRAINT backups_finished_at_check CHECK (finished_at >= to_timestamp(946684800::double precision) AND finished_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT backups_finished_unless_running_check CHECK ((status = 'running'::backup_status) = (finished_at IS NULL)),
            CONSTRAINT backups_path_not_blank_check CHECK (path ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(path) <= 200 AND path !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT backups_removed_at_check CHECK (removed_at >= to_timestamp(946684800::double precision) AND removed_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT backups_removed_was_completed_check CHECK (status = 'completed'::backup_status OR removed_at IS NULL),
            CONSTRAINT backups_sha256_check CHECK (octet_length(sha256) = 32),
            CONSTRAINT backups_size_bytes_positive_check CHECK (size_bytes >= 1 AND size_bytes <= '1000000000000000'::bigint),
            CONSTRAINT backups_started_at_check CHECK (started_at >= to_timestamp(946684800::double precision) AND started_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT backups_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        ALTER TABLE backups
            ADD CONSTRAINT backups_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES backup_schedules(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX backup_schedules_name_key ON backup_schedules USING btree (name)
    """)
    migrator.sql("""
        CREATE INDEX backups_schedule_id_started_at_idx ON backups USING btree (schedule_id, started_at DESC)
    """)
    migrator.sql("""
        CREATE TRIGGER backup_schedules_updated_at BEFORE UPDATE ON backup_schedules
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER backups_status_move BEFORE INSERT OR UPDATE OF status ON backups
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>running', 'running>completed', 'running>failed')
    """)
    migrator.sql("""
        CREATE TRIGGER backups_updated_at BEFORE UPDATE ON backups
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        COMMENT ON TABLE backup_schedules IS 'When backups are made, and how many of them are kept.';
        COMMENT ON COLUMN backup_schedules.id IS 'Identity.';
        COMMENT ON COLUMN backup_schedules.name IS 'What the operator calls it.';
        COMMENT ON COLUMN backup_schedules.frequency IS 'How often it falls due.';
        COMMENT ON COLUMN backup_schedules.cron IS 'The exact time, as five cron fields in the database''s time zone.';
        COMMENT ON COLUMN backup_schedules.retention_count IS 'How many completed backups are kept; older ones are removed.';
        COMMENT ON COLUMN backup_schedules.is_active IS 'Whether it runs.';
        COMMENT ON COLUMN backup_schedules.last_run_at IS 'When it last ran.';
        COMMENT ON COLUMN backup_schedules.next_run_at IS 'When it falls due next.';
        COMMENT ON COLUMN backup_schedules.created_at IS 'When the row was made.';
        COMMENT ON COLUMN backup_schedules.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE backups IS 'One run of a backup. Whether the file is whole, size and sha256 tell.';
        COMMENT ON COLUMN backups.id IS 'Identity.';
        COMMENT ON COLUMN backups.schedule_id IS 'Schedule that asked for it; null if a person did.';
        COMMENT ON COLUMN backups.kind IS 'What it holds.';
        COMMENT ON COLUMN backups.status IS 'How it went.';
        COMMENT ON COLUMN backups.path IS 'Where the file is.';
        COMMENT ON COLUMN backups.size_bytes IS 'Size of the file in bytes.';
        COMMENT ON COLUMN backups.sha256 IS 'The sha256 of the file.';
        COMMENT ON COLUMN backups.started_at IS 'When it began.';
        COMMENT ON COLUMN backups.finished_at IS 'When it ended, either way.';
        COMMENT ON COLUMN backups.error IS 'Why it failed.';
        COMMENT ON COLUMN backups.removed_at IS 'When its file was removed, as its schedule keeps no more.';
        COMMENT ON COLUMN backups.created_at IS 'When the row was made.';
        COMMENT ON COLUMN backups.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT DELETE, SELECT, INSERT (name, frequency, cron, retention_count, is_active, next_run_at), UPDATE (name, frequency, cron, retention_count, is_active, next_run_at) ON TABLE backup_schedules TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE backups TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE backup_schedules TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE backups TO ' || grantee;
    END IF;
END
$$
""")

    # ── mikrotik ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TYPE pppoe_user_status AS ENUM ('active', 'isolated', 'disabled', 'expired')
    """)
    migrator.sql("""CREATE TYPE profile_duration_unit AS ENUM ('hour', 'day', 'month')""")
    migrator.sql("""
        CREATE TYPE router_status AS ENUM ('unknown', 'online', 'offline', 'error')
    """)
    migrator.sql("""CREATE TYPE service_type AS ENUM ('hotspot', 'pppoe')""")
    migrator.sql("""CREATE TYPE sync_state AS ENUM ('pending', 'synced', 'failed')""")
    migrator.sql("""
        CREATE TYPE voucher_status AS ENUM ('unused', 'used', 'expired', 'disabled')
    """)
    migrator.sql("""
CREATE FUNCTION find_pppoe_user(router bigint, called text)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    RETURN (
        SELECT u.id FROM pppoe_users u JOIN routers r ON r.id = u.router_id
        WHERE u.router_id = router AND lower(u.username) = lower(called)
          AND r.location_id = ANY ((SELECT acting_branches())::bigint[]));
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION refuse_batch_of_another_branch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    profile record;
    vendor record;
    reason text;
BEGIN
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    SELECT location_id INTO vendor FROM vendors WHERE id = NEW.vendor_id;
    IF profile.service_type IS DISTINCT FROM 'hotspot' THEN
        reason := format('profile %%s is not for the hotspot', NEW.profile_id);
    ELSIF profile.location_id IS DISTINCT FROM NEW.location_id THEN
        reason := format('profile %%s belongs to location %%s, not %%s',
                         NEW.profile_id, profile.location_id, NEW.location_id);
    ELSIF NEW.vendor_id IS NOT NULL AND vendor.location_id IS DISTINCT FROM NEW.location_id THEN
        reason := format('vendor %%s belongs to location %%s, not %%s',
                         NEW.vendor_id, vendor.location_id, NEW.location_id);
    ELSE
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'voucher_batches: %%', reason
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION refuse_pppoe_user_of_another_branch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    router record;
    profile record;
    reason text;
BEGIN
    SELECT location_id INTO router FROM routers WHERE id = NEW.router_id;
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    IF profile.service_type IS DISTINCT FROM 'pppoe' THEN
        reason := format('profile %%s is not for PPPoE', NEW.profile_id);
    ELSIF profile.location_id IS DISTINCT FROM router.location_id THEN
        reason := format('profile %%s belongs to location %%s, router %%s to %%s', NEW.profile_id,
                         profile.location_id, NEW.router_id, router.location_id);
    ELSE
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'pppoe_users: %%', reason
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION refuse_second_use()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    is_first boolean := OLD.used_at IS NULL AND OLD.status = 'unused' AND NEW.status = 'used';
BEGIN
    IF is_first AND NEW.used_at > now() + interval '5 minutes' THEN
        RAISE EXCEPTION 'vouchers: %% cannot be used in the future, at %%', OLD.code, NEW.used_at
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'used_at',
                  CONSTRAINT = 'vouchers_used_not_ahead';
    ELSIF is_first AND NEW.used_at > OLD.use_until THEN
        RAISE EXCEPTION 'vouchers: %% could be used until %%', OLD.code, OLD.use_until
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'use_until',
                  CONSTRAINT = 'vouchers_used_in_shelf_life';
    ELSIF is_first THEN
        NEW.expires_at := (
            SELECT service_end(NEW.used_at, p.duration, p.duration_unit, l.timezone)
            FROM profiles p, locations l
            WHERE p.id = NEW.profile_id AND l.id = NEW.location_id);
    ELSIF (NEW.used_at, NEW.expires_at) IS DISTINCT FROM (OLD.used_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'vouchers: %% is used once, and only from unused; its times stay as they'
                ' are', OLD.code
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'used_at',
                  CONSTRAINT = 'vouchers_used_once';
    END IF;
    IF NEW.status = 'expired' AND coalesce(NEW.expires_at, NEW.use_until, 'infinity') > now() THEN
        RAISE EXCEPTION 'vouchers: %% has not expired: its time ends %%', OLD.code,
                coalesce(NEW.expires_at, NEW.use_until)
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'status',
                  CONSTRAINT = 'vouchers_expired_after_end';
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION refuse_voucher_unlike_its_batch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    batch record;
    differing text;
BEGIN
    SELECT * INTO batch FROM voucher_batches WHERE id = NEW.batch_id;
    differing := CASE
        WHEN NEW.location_id IS DISTINCT FROM batch.location_id THEN 'location_id'
        WHEN NEW.profile_id IS DISTINCT FROM batch.profile_id THEN 'profile_id'
        WHEN NEW.cost_price IS DISTINCT FROM batch.cost_price THEN 'cost_price'
        WHEN NEW.selling_price IS DISTINCT FROM batch.selling_price THEN 'selling_price'
        WHEN NEW.use_until IS DISTINCT FROM batch.use_until THEN 'use_until'
        WHEN NOT starts_with(NEW.code, coalesce(batch.prefix, '')) THEN 'code'
    END;
    IF differing IS NOT NULL THEN
        RAISE EXCEPTION 'vouchers: %% does not fit batch %%', differing, batch.code
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = differing,
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION service_end(began timestamp with time zone, duration integer, unit profile_duration_unit, zone text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 IMMUTABLE STRICT
 SET search_path FROM CURRENT
AS $function$
BEGIN
    RETURN CASE unit
        WHEN 'hour' THEN began + make_interval(hours => duration)
        WHEN 'day' THEN ((began AT TIME ZONE zone) + make_interval(days => duration))
                        AT TIME ZONE zone
        WHEN 'month' THEN ((began AT TIME ZONE zone) + make_interval(months => duration))
                          AT TIME ZONE zone
    END;
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE profiles (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            name text NOT NULL,
            service_type service_type NOT NULL,
            cost_price bigint NOT NULL DEFAULT 0,
            selling_price bigint NOT NULL,
            duration integer NOT NULL,
            duration_unit profile_duration_unit NOT NULL,
            rate_limit text,
            data_limit_bytes bigint,
            shared_users integer NOT NULL DEFAULT 1,
            mikrotik_name text NOT NULL,
            is_active boolean NOT NULL DEFAULT true,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT profiles_pkey PRIMARY KEY (id),
            CONSTRAINT profiles_cost_price_check CHECK (cost_price >= 0 AND cost_price <= '1000000000000000'::bigint),
            CONSTRAINT profiles_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT profiles_data_limit_bytes_check CHECK (data_limit_bytes >= 1 AND data_limit_bytes <= '1000000000000000'::bigint),
            CONSTRAINT profiles_duration_check CHECK (duration >= 1 AND duration <=
        CASE duration_unit
            WHEN 'hour'::profile_duration_unit THEN 87600
            WHEN 'day'::profile_duration_unit THEN 3650
            ELSE 120
        END),
            CONSTRAINT profiles_duration_range_check CHECK (duration >= 1 AND duration <= 87600),
            CONSTRAINT profiles_mikrotik_name_not_blank_check CHECK (mikrotik_name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(mikrotik_name) <= 200 AND mikrotik_name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT profiles_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT profiles_rate_limit_form_check CHECK (rate_limit ~ '^[0-9]{1,12}[kKmMgG]?(/[0-9]{1,12}[kKmMgG]?)?( [0-9]{1,12}[kKmMgG]?(/[0-9]{1,12}[kKmMgG]?)?){0,5}$'::text),
            CONSTRAINT profiles_selling_price_check CHECK (selling_price >= 0 AND selling_price <= '1000000000000000'::bigint),
            CONSTRAINT profiles_shared_users_check CHECK (shared_users >= 1 AND shared_users <= 100000),
            CONSTRAINT profiles_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE routers (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            name text NOT NULL,
            host text NOT NULL,
            port integer NOT NULL DEFAULT 8729,
            use_tls boolean NOT NULL DEFAULT true,
            api_username text NOT NULL,
            api_password bytea NOT NULL,
            status router_status NOT NULL DEFAULT 'unknown'::router_status,
            last_seen_at timestamp with time zone,
            last_error text,
            is_active boolean NOT NULL DEFAULT true,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT routers_pkey PRIMARY KEY (id),
            CONSTRAINT routers_api_password_of_its_row_check CHECK (SUBSTRING(api_password FROM 1 FOR 1) = '\x01'::bytea AND octet_length(api_password) >= 33 AND octet_length(api_password) <= 8192 OR SUBSTRING(api_password FROM 1 FOR 1) = '\x02'::bytea AND octet_length(api_password) >= 41 AND octet_length(api_password) <= 8200 AND SUBSTRING(api_password FROM 6 FOR 8) = int8send(id) OR SUBSTRING(api_password FROM 1 FOR 1) = '\x03'::bytea AND octet_length(api_password) >= 49 AND octet_length(api_password) <= 8208 AND SUBSTRING(api_password FROM 6 FOR 8) = int8send(id)),
            CONSTRAINT routers_api_username_not_blank_check CHECK (api_username ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(api_username) <= 200 AND api_username !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT routers_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT routers_host_form_check CHECK (host ~ '^[\x21-\x7e]{1,253}$'::text),
            CONSTRAINT routers_last_error_check CHECK (char_length(last_error) <= 10000),
            CONSTRAINT routers_last_seen_at_check CHECK (last_seen_at >= to_timestamp(946684800::double precision) AND last_seen_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT routers_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT routers_port_check CHECK (port >= 1 AND port <= 65535),
            CONSTRAINT routers_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE pppoe_users (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            customer_id bigint NOT NULL,
            router_id bigint NOT NULL,
            profile_id bigint NOT NULL,
            username text NOT NULL,
            password bytea NOT NULL,
            status pppoe_user_status NOT NULL DEFAULT 'active'::pppoe_user_status,
            expires_at timestamp with time zone,
            static_ip inet,
            mac macaddr,
            sync_state sync_state NOT NULL DEFAULT 'pending'::sync_state,
            sync_error text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT pppoe_users_pkey PRIMARY KEY (id),
            CONSTRAINT pppoe_users_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT pppoe_users_expired_has_end_check CHECK (status <> 'expired'::pppoe_user_status OR expires_at IS NOT NULL),
            CONSTRAINT pppoe_users_expires_at_check CHECK (expires_at >= to_timestamp(946684800::double precision) AND expires_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT pppoe_users_failed_sync_has_error_check CHECK ((sync_state = 'failed'::sync_state) = (sync_error IS NOT NULL)),
            CONSTRAINT pppoe_users_password_of_its_row_check CHECK (SUBSTRING(password FROM 1 FOR 1) = '\x01'::bytea AND octet_length(password) >= 33 AND octet_length(password) <= 8192 OR SUBSTRING(password FROM 1 FOR 1) = '\x02'::bytea AND octet_length(password) >= 41 AND octet_length(password) <= 8200 AND SUBSTRING(password FROM 6 FOR 8) = int8send(id) OR SUBSTRING(password FROM 1 FOR 1) = '\x03'::bytea AND octet_length(password) >= 49 AND octet_length(password) <= 8208 AND SUBSTRING(password FROM 6 FOR 8) = int8send(id)),
            CONSTRAINT pppoe_users_static_ip_is_host_check CHECK (static_ip = host(static_ip)::inet),
            CONSTRAINT pppoe_users_sync_error_check CHECK (char_length(sync_error) <= 10000),
            CONSTRAINT pppoe_users_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT pppoe_users_username_form_check CHECK (char_length(username) <= 64 AND username ~ '^[A-Za-z0-9][A-Za-z0-9@._-]*$'::text)
        )
    """)
    migrator.sql(r"""
        CREATE TABLE vendors (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            name text NOT NULL,
            admin_user_id bigint,
            contact_name text,
            phone text,
            email text,
            address text,
            commission_bp integer NOT NULL DEFAULT 0,
            is_active boolean NOT NULL DEFAULT true,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT vendors_pkey PRIMARY KEY (id),
            CONSTRAINT vendors_address_check CHECK (char_length(address) <= 10000),
            CONSTRAINT vendors_commission_bp_check CHECK (commission_bp >= 0 AND commission_bp <= 10000),
            CONSTRAINT vendors_contact_name_not_blank_check CHECK (contact_name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(contact_name) <= 200 AND contact_name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT vendors_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT vendors_email_form_check CHECK (char_length(email) <= 254 AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text AND strpos(email, '@'::text) <= 65 AND (char_length(email) - strpos(email, '@'::text)) <= 189),
            CONSTRAINT vendors_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT vendors_phone_check CHECK (char_length(phone) >= 8 AND char_length(phone) <= 15 AND phone ~ '^[1-9][0-9]*$'::text),
            CONSTRAINT vendors_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        CREATE TABLE voucher_batches (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            profile_id bigint NOT NULL,
            vendor_id bigint,
            code text NOT NULL,
            prefix text,
            quantity integer NOT NULL,
            cost_price bigint NOT NULL,
            selling_price bigint NOT NULL,
            use_until timestamp with time zone,
            created_by_id bigint,
            notes text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT voucher_batches_pkey PRIMARY KEY (id),
            CONSTRAINT voucher_batches_code_form_check CHECK (char_length(code) <= 63 AND code ~ '^[A-Za-z0-9][A-Za-z0-9_-]*$'::text),
            CONSTRAINT voucher_batches_cost_price_check CHECK (cost_price >= 0 AND cost_price <= '1000000000000000'::bigint),
            CONSTRAINT voucher_batches_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT voucher_batches_notes_check CHECK (char_length(notes) <= 10000),
            CONSTRAINT voucher_batches_prefix_form_check CHECK (char_length(prefix) <= 32 AND prefix ~ '^[A-Za-z0-9][A-Za-z0-9_-]*$'::text),
            CONSTRAINT voucher_batches_quantity_check CHECK (quantity >= 1 AND quantity <= 100000),
            CONSTRAINT voucher_batches_selling_price_check CHECK (selling_price >= 0 AND selling_price <= '1000000000000000'::bigint),
            CONSTRAINT voucher_batches_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT voucher_batches_use_until_check CHECK (use_until >= to_timestamp(946684800::double precision) AND use_until <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE vouchers (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            batch_id bigint NOT NULL,
            location_id bigint NOT NULL,
            profile_id bigint NOT NULL,
            customer_id bigint,
            code text NOT NULL,
            password bytea,
            status voucher_status NOT NULL DEFAULT 'unused'::voucher_status,
            cost_price bigint NOT NULL,
            selling_price bigint NOT NULL,
            use_until timestamp with time zone,
            used_at timestamp with time zone,
            expires_at timestamp with time zone,
            sync_state sync_state NOT NULL DEFAULT 'pending'::sync_state,
            sync_error text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT vouchers_pkey PRIMARY KEY (id),
            CONSTRAINT vouchers_code_form_check CHECK (char_length(code) >= 3 AND char_length(code) <= 64 AND code ~ '^[A-Za-z0-9][A-Za-z0-9_-]*$'::text),
            CONSTRAINT vouchers_cost_price_check CHECK (cost_price >= 0 AND cost_price <= '1000000000000000'::bigint),
            CONSTRAINT vouchers_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT vouchers_expires_after_used_check CHECK (expires_at > used_at),
            CONSTRAINT vouchers_expires_at_check CHECK (expires_at >= to_timestamp(946684800::double precision) AND expires_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT vouchers_failed_sync_has_error_check CHECK ((sync_state = 'failed'::sync_state) = (sync_error IS NOT NULL)),
            CONSTRAINT vouchers_password_of_its_row_check CHECK (SUBSTRING(password FROM 1 FOR 1) = '\x01'::bytea AND octet_length(password) >= 33 AND octet_length(password) <= 8192 OR SUBSTRING(password FROM 1 FOR 1) = '\x02'::bytea AND octet_length(password) >= 41 AND octet_length(password) <= 8200 AND SUBSTRING(password FROM 6 FOR 8) = int8send(id) OR SUBSTRING(password FROM 1 FOR 1) = '\x03'::bytea AND octet_length(password) >= 49 AND octet_length(password) <= 8208 AND SUBSTRING(password FROM 6 FOR 8) = int8send(id)),
            CONSTRAINT vouchers_selling_price_check CHECK (selling_price >= 0 AND selling_price <= '1000000000000000'::bigint),
            CONSTRAINT vouchers_status_fits_times_check CHECK (
        CASE status
            WHEN 'unused'::voucher_status THEN used_at IS NULL
            WHEN 'disabled'::voucher_status THEN true
            WHEN 'expired'::voucher_status THEN num_nonnulls(used_at, use_until) > 0
            ELSE used_at IS NOT NULL
        END),
            CONSTRAINT vouchers_sync_error_check CHECK (char_length(sync_error) <= 10000),
            CONSTRAINT vouchers_times_come_together_check CHECK ((used_at IS NULL) = (expires_at IS NULL)),
            CONSTRAINT vouchers_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT vouchers_use_until_check CHECK (use_until >= to_timestamp(946684800::double precision) AND use_until <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT vouchers_used_at_check CHECK (used_at >= to_timestamp(946684800::double precision) AND used_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        ALTER TABLE profiles
            ADD CONSTRAINT profiles_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE routers
            ADD CONSTRAINT routers_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE pppoe_users
            ADD CONSTRAINT pppoe_users_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE pppoe_users
            ADD CONSTRAINT pppoe_users_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES profiles(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE pppoe_users
            ADD CONSTRAINT pppoe_users_router_id_fkey FOREIGN KEY (router_id) REFERENCES routers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE vendors
            ADD CONSTRAINT vendors_admin_user_id_fkey FOREIGN KEY (admin_user_id) REFERENCES admin_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE vendors
            ADD CONSTRAINT vendors_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE voucher_batches
            ADD CONSTRAINT voucher_batches_created_by_id_fkey FOREIGN KEY (created_by_id) REFERENCES admin_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE voucher_batches
            ADD CONSTRAINT voucher_batches_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE voucher_batches
            ADD CONSTRAINT voucher_batches_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES profiles(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE voucher_batches
            ADD CONSTRAINT voucher_batches_vendor_id_fkey FOREIGN KEY (vendor_id) REFERENCES vendors(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE vouchers
            ADD CONSTRAINT vouchers_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES voucher_batches(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE vouchers
            ADD CONSTRAINT vouchers_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE vouchers
            ADD CONSTRAINT vouchers_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE vouchers
            ADD CONSTRAINT vouchers_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES profiles(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX profiles_location_id_name_key ON profiles USING btree (location_id, name)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX routers_location_id_name_key ON routers USING btree (location_id, name)
    """)
    migrator.sql("""
        CREATE INDEX pppoe_users_customer_id_idx ON pppoe_users USING btree (customer_id)
    """)
    migrator.sql("""
        CREATE INDEX pppoe_users_profile_id_idx ON pppoe_users USING btree (profile_id)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX pppoe_users_router_id_static_ip_key ON pppoe_users USING btree (router_id, static_ip) WHERE static_ip IS NOT NULL
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX pppoe_users_router_id_username_key ON pppoe_users USING btree (router_id, lower(username))
    """)
    migrator.sql("""
        CREATE INDEX pppoe_users_to_isolate_idx ON pppoe_users USING btree (expires_at) WHERE status = 'active'::pppoe_user_status
    """)
    migrator.sql("""
        CREATE INDEX pppoe_users_to_sync_idx ON pppoe_users USING btree (router_id) WHERE sync_state <> 'synced'::sync_state
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX vendors_admin_user_id_key ON vendors USING btree (admin_user_id)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX vendors_location_id_name_key ON vendors USING btree (location_id, name)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX voucher_batches_code_key ON voucher_batches USING btree (code)
    """)
    migrator.sql("""
        CREATE INDEX voucher_batches_created_by_id_idx ON voucher_batches USING btree (created_by_id)
    """)
    migrator.sql("""
        CREATE INDEX voucher_batches_location_id_created_at_idx ON voucher_batches USING btree (location_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE INDEX voucher_batches_profile_id_idx ON voucher_batches USING btree (profile_id)
    """)
    migrator.sql("""
        CREATE INDEX voucher_batches_vendor_id_idx ON voucher_batches USING btree (vendor_id)
    """)
    migrator.sql("""CREATE INDEX vouchers_batch_id_idx ON vouchers USING btree (batch_id)""")
    migrator.sql("""CREATE UNIQUE INDEX vouchers_code_key ON vouchers USING btree (code)""")
    migrator.sql("""
        CREATE INDEX vouchers_customer_id_idx ON vouchers USING btree (customer_id) WHERE customer_id IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX vouchers_location_id_created_at_id_idx ON vouchers USING btree (location_id, created_at DESC, id DESC)
    """)
    migrator.sql("""CREATE INDEX vouchers_profile_id_idx ON vouchers USING btree (profile_id)""")
    migrator.sql("""
        CREATE INDEX vouchers_shelf_life_idx ON vouchers USING btree (use_until) WHERE status = 'unused'::voucher_status AND use_until IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX vouchers_stock_idx ON vouchers USING btree (location_id, profile_id) WHERE status = 'unused'::voucher_status
    """)
    migrator.sql("""
        CREATE INDEX vouchers_to_expire_idx ON vouchers USING btree (expires_at) WHERE status = 'used'::voucher_status
    """)
    migrator.sql("""
        CREATE INDEX vouchers_to_sync_idx ON vouchers USING btree (location_id) WHERE sync_state <> 'synced'::sync_state
    """)
    migrator.sql("""ALTER TABLE profiles ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE routers ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE pppoe_users ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE vendors ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE voucher_batches ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE vouchers ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE TRIGGER profiles_kind_is_fixed BEFORE UPDATE OF location_id, service_type ON profiles
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('location_id', 'service_type')
    """)
    migrator.sql("""
        CREATE TRIGGER profiles_updated_at BEFORE UPDATE ON profiles
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER routers_location_is_fixed BEFORE UPDATE OF location_id ON routers
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('location_id')
    """)
    migrator.sql("""
        CREATE TRIGGER routers_updated_at BEFORE UPDATE ON routers
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER pppoe_users_agree_with_router BEFORE INSERT OR UPDATE OF router_id, profile_id ON pppoe_users
            FOR EACH ROW EXECUTE FUNCTION refuse_pppoe_user_of_another_branch()
    """)
    migrator.sql("""
        CREATE TRIGGER pppoe_users_status_move BEFORE INSERT OR UPDATE OF status ON pppoe_users
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>active', '>disabled', 'active>isolated', 'active>disabled', 'active>expired', 'isolated>active', 'isolated>disabled', 'isolated>expired', 'disabled>active', 'expired>active', 'expired>disabled')
    """)
    migrator.sql("""
        CREATE TRIGGER pppoe_users_updated_at BEFORE UPDATE ON pppoe_users
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER vendors_location_is_fixed BEFORE UPDATE OF location_id ON vendors
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('location_id')
    """)
    migrator.sql("""
        CREATE TRIGGER vendors_updated_at BEFORE UPDATE ON vendors
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER voucher_batches_agree_with_branch BEFORE INSERT OR UPDATE OF location_id, profile_id, vendor_id ON voucher_batches
            FOR EACH ROW EXECUTE FUNCTION refuse_batch_of_another_branch()
    """)
    migrator.sql("""
        CREATE TRIGGER voucher_batches_terms_are_fixed BEFORE UPDATE OF location_id, profile_id, vendor_id, code, prefix, quantity, cost_price, selling_price, use_until ON voucher_batches
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('location_id', 'profile_id', 'vendor_id', 'code', 'prefix', 'quantity', 'cost_price', 'selling_price', 'use_until')
    """)
    migrator.sql("""
        CREATE TRIGGER voucher_batches_updated_at BEFORE UPDATE ON voucher_batches
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER vouchers_agree_with_batch BEFORE INSERT ON vouchers
            FOR EACH ROW EXECUTE FUNCTION refuse_voucher_unlike_its_batch()
    """)
    migrator.sql("""
        CREATE TRIGGER vouchers_not_truncated BEFORE TRUNCATE ON vouchers
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('vouchers that were used are kept; delete others')
    """)
    migrator.sql("""
        CREATE TRIGGER vouchers_status_move BEFORE INSERT OR UPDATE OF status ON vouchers
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>unused', 'unused>used', 'unused>expired', 'unused>disabled', 'used>expired', 'used>disabled', 'disabled>unused', 'disabled>used')
    """)
    migrator.sql("""
        CREATE TRIGGER vouchers_terms_are_fixed BEFORE UPDATE OF batch_id, location_id, profile_id, code, cost_price, selling_price, use_until ON vouchers
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('batch_id', 'location_id', 'profile_id', 'code', 'cost_price', 'selling_price', 'use_until')
    """)
    migrator.sql("""
        CREATE TRIGGER vouchers_updated_at BEFORE UPDATE ON vouchers
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER vouchers_used_are_kept BEFORE DELETE ON vouchers
            FOR EACH ROW WHEN (old.used_at IS NOT NULL OR old.status = 'expired'::voucher_status) EXECUTE FUNCTION refuse_change('a voucher that was used is kept')
    """)
    migrator.sql("""
        CREATE TRIGGER vouchers_used_once BEFORE UPDATE OF status, used_at, expires_at ON vouchers
            FOR EACH ROW EXECUTE FUNCTION refuse_second_use()
    """)
    migrator.sql("""
        CREATE POLICY profiles_branch ON profiles USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY routers_branch ON routers USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY pppoe_users_branch ON pppoe_users USING (( SELECT true
           FROM routers
          WHERE routers.id = pppoe_users.router_id))
    """)
    migrator.sql("""
        CREATE POLICY vendors_branch ON vendors USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY voucher_batches_branch ON voucher_batches USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY vouchers_branch ON vouchers USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        COMMENT ON TABLE profiles IS 'A product of a branch: how fast, how long, how much data, at what price.';
        COMMENT ON COLUMN profiles.id IS 'Identity.';
        COMMENT ON COLUMN profiles.location_id IS 'Branch that offers it.';
        COMMENT ON COLUMN profiles.name IS 'Name of the product, unique in the branch.';
        COMMENT ON COLUMN profiles.service_type IS 'Sold as hotspot voucher or PPPoE account.';
        COMMENT ON COLUMN profiles.cost_price IS 'What it costs the provider, rupiah.';
        COMMENT ON COLUMN profiles.selling_price IS 'What the customer pays, rupiah.';
        COMMENT ON COLUMN profiles.duration IS 'How long it lasts, in duration_unit.';
        COMMENT ON COLUMN profiles.duration_unit IS 'Unit of the duration.';
        COMMENT ON COLUMN profiles.rate_limit IS 'RouterOS rate limit, seen from the router: rx/tx, burst, threshold, time, priority, minimum, such as 2M/10M. Null means no limit.';
        COMMENT ON COLUMN profiles.data_limit_bytes IS 'Data both ways, bytes; null means no limit.';
        COMMENT ON COLUMN profiles.shared_users IS 'How many devices may be on at once.';
        COMMENT ON COLUMN profiles.mikrotik_name IS 'Name of the profile on the routers.';
        COMMENT ON COLUMN profiles.is_active IS 'Is on sale.';
        COMMENT ON COLUMN profiles.created_at IS 'When the row was made.';
        COMMENT ON COLUMN profiles.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE routers IS 'A MikroTik router of a branch, reached through its API.';
        COMMENT ON COLUMN routers.id IS 'Identity.';
        COMMENT ON COLUMN routers.location_id IS 'Branch where the router is.';
        COMMENT ON COLUMN routers.name IS 'Name of the router, unique in the branch.';
        COMMENT ON COLUMN routers.host IS 'Host name or address of the API.';
        COMMENT ON COLUMN routers.port IS 'TCP port of the API; RouterOS has 8729 with TLS and 8728 without.';
        COMMENT ON COLUMN routers.use_tls IS 'The API is spoken over TLS.';
        COMMENT ON COLUMN routers.api_username IS 'User of the API.';
        COMMENT ON COLUMN routers.api_password IS 'Password of the API, encrypted.';
        COMMENT ON COLUMN routers.status IS 'What the last try to reach it gave.';
        COMMENT ON COLUMN routers.last_seen_at IS 'When it last answered.';
        COMMENT ON COLUMN routers.last_error IS 'What the last failed try said.';
        COMMENT ON COLUMN routers.is_active IS 'The system talks to the router.';
        COMMENT ON COLUMN routers.created_at IS 'When the row was made.';
        COMMENT ON COLUMN routers.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE vendors IS 'A reseller, who sells the vouchers of a branch for a commission.';
        COMMENT ON COLUMN vendors.id IS 'Identity.';
        COMMENT ON COLUMN vendors.location_id IS 'Branch whose vouchers are sold.';
        COMMENT ON COLUMN vendors.name IS 'Name of the reseller, unique in the branch.';
        COMMENT ON COLUMN vendors.admin_user_id IS 'Log-in of the reseller, if there is one.';
        COMMENT ON COLUMN vendors.contact_name IS 'Whom to ask for.';
        COMMENT ON COLUMN vendors.phone IS 'Phone, digits with country code.';
        COMMENT ON COLUMN vendors.email IS 'E-mail address.';
        COMMENT ON COLUMN vendors.address IS 'Postal address.';
        COMMENT ON COLUMN vendors.commission_bp IS 'Commission on the selling price, basis points.';
        COMMENT ON COLUMN vendors.is_active IS 'May sell.';
        COMMENT ON COLUMN vendors.created_at IS 'When the row was made.';
        COMMENT ON COLUMN vendors.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE voucher_batches IS 'Vouchers made together. The prices are the profile''s at that time.';
        COMMENT ON COLUMN voucher_batches.id IS 'Identity.';
        COMMENT ON COLUMN voucher_batches.location_id IS 'Branch that made them.';
        COMMENT ON COLUMN voucher_batches.profile_id IS 'What they give.';
        COMMENT ON COLUMN voucher_batches.vendor_id IS 'Reseller they were made for; null means the branch sells them itself.';
        COMMENT ON COLUMN voucher_batches.code IS 'Code of the batch, found in the router''s comments.';
        COMMENT ON COLUMN voucher_batches.prefix IS 'How each voucher''s code begins.';
        COMMENT ON COLUMN voucher_batches.quantity IS 'How many were made.';
        COMMENT ON COLUMN voucher_batches.cost_price IS 'Cost of one voucher, rupiah.';
        COMMENT ON COLUMN voucher_batches.selling_price IS 'Price of one voucher, rupiah.';
        COMMENT ON COLUMN voucher_batches.use_until IS 'Shelf life: the last moment to log in with one; null: without end.';
        COMMENT ON COLUMN voucher_batches.created_by_id IS 'Who made them.';
        COMMENT ON COLUMN voucher_batches.notes IS 'Notes of the staff.';
        COMMENT ON COLUMN voucher_batches.created_at IS 'When the row was made.';
        COMMENT ON COLUMN voucher_batches.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE vouchers IS 'A hotspot code that is used once. Its time runs from the first log-in.';
        COMMENT ON COLUMN vouchers.id IS 'Identity.';
        COMMENT ON COLUMN vouchers.batch_id IS 'Made with these others.';
        COMMENT ON COLUMN vouchers.location_id IS 'Branch, as in the batch.';
        COMMENT ON COLUMN vouchers.profile_id IS 'What it gives, as in the batch.';
        COMMENT ON COLUMN vouchers.customer_id IS 'Who uses it, where that is known.';
        COMMENT ON COLUMN vouchers.code IS 'What the customer types; the user name on the hotspot.';
        COMMENT ON COLUMN vouchers.password IS 'Password, encrypted; null means that the code is the password too.';
        COMMENT ON COLUMN vouchers.status IS 'Where it is in its life.';
        COMMENT ON COLUMN vouchers.cost_price IS 'Cost, rupiah, as in the batch.';
        COMMENT ON COLUMN vouchers.selling_price IS 'Price, rupiah, as in the batch.';
        COMMENT ON COLUMN vouchers.use_until IS 'Last moment of a first log-in, as in the batch; null: without end.';
        COMMENT ON COLUMN vouchers.used_at IS 'First log-in.';
        COMMENT ON COLUMN vouchers.expires_at IS 'End of its time; filled by the database at the first log-in.';
        COMMENT ON COLUMN vouchers.sync_state IS 'Whether the routers have it as it is here.';
        COMMENT ON COLUMN vouchers.sync_error IS 'Why the last synchronisation failed.';
        COMMENT ON COLUMN vouchers.created_at IS 'When the row was made.';
        COMMENT ON COLUMN vouchers.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""REVOKE EXECUTE ON ROUTINE find_pppoe_user(bigint, text) FROM PUBLIC""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT EXECUTE ON ROUTINE find_pppoe_user(bigint, text) TO ' || grantee;
        EXECUTE 'GRANT USAGE ON SEQUENCE routers_id_seq TO ' || grantee;
        EXECUTE 'GRANT USAGE ON SEQUENCE vouchers_id_seq TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (location_id, name, service_type, cost_price, selling_price, duration, duration_unit, rate_limit, data_limit_bytes, shared_users, mikrotik_name, is_active), UPDATE (location_id, name, service_type, cost_price, selling_price, duration, duration_unit, rate_limit, data_limit_bytes, shared_users, mikrotik_name, is_active) ON TABLE profiles TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (id, location_id, name, host, port, use_tls, api_username, api_password, status, last_seen_at, last_error, is_active), UPDATE (location_id, name, host, port, use_tls, api_username, api_password, status, last_seen_at, last_error, is_active) ON TABLE routers TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (location_id, name, admin_user_id, contact_name, phone, email, address, commission_bp, is_active), UPDATE (location_id, name, admin_user_id, contact_name, phone, email, address, commission_bp, is_active) ON TABLE vendors TO ' || grantee;
        EXECUTE 'GRANT SELECT, INSERT (location_id, profile_id, vendor_id, code, prefix, quantity, cost_price, selling_price, use_until, created_by_id, notes), UPDATE (vendor_id, notes) ON TABLE voucher_batches TO ' || grantee;
        EXECUTE 'GRANT SELECT, INSERT (id, batch_id, location_id, profile_id, code, password, status, cost_price, selling_price, use_until, sync_state), UPDATE (customer_id, status, used_at, sync_state, sync_error) ON TABLE vouchers TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE profiles TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, location_id, name, host, port, use_tls, api_username, status, last_seen_at, last_error, is_active, created_at, updated_at) ON TABLE routers TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE vendors TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE voucher_batches TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, batch_id, location_id, profile_id, customer_id, status, cost_price, selling_price, use_until, used_at, expires_at, sync_state, sync_error, created_at, updated_at) ON TABLE vouchers TO ' || grantee;
    END IF;
END
$$
""")

    # ── notifications ───────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TYPE notification_queue_channel AS ENUM ('whatsapp', 'sms', 'email')
    """)
    migrator.sql("""
        CREATE TYPE notification_queue_status AS ENUM (
            'pending',
            'processing',
            'sent',
            'failed',
            'cancelled'
        )
    """)
    migrator.sql("""
CREATE FUNCTION keep_notification_claim()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    due smallint := CASE
        WHEN OLD.status = 'pending' AND NEW.status = 'processing' THEN OLD.attempts + 1
        WHEN OLD.status = 'failed' AND NEW.status = 'pending' THEN 0
        ELSE OLD.attempts
    END;
    -- deferred: nothing could be sent, so the attempt was none
    deferred boolean := OLD.status = 'processing' AND NEW.status = 'pending'
        AND NEW.attempts = OLD.attempts - 1;
BEGIN
    IF NEW.attempts <> due AND NOT deferred THEN
        RAISE EXCEPTION 'notification_queue: attempts of item %% must be %%, not %%: each claim is '
                'one attempt, and only a failed item begins again', OLD.id, due, NEW.attempts
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'attempts',
                  CONSTRAINT = 'notification_queue_claim_is_counted';
    END IF;
    IF OLD.status = 'processing' AND NEW.status = 'processing'
       AND NEW.locked_by IS DISTINCT FROM OLD.locked_by THEN
        RAISE EXCEPTION 'notification_queue: item %% is claimed by %%', OLD.id, OLD.locked_by
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'locked_by',
                  CONSTRAINT = 'notification_queue_claimed_by_one_worker',
                  HINT = 'Release the item first, when its locked_until has passed.';
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE notification_queue (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            channel notification_queue_channel NOT NULL,
            recipient text NOT NULL,
            subject text,
            body text NOT NULL,
            payload jsonb NOT NULL DEFAULT '{}'::jsonb,
            priority smallint NOT NULL DEFAULT 5,
            status notification_queue_status NOT NULL DEFAULT 'pending'::notification_queue_status,
            send_after timestamp with time zone NOT NULL DEFAULT now(),
            attempts smallint NOT NULL DEFAULT 0,
            max_attempts smallint NOT NULL DEFAULT 5,
            locked_until timestamp with time zone,
            locked_by text,
            dedupe_key text,
            customer_id bigint,
            sent_at timestamp with time zone,
            error text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT notification_queue_pkey PRIMARY KEY (id),
            CONSTRAINT notification_queue_attempts_range_check CHECK (attempts >= 0 AND attempts <= max_attempts),
            CONSTRAINT notification_queue_attempts_sane_check CHECK (attempts >= 0 AND attempts <= 1000),
            CONSTRAINT notification_queue_body_not_blank_check CHECK (body ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(body) <= 65536),
            CONSTRAINT notification_queue_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT notification_queue_dedupe_key_not_blank_check CHECK (dedupe_key ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(dedupe_key) <= 200 AND dedupe_key !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT notification_queue_error_check CHECK (char_length(error) <= 10000),
            CONSTRAINT notification_queue_failed_says_why_check CHECK (status <> 'failed'::notification_queue_status OR error IS NOT NULL),
            CONSTRAINT notification_queue_locked_by_not_blank_check CHECK (locked_by ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(locked_by) <= 200 AND locked_by !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT notification_queue_locked_until_check CHECK (locked_until >= to_timestamp(946684800::double precision) AND locked_until <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT notification_queue_max_attempts_positive_check CHECK (max_attempts >= 1 AND max_attempts <= 1000),
            CONSTRAINT notification_queue_payload_object_check CHECK (jsonb_typeof(payload) = 'object'::text),
            CONSTRAINT notification_queue_payload_size_check CHECK (octet_length(payload::text) <= 65536),
            CONSTRAINT notification_queue_pending_may_be_tried_check CHECK (status <> 'pending'::notification_queue_status OR attempts < max_attempts),
            CONSTRAINT notification_queue_priority_range_check CHECK (priority >= 0 AND priority <= 10),
            CONSTRAINT notification_queue_processing_is_locked_check CHECK ((status = 'processing'::notification_queue_status) = (locked_until IS NOT NULL)),
            CONSTRAINT notification_queue_processing_names_worker_check CHECK (status <> 'processing'::notification_queue_status OR locked_by IS NOT NULL),
            CONSTRAINT notification_queue_recipient_fits_channel_check CHECK (
        CASE channel
            WHEN 'email'::notification_queue_channel THEN char_length(recipient) <= 254 AND recipient ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text AND strpos(recipient, '@'::text) <= 65 AND (char_length(recipient) - strpos(recipient, '@'::text)) <= 189
            ELSE char_length(recipient) >= 8 AND char_length(recipient) <= 15 AND recipient ~ '^[1-9][0-9]*$'::text
        END),
            CONSTRAINT notification_queue_recipient_length_check CHECK (char_length(recipient) <= 254),
            CONSTRAINT notification_queue_send_after_check CHECK (send_after >= to_timestamp(946684800::double precision) AND send_after <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT notification_queue_sent_at_check CHECK (sent_at >= to_timestamp(946684800::double precision) AND sent_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT notification_queue_sent_has_time_check CHECK ((status = 'sent'::notification_queue_status) = (sent_at IS NOT NULL)),
            CONSTRAINT notification_queue_subject_not_blank_check CHECK (subject ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(subject) <= 900 AND subject !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT notification_queue_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        ALTER TABLE notification_queue
            ADD CONSTRAINT notification_queue_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        CREATE INDEX notification_queue_claim_idx ON notification_queue USING btree (priority DESC, send_after, id) WHERE status = 'pending'::notification_queue_status
    """)
    migrator.sql("""
        CREATE INDEX notification_queue_created_at_idx ON notification_queue USING brin (created_at)
    """)
    migrator.sql("""
        CREATE INDEX notification_queue_customer_id_created_at_idx ON notification_queue USING btree (customer_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX notification_queue_dedupe_key_key ON notification_queue USING btree (dedupe_key)
    """)
    migrator.sql("""
        CREATE INDEX notification_queue_stuck_idx ON notification_queue USING btree (locked_until) WHERE status = 'processing'::notification_queue_status
    """)
    migrator.sql("""ALTER TABLE notification_queue ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE TRIGGER notification_queue_claim_is_kept BEFORE UPDATE OF status, attempts, locked_by ON notification_queue
            FOR EACH ROW EXECUTE FUNCTION keep_notification_claim()
    """)
    migrator.sql("""
        CREATE TRIGGER notification_queue_status_move BEFORE INSERT OR UPDATE OF status ON notification_queue
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>pending', 'pending>processing', 'pending>cancelled', 'processing>pending', 'processing>sent', 'processing>failed', 'failed>pending', 'failed>cancelled')
    """)
    migrator.sql("""
        CREATE TRIGGER notification_queue_updated_at BEFORE UPDATE ON notification_queue
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE POLICY notification_queue_branch ON notification_queue USING (customer_id IS NULL OR ( SELECT true
           FROM customers
          WHERE customers.id = notification_queue.customer_id))
    """)
    migrator.sql("""
        COMMENT ON TABLE notification_queue IS 'One notification to one recipient.';
        COMMENT ON COLUMN notification_queue.id IS 'Identity.';
        COMMENT ON COLUMN notification_queue.channel IS 'The way it is sent.';
        COMMENT ON COLUMN notification_queue.recipient IS 'E-mail address, or phone number as digits with country code, by the channel.';
        COMMENT ON COLUMN notification_queue.subject IS 'Subject line, for e-mail.';
        COMMENT ON COLUMN notification_queue.body IS 'The text, ready to send; never a password.';
        COMMENT ON COLUMN notification_queue.payload IS 'What the channel needs besides: session, template, attachments.';
        COMMENT ON COLUMN notification_queue.priority IS '0 to 10; the highest goes first.';
        COMMENT ON COLUMN notification_queue.status IS 'Where it is.';
        COMMENT ON COLUMN notification_queue.send_after IS 'Not to be sent before this moment.';
        COMMENT ON COLUMN notification_queue.attempts IS 'How often it was claimed.';
        COMMENT ON COLUMN notification_queue.max_attempts IS 'After so many attempts it has failed.';
        COMMENT ON COLUMN notification_queue.locked_until IS 'Until when the worker has it; set while it is processing.';
        COMMENT ON COLUMN notification_queue.locked_by IS 'Worker that has it, or had it last.';
        COMMENT ON COLUMN notification_queue.dedupe_key IS 'Names the occasion, so that one occasion is told once.';
        COMMENT ON COLUMN notification_queue.customer_id IS 'Customer it is for; null for the staff''s own.';
        COMMENT ON COLUMN notification_queue.sent_at IS 'When it was sent.';
        COMMENT ON COLUMN notification_queue.error IS 'What went wrong in the last attempt.';
        COMMENT ON COLUMN notification_queue.created_at IS 'When the row was made.';
        COMMENT ON COLUMN notification_queue.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT DELETE, SELECT, INSERT (channel, recipient, subject, body, payload, priority, status, send_after, attempts, max_attempts, dedupe_key, customer_id), UPDATE (status, send_after, attempts, locked_until, locked_by, sent_at, error) ON TABLE notification_queue TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT (id, channel, recipient, subject, priority, status, send_after, attempts, max_attempts, locked_until, locked_by, dedupe_key, customer_id, sent_at, error, created_at, updated_at) ON TABLE notification_queue TO ' || grantee;
    END IF;
END
$$
""")

    # ── whatsapp ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""CREATE TYPE whatsapp_message_direction AS ENUM ('outbound', 'inbound')""")
    migrator.sql("""
        CREATE TYPE whatsapp_message_status AS ENUM ('pending', 'sent', 'delivered', 'read', 'failed')
    """)
    migrator.sql("""
        CREATE TYPE whatsapp_session_status AS ENUM (
            'disconnected',
            'connecting',
            'scanning',
            'connected',
            'error'
        )
    """)
    migrator.sql("""
        CREATE TYPE whatsapp_template_category AS ENUM (
            'welcome',
            'payment_confirmation',
            'expiry_warning',
            'service_expired',
            'service_renewed',
            'invoice_issued',
            'payment_link',
            'broadcast'
        )
    """)
    migrator.sql("""CREATE TYPE whatsapp_template_service AS ENUM ('hotspot', 'pppoe')""")
    migrator.sql(r"""
CREATE FUNCTION refuse_undeclared_placeholder()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    placeholder constant text := '\{([a-z][a-z0-9_]*)\}';
    undeclared text;
BEGIN
    IF regexp_replace(NEW.body, placeholder, '', 'g') ~ '[{}]' THEN
        RAISE EXCEPTION 'whatsapp_templates: the body of %% has a brace that belongs to no '
                'placeholder', NEW.name
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'body',
                  CONSTRAINT = 'whatsapp_templates_braces_are_placeholders',
                  HINT = 'A placeholder is a name of small letters, digits and _ in braces, such '
                         'as {customer_name}.';
    END IF;
    SELECT string_agg(DISTINCT part[1], ', ') INTO undeclared
    FROM regexp_matches(NEW.body, placeholder, 'g') AS part
    WHERE NOT NEW.variables ? part[1];
    IF undeclared IS NOT NULL THEN
        RAISE EXCEPTION 'whatsapp_templates: the body of %% has placeholders that its variables '
                'do not declare: %%', NEW.name, undeclared
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'variables',
                  CONSTRAINT = 'whatsapp_templates_placeholders_are_declared',
                  HINT = 'Correct the placeholder, or declare it if programs supply it.';
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE whatsapp_sessions (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            name text NOT NULL,
            phone text,
            status whatsapp_session_status NOT NULL DEFAULT 'disconnected'::whatsapp_session_status,
            credentials bytea,
            is_default boolean NOT NULL DEFAULT false,
            last_activity_at timestamp with time zone,
            error text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT whatsapp_sessions_pkey PRIMARY KEY (id),
            CONSTRAINT whatsapp_sessions_connected_has_phone_check CHECK (status <> 'connected'::whatsapp_session_status OR phone IS NOT NULL),
            CONSTRAINT whatsapp_sessions_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_sessions_credentials_of_its_row_check CHECK (SUBSTRING(credentials FROM 1 FOR 1) = '\x01'::bytea AND octet_length(credentials) >= 33 AND octet_length(credentials) <= 8192 OR SUBSTRING(credentials FROM 1 FOR 1) = '\x02'::bytea AND octet_length(credentials) >= 41 AND octet_length(credentials) <= 8200 AND SUBSTRING(credentials FROM 6 FOR 8) = int8send(id) OR SUBSTRING(credentials FROM 1 FOR 1) = '\x03'::bytea AND octet_length(credentials) >= 49 AND octet_length(credentials) <= 8208 AND SUBSTRING(credentials FROM 6 FOR 8) = int8send(id)),
            CONSTRAINT whatsapp_sessions_error_check CHECK (char_length(error) <= 10000),
            CONSTRAINT whatsapp_sessions_last_activity_at_check CHECK (last_activity_at >= to_timestamp(946684800::double precision) AND last_activity_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_sessions_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT whatsapp_sessions_phone_check CHECK (char_length(phone) >= 8 AND char_length(phone) <= 15 AND phone ~ '^[1-9][0-9]*$'::text),
            CONSTRAINT whatsapp_sessions_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE whatsapp_templates (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            name text NOT NULL,
            category whatsapp_template_category NOT NULL,
            service whatsapp_template_service,
            language text NOT NULL DEFAULT 'id'::text,
            body text NOT NULL,
            variables jsonb NOT NULL DEFAULT '[]'::jsonb,
            is_active boolean NOT NULL DEFAULT true,
            is_default boolean NOT NULL DEFAULT false,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT whatsapp_templates_pkey PRIMARY KEY (id),
            CONSTRAINT whatsapp_templates_body_not_blank_check CHECK (body ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(body) <= 65536),
            CONSTRAINT whatsapp_templates_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_templates_default_is_active_check CHECK (is_active OR NOT is_default),
            CONSTRAINT whatsapp_templates_language_form_check CHECK (language ~ '^[a-z]{2}(-[A-Z]{2})?$'::text),
            CONSTRAINT whatsapp_templates_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT whatsapp_templates_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_templates_variables_names_check CHECK (jsonb_typeof(variables) = 'array'::text AND NOT jsonb_path_exists(variables, '$[*]?(@.type() != "string")'::jsonpath)),
            CONSTRAINT whatsapp_templates_variables_size_check CHECK (octet_length(variables::text) <= 65536)
        )
    """)
    migrator.sql(r"""
        CREATE TABLE whatsapp_messages (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            session_id bigint NOT NULL,
            customer_id bigint,
            template_id bigint,
            direction whatsapp_message_direction NOT NULL DEFAULT 'outbound'::whatsapp_message_direction,
            recipient text NOT NULL,
            body text NOT NULL,
            status whatsapp_message_status NOT NULL DEFAULT 'pending'::whatsapp_message_status,
            provider_message_id text,
            sent_at timestamp with time zone,
            delivered_at timestamp with time zone,
            read_at timestamp with time zone,
            error text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT whatsapp_messages_pkey PRIMARY KEY (id),
            CONSTRAINT whatsapp_messages_body_check CHECK (char_length(body) <= 65536),
            CONSTRAINT whatsapp_messages_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_messages_delivered_at_check CHECK (delivered_at >= to_timestamp(946684800::double precision) AND delivered_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_messages_direction_fits_status_check CHECK (
        CASE direction
            WHEN 'inbound'::whatsapp_message_direction THEN status = ANY (ARRAY['delivered'::whatsapp_message_status, 'read'::whatsapp_message_status])
            ELSE sent_at IS NOT NULL OR (status = ANY (ARRAY['pending'::whatsapp_message_status, 'failed'::whatsapp_message_status]))
        END),
            CONSTRAINT whatsapp_messages_error_check CHECK (char_length(error) <= 10000),
            CONSTRAINT whatsapp_messages_failed_says_why_check CHECK (status <> 'failed'::whatsapp_message_status OR error IS NOT NULL),
            CONSTRAINT whatsapp_messages_provider_message_id_not_blank_check CHECK (provider_message_id ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(provider_message_id) <= 200 AND provider_message_id !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT whatsapp_messages_read_at_check CHECK (read_at >= to_timestamp(946684800::double precision) AND read_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_messages_recipient_check CHECK (char_length(recipient) >= 8 AND char_length(recipient) <= 15 AND recipient ~ '^[1-9][0-9]*$'::text),
            CONSTRAINT whatsapp_messages_sent_at_check CHECK (sent_at >= to_timestamp(946684800::double precision) AND sent_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT whatsapp_messages_times_fit_status_check CHECK (
        CASE status
            WHEN 'pending'::whatsapp_message_status THEN sent_at IS NULL
            WHEN 'delivered'::whatsapp_message_status THEN delivered_at IS NOT NULL
            WHEN 'read'::whatsapp_message_status THEN read_at IS NOT NULL
            ELSE true
        END),
            CONSTRAINT whatsapp_messages_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        ALTER TABLE whatsapp_sessions
            ADD CONSTRAINT whatsapp_sessions_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE whatsapp_messages
            ADD CONSTRAINT whatsapp_messages_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE whatsapp_messages
            ADD CONSTRAINT whatsapp_messages_session_id_fkey FOREIGN KEY (session_id) REFERENCES whatsapp_sessions(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE whatsapp_messages
            ADD CONSTRAINT whatsapp_messages_template_id_fkey FOREIGN KEY (template_id) REFERENCES whatsapp_templates(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX whatsapp_sessions_default_location_id_key ON whatsapp_sessions USING btree (location_id) WHERE is_default
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX whatsapp_sessions_live_phone_key ON whatsapp_sessions USING btree (phone) WHERE status = ANY (ARRAY['connecting'::whatsapp_session_status, 'scanning'::whatsapp_session_status, 'connected'::whatsapp_session_status])
    """)
    migrator.sql("""
        CREATE INDEX whatsapp_sessions_location_id_idx ON whatsapp_sessions USING btree (location_id)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX whatsapp_sessions_name_key ON whatsapp_sessions USING btree (name)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX whatsapp_templates_default_any_service_key ON whatsapp_templates USING btree (category, language) WHERE is_default AND service IS NULL
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX whatsapp_templates_default_service_key ON whatsapp_templates USING btree (category, service, language) WHERE is_default AND service IS NOT NULL
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX whatsapp_templates_name_language_key ON whatsapp_templates USING btree (name, language)
    """)
    migrator.sql("""
        CREATE INDEX whatsapp_messages_created_at_idx ON whatsapp_messages USING brin (created_at)
    """)
    migrator.sql("""
        CREATE INDEX whatsapp_messages_customer_id_created_at_idx ON whatsapp_messages USING btree (customer_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE INDEX whatsapp_messages_pending_idx ON whatsapp_messages USING btree (session_id, id) WHERE status = 'pending'::whatsapp_message_status
    """)
    migrator.sql("""
        CREATE INDEX whatsapp_messages_session_id_created_at_idx ON whatsapp_messages USING btree (session_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX whatsapp_messages_session_id_provider_message_id_key ON whatsapp_messages USING btree (session_id, provider_message_id) WHERE provider_message_id IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX whatsapp_messages_template_id_idx ON whatsapp_messages USING btree (template_id)
    """)
    migrator.sql("""ALTER TABLE whatsapp_sessions ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE whatsapp_messages ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE TRIGGER whatsapp_sessions_status_move BEFORE INSERT OR UPDATE OF status ON whatsapp_sessions
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>disconnected', 'disconnected>connecting', 'connecting>disconnected', 'connecting>scanning', 'connecting>connected', 'connecting>error', 'scanning>disconnected', 'scanning>connecting', 'scanning>connected', 'scanning>error', 'connected>disconnected', 'connected>connecting', 'connected>error', 'error>disconnected', 'error>connecting')
    """)
    migrator.sql("""
        CREATE TRIGGER whatsapp_sessions_updated_at BEFORE UPDATE ON whatsapp_sessions
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER whatsapp_templates_placeholders_are_declared BEFORE INSERT OR UPDATE OF body, variables ON whatsapp_templates
            FOR EACH ROW EXECUTE FUNCTION refuse_undeclared_placeholder()
    """)
    migrator.sql("""
        CREATE TRIGGER whatsapp_templates_updated_at BEFORE UPDATE ON whatsapp_templates
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER whatsapp_messages_status_move BEFORE INSERT OR UPDATE OF status ON whatsapp_messages
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>pending', '>delivered', 'pending>sent', 'pending>failed', 'sent>delivered', 'sent>read', 'sent>failed', 'delivered>read')
    """)
    migrator.sql("""
        CREATE TRIGGER whatsapp_messages_updated_at BEFORE UPDATE ON whatsapp_messages
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE POLICY whatsapp_sessions_branch ON whatsapp_sessions USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY whatsapp_messages_branch ON whatsapp_messages USING (( SELECT true
           FROM whatsapp_sessions
          WHERE whatsapp_sessions.id = whatsapp_messages.session_id))
    """)
    migrator.sql("""
        COMMENT ON TABLE whatsapp_sessions IS 'A WhatsApp number that a branch sends from.';
        COMMENT ON COLUMN whatsapp_sessions.id IS 'Identity.';
        COMMENT ON COLUMN whatsapp_sessions.location_id IS 'Branch that sends from it.';
        COMMENT ON COLUMN whatsapp_sessions.name IS 'What the operator calls it.';
        COMMENT ON COLUMN whatsapp_sessions.phone IS 'The number; unknown until the QR code is scanned.';
        COMMENT ON COLUMN whatsapp_sessions.status IS 'State of the connection.';
        COMMENT ON COLUMN whatsapp_sessions.credentials IS 'What the client needs to connect again.';
        COMMENT ON COLUMN whatsapp_sessions.is_default IS 'The branch''s messages leave here unless told otherwise.';
        COMMENT ON COLUMN whatsapp_sessions.last_activity_at IS 'When it last sent or received.';
        COMMENT ON COLUMN whatsapp_sessions.error IS 'Why it last failed.';
        COMMENT ON COLUMN whatsapp_sessions.created_at IS 'When the row was made.';
        COMMENT ON COLUMN whatsapp_sessions.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE whatsapp_templates IS 'A text with placeholders in braces, such as {customer_name}, each listed in variables.';
        COMMENT ON COLUMN whatsapp_templates.id IS 'Identity.';
        COMMENT ON COLUMN whatsapp_templates.name IS 'Name of the template, the same in every language.';
        COMMENT ON COLUMN whatsapp_templates.category IS 'What it tells the customer.';
        COMMENT ON COLUMN whatsapp_templates.service IS 'Service it is written for; null: any.';
        COMMENT ON COLUMN whatsapp_templates.language IS 'Language code: id, en, en-GB.';
        COMMENT ON COLUMN whatsapp_templates.body IS 'The text, with placeholders in braces and WhatsApp''s own *bold*.';
        COMMENT ON COLUMN whatsapp_templates.variables IS 'Names of the placeholders in the body.';
        COMMENT ON COLUMN whatsapp_templates.is_active IS 'Whether it may be used.';
        COMMENT ON COLUMN whatsapp_templates.is_default IS 'The one to use for its category, service and language.';
        COMMENT ON COLUMN whatsapp_templates.created_at IS 'When the row was made.';
        COMMENT ON COLUMN whatsapp_templates.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE whatsapp_messages IS 'A message sent to, or received from, one number.';
        COMMENT ON COLUMN whatsapp_messages.id IS 'Identity.';
        COMMENT ON COLUMN whatsapp_messages.session_id IS 'Session it goes or came through.';
        COMMENT ON COLUMN whatsapp_messages.customer_id IS 'Customer it was exchanged with, where known.';
        COMMENT ON COLUMN whatsapp_messages.template_id IS 'Template the body was made from.';
        COMMENT ON COLUMN whatsapp_messages.direction IS 'Who wrote it: we (outbound) or the other side (inbound).';
        COMMENT ON COLUMN whatsapp_messages.recipient IS 'The other side''s number: who gets an outbound message, who sent an inbound one.';
        COMMENT ON COLUMN whatsapp_messages.body IS 'The text, placeholders filled in; never a password.';
        COMMENT ON COLUMN whatsapp_messages.status IS 'How far it got.';
        COMMENT ON COLUMN whatsapp_messages.provider_message_id IS 'WhatsApp''s own id, to which receipts refer.';
        COMMENT ON COLUMN whatsapp_messages.sent_at IS 'When WhatsApp took it.';
        COMMENT ON COLUMN whatsapp_messages.delivered_at IS 'When it reached the other side''s phone.';
        COMMENT ON COLUMN whatsapp_messages.read_at IS 'When the other side read it.';
        COMMENT ON COLUMN whatsapp_messages.error IS 'Why it failed.';
        COMMENT ON COLUMN whatsapp_messages.created_at IS 'When the row was made.';
        COMMENT ON COLUMN whatsapp_messages.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT USAGE ON SEQUENCE whatsapp_sessions_id_seq TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (session_id, customer_id, template_id, direction, recipient, body, status, provider_message_id, sent_at, delivered_at, read_at, error), SELECT (id, status, created_at), UPDATE (status, provider_message_id, sent_at, delivered_at, read_at, error) ON TABLE whatsapp_messages TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (id, location_id, name, phone, status, credentials, is_default, last_activity_at, error), UPDATE (location_id, name, phone, status, credentials, is_default, last_activity_at, error) ON TABLE whatsapp_sessions TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (name, category, service, language, body, variables, is_active, is_default), UPDATE (name, category, service, language, body, variables, is_active, is_default) ON TABLE whatsapp_templates TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT (id, session_id, customer_id, template_id, direction, recipient, status, provider_message_id, sent_at, delivered_at, read_at, error, created_at, updated_at) ON TABLE whatsapp_messages TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, location_id, name, phone, status, is_default, last_activity_at, error, created_at, updated_at) ON TABLE whatsapp_sessions TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE whatsapp_templates TO ' || grantee;
    END IF;
END
$$
""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""CREATE EXTENSION IF NOT EXISTS btree_gist""")
    migrator.sql("""
        CREATE TYPE invoice_item_kind AS ENUM (
            'subscription',
            'installation',
            'equipment',
            'voucher',
            'late_fee',
            'other'
        )
    """)
    migrator.sql("""
        CREATE TYPE invoice_status AS ENUM ('draft', 'open', 'partial', 'paid', 'void')
    """)
    migrator.sql("""
        CREATE TYPE subscription_cycle AS ENUM (
            'monthly',
            'quarterly',
            'half_yearly',
            'yearly',
            'daily',
            'weekly',
            'once'
        )
    """)
    migrator.sql("""CREATE TYPE subscription_status AS ENUM ('active', 'suspended', 'ended')""")
    migrator.sql("""
CREATE FUNCTION check_invoice_credit()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    invoice record;
    credited numeric;
BEGIN
    UPDATE invoices SET created_at = created_at
    WHERE id = NEW.reference_id AND xmin <> pg_current_xact_id()::xid;
    SELECT customer_id, location_id, status::text, total INTO invoice
    FROM invoices WHERE id = NEW.reference_id;
    SELECT sum(c.amount) INTO credited FROM transaction_logs c LEFT JOIN transaction_logs r ON r.reverses_id = c.id
    WHERE c.reference_type = 'invoice_credit' AND c.reference_id = NEW.reference_id AND r.id IS NULL;
    IF NEW.entry_type::text <> 'adjustment' OR NEW.amount < 0
        OR invoice.customer_id IS DISTINCT FROM NEW.customer_id
        OR invoice.status IN ('draft', 'void')
        OR credited > invoice.total
    THEN
    IF (invoice.location_id = ANY (acting_branches())) IS NOT TRUE AND invoice.location_id IS NOT NULL THEN
        RAISE EXCEPTION '%%: invoice %% is of a branch that is not acted for',
            TG_TABLE_NAME, NEW.reference_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
        RAISE EXCEPTION 'transaction_logs: invoice %% (%% of %%) cannot be credited with %%, which'
            ' makes %% in all', NEW.reference_id, invoice.status, invoice.total, NEW.amount, credited
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_invoice_sums()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    items record;
BEGIN
    SELECT count(*) AS count, coalesce(sum(amount), 0) AS amount, coalesce(sum(tax), 0) AS tax,
           coalesce(sum(discount), 0) AS discount
    INTO items FROM invoice_items WHERE invoice_id = NEW.id;
    IF items.count = 0
        OR (items.amount, items.discount, items.tax)
           IS DISTINCT FROM (NEW.subtotal::numeric, NEW.discount::numeric, NEW.tax::numeric)
    THEN
        RAISE EXCEPTION 'invoices: invoice %% has %% items of %%, less %%, and %% tax in all, not %%, %%'
            ' and %%', NEW.id, items.count, items.amount, items.discount, items.tax, NEW.subtotal,
            NEW.discount, NEW.tax
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'subtotal',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_subscription()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    customer record;
    profile record;
    line record;
    rule text;
    reason text;
BEGIN
    IF NEW.status = 'suspended' THEN
        NEW.suspended_on := coalesce(NEW.suspended_on, (
            SELECT greatest((now() AT TIME ZONE timezone)::date, NEW.started_on)
            FROM locations WHERE id = NEW.location_id));
    ELSE
        NEW.suspended_on := NULL;
    END IF;
    IF NEW.status = 'ended' THEN
        RETURN NEW;
    END IF;
    UPDATE customers SET created_at = created_at
    WHERE id = NEW.customer_id AND xmin <> pg_current_xact_id()::xid;
    UPDATE pppoe_users SET created_at = created_at
    WHERE id = NEW.pppoe_user_id AND xmin <> pg_current_xact_id()::xid;
    SELECT location_id, deleted_at INTO customer FROM customers WHERE id = NEW.customer_id;
    -- before all else: what fits goes on to the policy, whose answer is another one
    IF (customer.location_id = ANY (acting_branches())) IS NOT TRUE AND customer.location_id IS NOT NULL THEN
        RAISE EXCEPTION '%%: customer %% is of a branch that is not acted for',
            TG_TABLE_NAME, NEW.customer_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT location_id, service_type INTO profile FROM profiles WHERE id = NEW.profile_id;
    SELECT u.customer_id, r.location_id INTO line
    FROM pppoe_users u JOIN routers r ON r.id = u.router_id WHERE u.id = NEW.pppoe_user_id;
    IF customer.location_id IS DISTINCT FROM NEW.location_id THEN
        rule := 'subscriptions_branch_of_customer';
        reason := format('customer %%s belongs to location %%s, not %%s', NEW.customer_id,
                         customer.location_id, NEW.location_id);
    ELSIF customer.deleted_at IS NOT NULL THEN
        rule := 'subscriptions_customer_is_there';
        reason := format('customer %%s is deleted', NEW.customer_id);
    ELSIF profile.location_id IS DISTINCT FROM NEW.location_id THEN
        rule := 'subscriptions_profile_fits';
        reason := format('profile %%s belongs to location %%s, not %%s', NEW.profile_id,
                         profile.location_id, NEW.location_id);
    ELSIF NEW.pppoe_user_id IS NULL THEN
        RETURN NEW;
    ELSIF profile.service_type IS DISTINCT FROM 'pppoe' THEN
        rule := 'subscriptions_profile_fits';
        reason := format('profile %%s is not for PPPoE', NEW.profile_id);
    ELSIF line.customer_id IS DISTINCT FROM NEW.customer_id THEN
        rule := 'subscriptions_line_fits';
        reason := format('account %%s is of customer %%s, not %%s', NEW.pppoe_user_id,
                         line.customer_id, NEW.customer_id);
    ELSIF line.location_id IS DISTINCT FROM NEW.location_id THEN
        rule := 'subscriptions_line_fits';
        reason := format('the router of account %%s is in location %%s, not %%s', NEW.pppoe_user_id,
                         line.location_id, NEW.location_id);
    ELSE
        RETURN NEW;
    END IF;
    IF (profile.location_id = ANY (acting_branches())) IS NOT TRUE AND profile.location_id IS NOT NULL THEN
        RAISE EXCEPTION '%%: profile %% is of a branch that is not acted for',
            TG_TABLE_NAME, NEW.profile_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (line.location_id = ANY (acting_branches())) IS NOT TRUE AND line.location_id IS NOT NULL THEN
        RAISE EXCEPTION '%%: account %% is of a branch that is not acted for',
            TG_TABLE_NAME, NEW.pppoe_user_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RAISE EXCEPTION 'subscriptions: %%', reason
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = rule;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_issued_items()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    parent record;
BEGIN
    UPDATE invoices SET created_at = created_at
    WHERE id = least(OLD.invoice_id, NEW.invoice_id) AND xmin <> pg_current_xact_id()::xid;
    UPDATE invoices SET created_at = created_at
    WHERE id = greatest(OLD.invoice_id, NEW.invoice_id) AND xmin <> pg_current_xact_id()::xid;
    FOR parent IN
        SELECT id, location_id, status FROM invoices
        WHERE id IN (OLD.invoice_id, NEW.invoice_id)
    LOOP
    IF (parent.location_id = ANY (acting_branches())) IS NOT TRUE AND parent.location_id IS NOT NULL THEN
        RAISE EXCEPTION '%%: invoice %% is of a branch that is not acted for',
            TG_TABLE_NAME, parent.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
        IF parent.status <> 'draft' THEN
            RAISE EXCEPTION 'invoice_items: invoice %% has left draft, its items stand; void it and'
                ' write another', parent.id
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
        END IF;
    END LOOP;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    -- one that row-level security hides may have been issued
    IF NOT EXISTS (SELECT FROM invoices WHERE id = NEW.invoice_id) THEN
        RAISE EXCEPTION 'invoice_items: there is no invoice %% to add to', NEW.invoice_id
            USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME,
                  COLUMN = 'invoice_id', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_subscribed_line()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    live bigint := (
        SELECT s.id FROM subscriptions s LEFT JOIN routers r ON r.id = NEW.router_id
        WHERE s.pppoe_user_id = NEW.id AND s.status::text <> 'ended'
          AND (s.customer_id, s.location_id)
              IS DISTINCT FROM (NEW.customer_id, r.location_id)
        ORDER BY s.id LIMIT 1);
BEGIN
    IF live IS NOT NULL THEN
        RAISE EXCEPTION 'pppoe_users: account %% is paid for by subscription %% of another customer'
            ' or branch; end it first', NEW.id, live
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_subscriber()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    live bigint := (
        SELECT s.id FROM subscriptions s JOIN customers c ON c.id = s.customer_id
        WHERE c.id = NEW.id AND s.status::text <> 'ended'
          AND (s.location_id <> c.location_id OR c.deleted_at IS NOT NULL)
        ORDER BY s.id LIMIT 1);
BEGIN
    IF live IS NOT NULL THEN
        RAISE EXCEPTION 'customers: subscription %% of customer %% still runs in the branch; end it'
            ' first', live, NEW.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION match_customer_of_subscription()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    owner bigint := (SELECT customer_id FROM subscriptions WHERE id = NEW.subscription_id);
BEGIN
    IF NEW.subscription_id IS NOT NULL AND owner IS DISTINCT FROM NEW.customer_id THEN
        RAISE EXCEPTION 'invoices: subscription %% is of customer %%, not %%',
            NEW.subscription_id, owner, NEW.customer_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'subscription_id',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION number_invoice()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    branch record;
    seq text;
BEGIN
    NEW.number := NULL;
    NEW.number_month := NULL;
    NEW.number_seq := NULL;
    IF NEW.status = 'void' THEN
        NEW.issued_at := NULL;
        RETURN NEW;
    END IF;
    UPDATE locations SET created_at = created_at
    WHERE id = NEW.location_id AND xmin <> pg_current_xact_id()::xid;
    SELECT code, timezone INTO branch FROM locations WHERE id = NEW.location_id;
    NEW.issued_at := coalesce(NEW.issued_at, now());
    IF NEW.issued_at > now() + interval '5 minutes' THEN
        RAISE EXCEPTION 'invoices: invoice %% cannot be issued in the future, at %%', NEW.id,
            NEW.issued_at
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'issued_at',
                  CONSTRAINT = 'invoices_issued_not_ahead';
    END IF;
    NEW.number_month := date_trunc('month', NEW.issued_at AT TIME ZONE branch.timezone)::date;
    NEW.number_seq := 1 + coalesce((
        SELECT max(number_seq) FROM invoices
        WHERE location_id = NEW.location_id AND number_month = NEW.number_month), 0);
    seq := NEW.number_seq::text;
    NEW.number := concat_ws('/', 'INV', branch.code, to_char(NEW.number_month, 'YYYY/MM'),
        lpad(seq, greatest(4, length(seq)), '0'));
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION take_credits_back()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    
    INSERT INTO transaction_logs (customer_id, entry_type, amount, reverses_id, description)
    SELECT c.customer_id, 'reversal', -c.amount, c.id, left('Taken back: ' || c.description, 300)
    FROM transaction_logs c LEFT JOIN transaction_logs r ON r.reverses_id = c.id
    WHERE c.reference_type = 'invoice_credit' AND c.reference_id = NEW.id AND r.id IS NULL ORDER BY c.id;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
        CREATE TABLE subscriptions (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            customer_id bigint NOT NULL,
            profile_id bigint NOT NULL,
            pppoe_user_id bigint,
            status subscription_status NOT NULL DEFAULT 'active'::subscription_status,
            price bigint NOT NULL,
            cycle subscription_cycle NOT NULL DEFAULT 'monthly'::subscription_cycle,
            anchor_day smallint NOT NULL,
            started_on date NOT NULL,
            ended_on date,
            credited_until date,
            suspended_on date,
            next_billing_on date,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
            CONSTRAINT subscriptions_active_is_billed_check CHECK (status <> 'active'::subscription_status OR num_nonnulls(next_billing_on, ended_on) > 0),
            CONSTRAINT subscriptions_anchor_day_range_check CHECK (anchor_day >= 1 AND anchor_day <= 31),
            CONSTRAINT subscriptions_billed_after_start_check CHECK (next_billing_on >= started_on),
            CONSTRAINT subscriptions_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT subscriptions_credited_until_check CHECK (credited_until >= make_date(2000, 1, 1) AND credited_until <= make_date(2099, 12, 31)),
            CONSTRAINT subscriptions_ended_is_final_check CHECK (status <> 'ended'::subscription_status OR ended_on IS NOT NULL AND next_billing_on IS NULL),
            CONSTRAINT subscriptions_ended_on_check CHECK (ended_on >= make_date(2000, 1, 1) AND ended_on <= make_date(2099, 12, 31)),
            CONSTRAINT subscriptions_ends_after_start_check CHECK (ended_on >= (started_on - 1)),
            CONSTRAINT subscriptions_next_billing_on_check CHECK (next_billing_on >= make_date(2000, 1, 1) AND next_billing_on <= make_date(2099, 12, 31)),
            CONSTRAINT subscriptions_once_has_end_check CHECK (cycle <> 'once'::subscription_cycle OR ended_on IS NOT NULL),
            CONSTRAINT subscriptions_price_check CHECK (price >= 0 AND price <= '1000000000000000'::bigint),
            CONSTRAINT subscriptions_started_on_check CHECK (started_on >= make_date(2000, 1, 1) AND started_on <= make_date(2099, 12, 31)),
            CONSTRAINT subscriptions_suspended_has_day_check CHECK ((status = 'suspended'::subscription_status) = (suspended_on IS NOT NULL)),
            CONSTRAINT subscriptions_suspended_on_check CHECK (suspended_on >= make_date(2000, 1, 1) AND suspended_on <= make_date(2099, 12, 31)),
            CONSTRAINT subscriptions_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE invoices (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            customer_id bigint NOT NULL,
            subscription_id bigint,
            number text,
            number_month date,
            number_seq integer,
            foreign_number text,
            period daterange,
            status invoice_status NOT NULL DEFAULT 'draft'::invoice_status,
            subtotal bigint NOT NULL DEFAULT 0,
            discount bigint NOT NULL DEFAULT 0,
            tax bigint NOT NULL DEFAULT 0,
            total bigint NOT NULL DEFAULT 0,
            paid bigint NOT NULL DEFAULT 0,
            issued_at timestamp with time zone,
            due_on date,
            paid_at timestamp with time zone,
            notes text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT invoices_pkey PRIMARY KEY (id),
            CONSTRAINT invoices_subscription_id_period_excl EXCLUDE USING gist (subscription_id WITH =, period WITH &&) WHERE (status <> 'void'::invoice_status),
            CONSTRAINT invoices_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT invoices_discount_check CHECK (discount >= 0 AND discount <= '1000000000000000'::bigint),
            CONSTRAINT invoices_discount_within_subtotal_check CHECK ((status = ANY (ARRAY['draft'::invoice_status, 'void'::invoice_status])) OR discount <= subtotal),
            CONSTRAINT invoices_draft_not_issued_check CHECK (status <> 'draft'::invoice_status OR issued_at IS NULL),
            CONSTRAINT invoices_due_on_check CHECK (due_on >= make_date(2000, 1, 1) AND due_on <= make_date(2099, 12, 31)),
            CONSTRAINT invoices_foreign_number_not_blank_check CHECK (foreign_number ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(foreign_number) <= 100 AND foreign_number !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT invoices_issued_at_check CHECK (issued_at >= to_timestamp(946684800::double precision) AND issued_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT invoices_issued_has_dates_check CHECK ((status = ANY (ARRAY['draft'::invoice_status, 'void'::invoice_status])) OR num_nulls(issued_at, due_on) = 0),
            CONSTRAINT invoices_issued_is_numbered_check CHECK (num_nonnulls(number, number_month, number_seq, issued_at) =
        CASE
            WHEN issued_at IS NULL THEN 0
            ELSE 4
        END),
            CONSTRAINT invoices_not_overpaid_check CHECK (paid <= total),
            CONSTRAINT invoices_notes_check CHECK (char_length(notes) <= 10000),
            CONSTRAINT invoices_number_check CHECK (char_length(number) <= 10000),
            CONSTRAINT invoices_number_month_check CHECK (number_month >= make_date(2000, 1, 1) AND number_month <= make_date(2099, 12, 31)),
            CONSTRAINT invoices_number_seq_positive_check CHECK (number_seq >= 1 AND number_seq <= 2000000000),
            CONSTRAINT invoices_paid_at_check CHECK (paid_at >= to_timestamp(946684800::double precision) AND paid_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT invoices_paid_check CHECK (paid >= 0 AND paid <= '1000000000000000'::bigint),
            CONSTRAINT invoices_paid_fits_status_check CHECK (
        CASE status
            WHEN 'open'::invoice_status THEN paid = 0 AND total > 0
            WHEN 'partial'::invoice_status THEN paid > 0 AND paid < total
            WHEN 'paid'::invoice_status THEN paid = total
            ELSE paid = 0
        END),
            CONSTRAINT invoices_paid_has_time_check CHECK ((status = 'paid'::invoice_status) = (paid_at IS NOT NULL)),
            CONSTRAINT invoices_paid_once_issued_check CHECK (paid_at >= issued_at),
            CONSTRAINT invoices_period_check CHECK (lower(period) >= make_date(2000, 1, 1) AND lower(period) <= make_date(2099, 12, 31) AND upper(period) >= make_date(2000, 1, 1) AND upper(period) <= make_date(2099, 12, 31)),
            CONSTRAINT invoices_period_has_days_check CHECK (NOT (isempty(period) OR lower_inf(period) OR upper_inf(period))),
            CONSTRAINT invoices_subscription_has_period_check CHECK (subscription_id IS NULL OR period IS NOT NULL),
            CONSTRAINT invoices_subtotal_check CHECK (subtotal >= 0 AND subtotal <= '1000000000000000'::bigint),
            CONSTRAINT invoices_tax_check CHECK (tax >= 0 AND tax <= '1000000000000000'::bigint),
            CONSTRAINT invoices_total_adds_up_check CHECK ((status = ANY (ARRAY['draft'::invoice_status, 'void'::invoice_status])) OR total = (subtotal - discount + tax)),
            CONSTRAINT invoices_total_check CHECK (total >= 0 AND total <= '1000000000000000'::bigint),
            CONSTRAINT invoices_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE invoice_items (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            invoice_id bigint NOT NULL,
            kind invoice_item_kind NOT NULL,
            description text NOT NULL,
            quantity integer NOT NULL DEFAULT 1,
            unit_price bigint NOT NULL,
            amount bigint NOT NULL,
            discount bigint NOT NULL DEFAULT 0,
            tax_rate_bp integer NOT NULL DEFAULT 0,
            tax bigint NOT NULL DEFAULT 0,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT invoice_items_pkey PRIMARY KEY (id),
            CONSTRAINT invoice_items_amount_adds_up_check CHECK (amount::numeric = (quantity::numeric * unit_price::numeric)),
            CONSTRAINT invoice_items_amount_check CHECK (amount >= 0 AND amount <= '1000000000000000'::bigint),
            CONSTRAINT invoice_items_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT invoice_items_description_not_blank_check CHECK (description ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(description) <= 300 AND description !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT invoice_items_discount_check CHECK (discount >= 0 AND discount <= '1000000000000000'::bigint),
            CONSTRAINT invoice_items_discount_within_amount_check CHECK (discount <= amount),
            CONSTRAINT invoice_items_quantity_positive_check CHECK (quantity >= 1 AND quantity <= 100000),
            CONSTRAINT invoice_items_tax_check CHECK (tax >= 0 AND tax <= '1000000000000000'::bigint),
            CONSTRAINT invoice_items_tax_fits_rate_check CHECK (abs((amount - discount)::numeric * tax_rate_bp::numeric - tax::numeric * 10000::numeric) < 10000::numeric),
            CONSTRAINT invoice_items_tax_rate_bp_check CHECK (tax_rate_bp >= 0 AND tax_rate_bp <= 10000),
            CONSTRAINT invoice_items_unit_price_check CHECK (unit_price >= 0 AND unit_price <= '1000000000000000'::bigint),
            CONSTRAINT invoice_items_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        ALTER TABLE subscriptions
            ADD CONSTRAINT subscriptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE subscriptions
            ADD CONSTRAINT subscriptions_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE subscriptions
            ADD CONSTRAINT subscriptions_pppoe_user_id_fkey FOREIGN KEY (pppoe_user_id) REFERENCES pppoe_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE subscriptions
            ADD CONSTRAINT subscriptions_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES profiles(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE invoices
            ADD CONSTRAINT invoices_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE invoices
            ADD CONSTRAINT invoices_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE invoices
            ADD CONSTRAINT invoices_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscriptions(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE invoice_items
            ADD CONSTRAINT invoice_items_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES invoices(id) ON DELETE CASCADE
    """)
    migrator.sql("""
        CREATE INDEX subscriptions_customer_id_idx ON subscriptions USING btree (customer_id)
    """)
    migrator.sql("""
        CREATE INDEX subscriptions_due_idx ON subscriptions USING btree (next_billing_on) WHERE status = 'active'::subscription_status
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX subscriptions_live_pppoe_user_id_key ON subscriptions USING btree (pppoe_user_id) WHERE pppoe_user_id IS NOT NULL AND status <> 'ended'::subscription_status
    """)
    migrator.sql("""
        CREATE INDEX subscriptions_location_id_idx ON subscriptions USING btree (location_id)
    """)
    migrator.sql("""
        CREATE INDEX subscriptions_pppoe_user_id_idx ON subscriptions USING btree (pppoe_user_id)
    """)
    migrator.sql("""
        CREATE INDEX subscriptions_profile_id_idx ON subscriptions USING btree (profile_id)
    """)
    migrator.sql("""
        CREATE INDEX invoices_customer_id_created_at_idx ON invoices USING btree (customer_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE INDEX invoices_list_idx ON invoices USING btree (location_id, created_at DESC, id DESC)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX invoices_location_id_foreign_number_key ON invoices USING btree (location_id, foreign_number) WHERE foreign_number IS NOT NULL
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX invoices_location_id_number_key ON invoices USING btree (location_id, number)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX invoices_location_id_number_month_number_seq_key ON invoices USING btree (location_id, number_month, number_seq)
    """)
    migrator.sql("""
        CREATE INDEX invoices_owed_idx ON invoices USING btree (customer_id) INCLUDE (total, paid, due_on) WHERE status = ANY (ARRAY['open'::invoice_status, 'partial'::invoice_status])
    """)
    migrator.sql("""
        CREATE INDEX invoices_remind_idx ON invoices USING btree (due_on, location_id) WHERE status = ANY (ARRAY['open'::invoice_status, 'partial'::invoice_status])
    """)
    migrator.sql("""
        CREATE INDEX invoices_subscription_id_idx ON invoices USING btree (subscription_id)
    """)
    migrator.sql("""
        CREATE INDEX invoice_items_invoice_id_idx ON invoice_items USING btree (invoice_id)
    """)
    migrator.sql("""ALTER TABLE subscriptions ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE invoices ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE invoice_items ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE CONSTRAINT TRIGGER customers_subscriber_stays AFTER UPDATE OF location_id, deleted_at ON customers DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (old.location_id <> new.location_id OR new.deleted_at IS NOT NULL) EXECUTE FUNCTION keep_subscriber()
    """)

    # ── customers ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        COMMENT ON TABLE customers IS 'A subscriber of a branch. The balance changes only through transaction_logs.';
        COMMENT ON COLUMN customers.id IS 'Identity.';
        COMMENT ON COLUMN customers.location_id IS 'Branch that serves the customer.';
        COMMENT ON COLUMN customers.number IS 'Customer number, unique in the branch.';
        COMMENT ON COLUMN customers.name IS 'Full name.';
        COMMENT ON COLUMN customers.phone IS 'WhatsApp number, digits with country code; one customer''s only, unless shared.';
        COMMENT ON COLUMN customers.phone_is_shared IS 'The number is another customer''s as well, as in a family.';
        COMMENT ON COLUMN customers.email IS 'E-mail address; letter case does not matter.';
        COMMENT ON COLUMN customers.address IS 'Where the service is installed.';
        COMMENT ON COLUMN customers.status IS 'Served (active), stopped for a while (suspended) or gone (inactive).';
        COMMENT ON COLUMN customers.balance IS 'Rupiah; above zero is credit, below zero is debt. Equals the last ledger entry.';
        COMMENT ON COLUMN customers.credit_limit IS 'How far below zero the balance may go, rupiah.';
        COMMENT ON COLUMN customers.notes IS 'Notes of the staff.';
        COMMENT ON COLUMN customers.opted_out_at IS 'When the customer wanted no more messages; null: may be written to.';
        COMMENT ON COLUMN customers.is_never_isolated IS 'The service is not stopped for what is overdue.';
        COMMENT ON COLUMN customers.deleted_at IS 'When the customer was deleted.';
        COMMENT ON COLUMN customers.created_at IS 'When the row was made.';
        COMMENT ON COLUMN customers.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT, INSERT (location_id, number, name, phone, phone_is_shared, email, address, status, balance, credit_limit, notes, opted_out_at, is_never_isolated), UPDATE (location_id, number, name, phone, phone_is_shared, email, address, status, credit_limit, notes, opted_out_at, is_never_isolated, deleted_at) ON TABLE customers TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE customers TO ' || grantee;
    END IF;
END
$$
""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TRIGGER pppoe_users_subscribed_line_stays BEFORE UPDATE OF customer_id, router_id ON pppoe_users
            FOR EACH ROW EXECUTE FUNCTION keep_subscribed_line()
    """)

    # ── mikrotik ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        COMMENT ON TABLE pppoe_users IS 'A customer''s PPPoE account on a router. Its branch is the router''s.';
        COMMENT ON COLUMN pppoe_users.id IS 'Identity.';
        COMMENT ON COLUMN pppoe_users.customer_id IS 'Whose account it is.';
        COMMENT ON COLUMN pppoe_users.router_id IS 'Router that lets it in.';
        COMMENT ON COLUMN pppoe_users.profile_id IS 'What it gives.';
        COMMENT ON COLUMN pppoe_users.username IS 'PPPoE name, unique on the router; letter case does not matter.';
        COMMENT ON COLUMN pppoe_users.password IS 'PPPoE password, encrypted.';
        COMMENT ON COLUMN pppoe_users.status IS 'Whether it may connect.';
        COMMENT ON COLUMN pppoe_users.expires_at IS 'Paid until; null means without end.';
        COMMENT ON COLUMN pppoe_users.static_ip IS 'Address it always gets, one per account and router.';
        COMMENT ON COLUMN pppoe_users.mac IS 'The only device that may connect; null means any.';
        COMMENT ON COLUMN pppoe_users.sync_state IS 'Whether the router has it as it is here.';
        COMMENT ON COLUMN pppoe_users.sync_error IS 'Why the last synchronisation failed.';
        COMMENT ON COLUMN pppoe_users.created_at IS 'When the row was made.';
        COMMENT ON COLUMN pppoe_users.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT USAGE ON SEQUENCE pppoe_users_id_seq TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (id, customer_id, router_id, profile_id, username, password, status, expires_at, static_ip, mac, sync_state), UPDATE (customer_id, router_id, profile_id, username, password, status, expires_at, static_ip, mac, sync_state, sync_error) ON TABLE pppoe_users TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT (id, customer_id, router_id, profile_id, username, status, expires_at, static_ip, mac, sync_state, sync_error, created_at, updated_at) ON TABLE pppoe_users TO ' || grantee;
    END IF;
END
$$
""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TRIGGER subscriptions_owner_is_fixed BEFORE UPDATE ON subscriptions
            FOR EACH ROW WHEN (old.customer_id <> new.customer_id) EXECUTE FUNCTION refuse_change('the customer stays; end it and begin another')
    """)
    migrator.sql("""
        CREATE TRIGGER subscriptions_status_move BEFORE INSERT OR UPDATE OF status ON subscriptions
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>active', '>suspended', 'active>suspended', 'active>ended', 'suspended>active', 'suspended>ended')
    """)
    migrator.sql("""
        CREATE TRIGGER subscriptions_terms_fit BEFORE INSERT OR UPDATE OF customer_id, location_id, profile_id, pppoe_user_id, status, suspended_on ON subscriptions
            FOR EACH ROW EXECUTE FUNCTION check_subscription()
    """)
    migrator.sql("""
        CREATE TRIGGER subscriptions_updated_at BEFORE UPDATE ON subscriptions
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_branch_of_customer BEFORE INSERT ON invoices
            FOR EACH ROW EXECUTE FUNCTION match_branch_of_customer()
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_customer_of_subscription BEFORE INSERT OR UPDATE OF subscription_id ON invoices
            FOR EACH ROW EXECUTE FUNCTION match_customer_of_subscription()
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_issued_is_frozen BEFORE UPDATE ON invoices
            FOR EACH ROW WHEN (old.status = 'paid'::invoice_status AND new.status = 'paid'::invoice_status AND old.paid_at <> new.paid_at OR old.status <> 'draft'::invoice_status AND (old.id IS DISTINCT FROM new.id OR old.number IS DISTINCT FROM new.number OR old.number_month IS DISTINCT FROM new.number_month OR old.number_seq IS DISTINCT FROM new.number_seq OR old.subscription_id IS DISTINCT FROM new.subscription_id OR old.period IS DISTINCT FROM new.period OR old.subtotal IS DISTINCT FROM new.subtotal OR old.discount IS DISTINCT FROM new.discount OR old.tax IS DISTINCT FROM new.tax OR old.total IS DISTINCT FROM new.total OR old.issued_at IS DISTINCT FROM new.issued_at)) EXECUTE FUNCTION refuse_change('an issued invoice stands; void it and write another')
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_issued_is_kept BEFORE DELETE ON invoices
            FOR EACH ROW WHEN (old.status <> 'draft'::invoice_status) EXECUTE FUNCTION refuse_change('an issued invoice is kept; void it')
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_issued_is_numbered BEFORE UPDATE OF status ON invoices
            FOR EACH ROW WHEN (old.status = 'draft'::invoice_status AND new.status <> 'draft'::invoice_status) EXECUTE FUNCTION number_invoice()
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_not_truncated BEFORE TRUNCATE ON invoices
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('an issued invoice is kept; delete the drafts')
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_owner_is_fixed BEFORE UPDATE ON invoices
            FOR EACH ROW WHEN (old.customer_id IS DISTINCT FROM new.customer_id OR old.location_id IS DISTINCT FROM new.location_id) EXECUTE FUNCTION refuse_change('customer and branch stay; void it and write another')
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_paid_not_ahead BEFORE UPDATE OF paid_at ON invoices
            FOR EACH ROW WHEN (new.paid_at > (now() + '00:05:00'::interval)) EXECUTE FUNCTION refuse_change('nothing is paid in the future')
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_status_move BEFORE INSERT OR UPDATE OF status ON invoices
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>draft', 'draft>open', 'draft>paid', 'draft>void', 'open>partial', 'open>paid', 'open>void', 'partial>open', 'partial>paid', 'paid>open', 'paid>partial', 'paid>void')
    """)
    migrator.sql("""
        CREATE CONSTRAINT TRIGGER invoices_sums_are_of_items AFTER UPDATE OF status ON invoices DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (old.status = 'draft'::invoice_status AND new.status <> 'draft'::invoice_status AND new.status <> 'void'::invoice_status) EXECUTE FUNCTION check_invoice_sums()
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_updated_at BEFORE UPDATE ON invoices
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_void_takes_credits_back AFTER UPDATE OF status ON invoices
            FOR EACH ROW WHEN (old.status <> 'void'::invoice_status AND new.status = 'void'::invoice_status) EXECUTE FUNCTION take_credits_back()
    """)
    migrator.sql("""
        CREATE TRIGGER invoice_items_issued_is_frozen BEFORE INSERT OR DELETE OR UPDATE ON invoice_items
            FOR EACH ROW EXECUTE FUNCTION keep_issued_items()
    """)
    migrator.sql("""
        CREATE TRIGGER invoice_items_not_truncated BEFORE TRUNCATE ON invoice_items
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('items of issued invoices stand')
    """)
    migrator.sql("""
        CREATE TRIGGER invoice_items_updated_at BEFORE UPDATE ON invoice_items
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER transaction_logs_credit_fits_invoice AFTER INSERT ON transaction_logs
            FOR EACH ROW WHEN (new.reference_type = 'invoice_credit'::text) EXECUTE FUNCTION check_invoice_credit()
    """)
    migrator.sql("""
        CREATE POLICY subscriptions_branch ON subscriptions USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY invoices_branch ON invoices USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY invoice_items_branch ON invoice_items USING (( SELECT true
           FROM invoices
          WHERE invoices.id = invoice_items.invoice_id))
    """)
    migrator.sql("""
        COMMENT ON TABLE subscriptions IS 'A customer''s standing order for a profile, billed period by period.';
        COMMENT ON COLUMN subscriptions.id IS 'Identity.';
        COMMENT ON COLUMN subscriptions.location_id IS 'Branch that bills it.';
        COMMENT ON COLUMN subscriptions.customer_id IS 'Who subscribes.';
        COMMENT ON COLUMN subscriptions.profile_id IS 'What is subscribed to.';
        COMMENT ON COLUMN subscriptions.pppoe_user_id IS 'The line it pays for, where there is one.';
        COMMENT ON COLUMN subscriptions.status IS 'Whether it is billed.';
        COMMENT ON COLUMN subscriptions.price IS 'Rupiah per period before tax; the profile''s price when it was agreed.';
        COMMENT ON COLUMN subscriptions.cycle IS 'Length of a period.';
        COMMENT ON COLUMN subscriptions.anchor_day IS 'Day of the month on which a period begins; the last day of a shorter month.';
        COMMENT ON COLUMN subscriptions.started_on IS 'First day of service.';
        COMMENT ON COLUMN subscriptions.ended_on IS 'Last day of service; may lie ahead. The day before started_on: never served.';
        COMMENT ON COLUMN subscriptions.credited_until IS 'Days before it are settled: what was not served was credited.';
        COMMENT ON COLUMN subscriptions.suspended_on IS 'First day without service, while it is suspended; filled by the database.';
        COMMENT ON COLUMN subscriptions.next_billing_on IS 'When the next invoice is due to be made; null: none will be.';
        COMMENT ON COLUMN subscriptions.created_at IS 'When the row was made.';
        COMMENT ON COLUMN subscriptions.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE invoice_items IS 'One line of an invoice; frozen once the invoice leaves draft.';
        COMMENT ON COLUMN invoice_items.id IS 'Identity.';
        COMMENT ON COLUMN invoice_items.invoice_id IS 'Invoice it stands on.';
        COMMENT ON COLUMN invoice_items.kind IS 'What it charges for.';
        COMMENT ON COLUMN invoice_items.description IS 'The line as printed.';
        COMMENT ON COLUMN invoice_items.quantity IS 'How many.';
        COMMENT ON COLUMN invoice_items.unit_price IS 'Rupiah for one, before tax.';
        COMMENT ON COLUMN invoice_items.amount IS 'Rupiah: quantity times unit_price, before tax.';
        COMMENT ON COLUMN invoice_items.discount IS 'Rupiah: the item''s share of the invoice''s discount, before tax.';
        COMMENT ON COLUMN invoice_items.tax_rate_bp IS 'Rate of tax in basis points; 1100: 11 %%.';
        COMMENT ON COLUMN invoice_items.tax IS 'Rupiah of tax at that rate on what is left after the discount, rounded.';
        COMMENT ON COLUMN invoice_items.created_at IS 'When the row was made.';
        COMMENT ON COLUMN invoice_items.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        REVOKE EXECUTE ON ROUTINE check_invoice_credit() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE check_subscription() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_issued_items() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_subscribed_line() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_subscriber() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE number_invoice() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE take_credits_back() FROM PUBLIC
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT DELETE, SELECT, INSERT (invoice_id, kind, description, quantity, unit_price, amount, discount, tax_rate_bp, tax), UPDATE (kind, description, quantity, unit_price, amount, discount, tax_rate_bp, tax) ON TABLE invoice_items TO ' || grantee;
        EXECUTE 'GRANT SELECT, INSERT (location_id, customer_id, profile_id, pppoe_user_id, status, price, cycle, anchor_day, started_on, ended_on, next_billing_on), UPDATE (status, price, ended_on, credited_until, suspended_on, next_billing_on) ON TABLE subscriptions TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE invoice_items TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE subscriptions TO ' || grantee;
    END IF;
END
$$
""")

    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TYPE payment_event_outcome AS ENUM ('applied', 'ignored', 'rejected', 'failed', 'review')
    """)
    migrator.sql("""
        CREATE TYPE payment_link_status AS ENUM ('open', 'paid', 'expired', 'revoked')
    """)
    migrator.sql("""CREATE TYPE payment_method_type AS ENUM ('gateway', 'manual', 'wallet')""")
    migrator.sql("""
        CREATE TYPE payment_status AS ENUM (
            'pending',
            'processing',
            'paid',
            'failed',
            'cancelled',
            'expired',
            'refunded',
            'review'
        )
    """)
    migrator.sql("""
CREATE FUNCTION check_allocated()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    sum bigint := coalesce((
        SELECT sum(amount) FROM payment_allocations WHERE payment_id = NEW.id), 0);
BEGIN
    IF NEW.allocated IS DISTINCT FROM sum THEN
        RAISE EXCEPTION 'payments: %% of payment %% is allocated, not %%; write payment_allocations'
            ' instead', sum, NEW.id, NEW.allocated
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'allocated',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_paid()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    sum bigint := coalesce((
        SELECT sum(amount) FROM payment_allocations WHERE invoice_id = NEW.id), 0);
BEGIN
    IF NEW.paid IS DISTINCT FROM sum THEN
        RAISE EXCEPTION 'invoices: %% is allocated to invoice %%, not %%; write payment_allocations'
            ' instead', sum, NEW.id, NEW.paid
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'paid',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_payment()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    branch bigint := (SELECT location_id FROM vendors WHERE id = NEW.vendor_id);
BEGIN
    IF NEW.vendor_id IS NOT NULL AND branch IS DISTINCT FROM NEW.location_id THEN
        RAISE EXCEPTION 'payments: vendor %% belongs to location %%, not %%', NEW.vendor_id, branch,
            NEW.location_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'vendor_id',
                  CONSTRAINT = 'payments_vendor_of_branch';
    END IF;
    IF NEW.paid_at > now() + interval '5 minutes' THEN
        RAISE EXCEPTION 'payments: money cannot come in in the future, at %%', NEW.paid_at
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'paid_at',
                  CONSTRAINT = 'payments_paid_not_ahead';
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_payment_link()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    owed bigint;
    branch bigint;
BEGIN
    -- the invoice of a link that is there stays, and who sees the one sees the other
    IF TG_OP = 'INSERT' THEN
        SELECT location_id INTO branch FROM invoices WHERE id = NEW.invoice_id;
        IF (branch = ANY (acting_branches())) IS NOT TRUE AND branch IS NOT NULL THEN
        RAISE EXCEPTION '%%: invoice %% is of a branch that is not acted for',
            TG_TABLE_NAME, NEW.invoice_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    END IF;
    IF NEW.status <> 'open' THEN
        RETURN NEW;
    END IF;
    UPDATE invoices SET created_at = created_at
    WHERE id = NEW.invoice_id AND xmin <> pg_current_xact_id()::xid;
    SELECT total - paid INTO owed FROM invoices
    WHERE id = NEW.invoice_id AND status IN ('open', 'partial');
    IF owed IS NULL THEN
        RAISE EXCEPTION 'payment_links: invoice %% is not owed', NEW.invoice_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'invoice_id',
                  CONSTRAINT = 'payment_links_invoice_is_owed';
    ELSIF owed <> NEW.amount THEN
        RAISE EXCEPTION 'payment_links: invoice %% owes %%, not %%', NEW.invoice_id, owed, NEW.amount
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'amount',
                  CONSTRAINT = 'payment_links_amount_is_owed';
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION check_payment_posting()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    entry record;
    fits boolean := true;
BEGIN
    SELECT reference_type, reference_id INTO entry
    FROM transaction_logs WHERE id = coalesce(NEW.reverses_id, NEW.id);
    IF entry.reference_type = 'payment' THEN
        fits := EXISTS (
            SELECT FROM payments p JOIN payment_methods m ON m.id = p.method_id
            WHERE p.id = NEW.reference_id AND p.customer_id = NEW.customer_id
              AND m.type <> 'wallet'
              AND CASE NEW.entry_type
                      WHEN 'payment' THEN p.status = 'paid' AND p.amount = NEW.amount
                      WHEN 'refund' THEN p.refunded = (
                          SELECT -sum(amount) FROM transaction_logs
                          WHERE entry_type = 'refund' AND reference_id = p.id)
                      ELSE false END);
    ELSIF entry.reference_type = 'payment_allocation' THEN
        fits := CASE NEW.entry_type
            WHEN 'charge' THEN EXISTS (
                SELECT FROM payment_allocations a JOIN payments p ON p.id = a.payment_id
                WHERE a.id = NEW.reference_id AND a.amount = -NEW.amount
                  AND p.customer_id = NEW.customer_id)
            WHEN 'reversal' THEN NOT EXISTS (
                SELECT FROM payment_allocations WHERE id = entry.reference_id)
            ELSE false END;
    END IF;
    IF NOT fits THEN
        RAISE EXCEPTION 'transaction_logs: a %% of %% does not fit %% %%; payments and allocations'
            ' post by themselves', NEW.entry_type, NEW.amount, entry.reference_type,
            entry.reference_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION complete_refund()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.refunded <> 0 OR NEW.disputed_at IS NOT NULL THEN
            RAISE EXCEPTION 'payments: nothing of a new payment was given or taken back'
                USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'refunded',
                      CONSTRAINT = 'payments_begins_whole';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.status = 'refunded' AND OLD.status <> 'refunded' THEN
        NEW.refunded := NEW.amount;
    ELSIF NEW.refunded = NEW.amount AND OLD.status = 'paid' THEN
        NEW.status := 'refunded';
    END IF;
    IF NEW.refunded < OLD.refunded THEN
        RAISE EXCEPTION 'payments: %% of payment %% was given back, and stays so', OLD.refunded,
            OLD.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'refunded',
                  CONSTRAINT = 'payments_refund_stays';
    END IF;
    IF NEW.refunded > OLD.refunded THEN
        NEW.refunded_at := now();
    ELSE
        NEW.refunded_at := OLD.refunded_at;
        NEW.refunded_by_id := OLD.refunded_by_id;
        NEW.refund_reason := OLD.refund_reason;
    END IF;
    IF NEW.status = 'refunded' AND OLD.status <> 'refunded' THEN
        NEW.disputed_at := NULL;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION follow_invoice()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    IF NEW.status IN ('open', 'partial') THEN
        UPDATE payment_links SET amount = NEW.total - NEW.paid, url = NULL
        WHERE invoice_id = NEW.id AND status = 'open' AND amount <> NEW.total - NEW.paid;
    ELSE
        UPDATE payment_links
        SET status = CASE NEW.status WHEN 'paid' THEN 'paid'::payment_link_status
                     ELSE 'revoked' END
        WHERE invoice_id = NEW.id AND status = 'open';
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION keep_allocated()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    allocation record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    spent bigint := coalesce((
        SELECT sum(amount) FROM payment_allocations WHERE payment_id = allocation.payment_id), 0);
    settled bigint;
    last timestamptz;
BEGIN
    SELECT coalesce(sum(a.amount), 0), max(p.paid_at) INTO settled, last
    FROM payment_allocations a JOIN payments p ON p.id = a.payment_id
    WHERE a.invoice_id = allocation.invoice_id;
    UPDATE payments SET allocated = spent
    WHERE id = allocation.payment_id AND allocated <> spent;
    UPDATE invoices
    SET paid = settled,
        paid_at = CASE WHEN settled = total THEN greatest(last, issued_at) END,
        status = CASE WHEN status IN ('draft', 'void') THEN status
                      WHEN settled = 0 THEN 'open'
                      WHEN settled < total THEN 'partial'
                      ELSE 'paid' END
    WHERE id = allocation.invoice_id AND paid <> settled;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION lock_allocation()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
DECLARE
    allocation record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    payment record;
    invoice record;
BEGIN
    SELECT customer_id, location_id INTO payment FROM payments WHERE id = allocation.payment_id;
    -- before all else: what fits goes on to the policy, whose answer is another one
    IF (payment.location_id = ANY (acting_branches())) IS NOT TRUE AND payment.location_id IS NOT NULL THEN
        RAISE EXCEPTION '%%: payment %% is of a branch that is not acted for',
            TG_TABLE_NAME, allocation.payment_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM customers WHERE id = payment.customer_id FOR NO KEY UPDATE;
    PERFORM FROM payments WHERE id = allocation.payment_id FOR NO KEY UPDATE;
    SELECT customer_id, location_id INTO invoice FROM invoices
    WHERE id = allocation.invoice_id FOR NO KEY UPDATE;
    -- there may be neither
    IF (payment.customer_id = invoice.customer_id) IS NOT TRUE THEN
    IF (invoice.location_id = ANY (acting_branches())) IS NOT TRUE AND invoice.location_id IS NOT NULL THEN
        RAISE EXCEPTION '%%: invoice %% is of a branch that is not acted for',
            TG_TABLE_NAME, allocation.invoice_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
        RAISE EXCEPTION 'payment_allocations: payment %% is of customer %%, invoice %% of customer %%',
            allocation.payment_id, payment.customer_id, allocation.invoice_id, invoice.customer_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN allocation;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION match_customer_of_invoice()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path FROM CURRENT
AS $function$
DECLARE
    owner bigint := (SELECT customer_id FROM invoices WHERE id = NEW.invoice_id);
BEGIN
    IF NEW.invoice_id IS NOT NULL AND owner IS DISTINCT FROM NEW.customer_id THEN
        RAISE EXCEPTION 'payments: invoice %% is of customer %%, not %%',
            NEW.invoice_id, owner, NEW.customer_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'invoice_id',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION post_allocation()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description)
        SELECT customer_id, 'charge', -NEW.amount, 'payment_allocation', NEW.id,
               'Invoice ' || number
        FROM invoices WHERE id = NEW.invoice_id;
    ELSE
    
    INSERT INTO transaction_logs (customer_id, entry_type, amount, reverses_id, description)
    SELECT c.customer_id, 'reversal', -c.amount, c.id, left('Taken back: ' || c.description, 300)
    FROM transaction_logs c WHERE c.entry_type = 'charge'
        AND c.reference_type = 'payment_allocation' AND c.reference_id = OLD.id;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql("""
CREATE FUNCTION post_payment()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET row_security TO 'off'
 SET search_path FROM CURRENT
AS $function$
BEGIN
    IF NEW.status = 'paid' AND OLD.status IS DISTINCT FROM NEW.status THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description, created_by_id)
        SELECT NEW.customer_id, 'payment', NEW.amount, 'payment', NEW.id, 'Payment: ' || name,
               NEW.received_by_id
        FROM payment_methods WHERE id = NEW.method_id AND type <> 'wallet';
    END IF;
    IF NEW.refunded > OLD.refunded THEN
        INSERT INTO transaction_logs (customer_id, entry_type, amount, reference_type,
                                      reference_id, description, created_by_id)
        SELECT customer_id, 'refund', OLD.refunded - NEW.refunded, 'payment', NEW.id,
               left('Refund: ' || coalesce(NEW.refund_reason, description), 300),
               NEW.refunded_by_id
        FROM transaction_logs
        WHERE entry_type = 'payment' AND reference_type = 'payment' AND reference_id = NEW.id;
    END IF;
    RETURN NULL;
END
$function$
""")
    migrator.sql(r"""
        CREATE TABLE payment_methods (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            code text NOT NULL,
            name text NOT NULL,
            type payment_method_type NOT NULL,
            plugin_id bigint,
            fee_bp integer NOT NULL DEFAULT 0,
            fee_fixed bigint NOT NULL DEFAULT 0,
            fee_least bigint,
            fee_most bigint,
            config jsonb NOT NULL DEFAULT '{}'::jsonb,
            is_active boolean NOT NULL DEFAULT true,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT payment_methods_pkey PRIMARY KEY (id),
            CONSTRAINT payment_methods_code_form_check CHECK (char_length(code) <= 63 AND code ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT payment_methods_config_hides_no_secret_check CHECK (NOT jsonb_path_exists(config, '$.**?(@.type() == "object").keyvalue()."key"?(@ like_regex "(^|[^a-z])(key|keys|secret|secrets|pass|passwd|password|passwords|passphrase|passcode|pwd|pin|token|tokens|apikey|authorization|auth|credential|credentials|header|headers|cookie|cookies|signature|private|cert|certificate|jwt|bearer|otp|salt)([^a-z]|$)|password|passphrase|secret|token|api.?key" flag "i" || @ like_regex "[a-z](Key|Pass|Pwd|Pin|Auth|Credential|Header|Cookie|Cert|Salt|Otp)")'::jsonpath) AND config::text !~ '://[^/@[:space:]]*:[^/@[:space:]]+@|-----BEGIN'::text),
            CONSTRAINT payment_methods_config_object_check CHECK (jsonb_typeof(config) = 'object'::text),
            CONSTRAINT payment_methods_config_size_check CHECK (octet_length(config::text) <= 65536),
            CONSTRAINT payment_methods_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_methods_fee_bounds_check CHECK (fee_least <= fee_most),
            CONSTRAINT payment_methods_fee_bp_check CHECK (fee_bp >= 0 AND fee_bp <= 10000),
            CONSTRAINT payment_methods_fee_fixed_check CHECK (fee_fixed >= 0 AND fee_fixed <= '1000000000000000'::bigint),
            CONSTRAINT payment_methods_fee_least_check CHECK (fee_least >= 0 AND fee_least <= '1000000000000000'::bigint),
            CONSTRAINT payment_methods_fee_most_check CHECK (fee_most >= 0 AND fee_most <= '1000000000000000'::bigint),
            CONSTRAINT payment_methods_gateway_has_plugin_check CHECK (type <> 'gateway'::payment_method_type OR plugin_id IS NOT NULL),
            CONSTRAINT payment_methods_name_not_blank_check CHECK (name ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(name) <= 200 AND name !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT payment_methods_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE payments (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            location_id bigint NOT NULL,
            customer_id bigint NOT NULL,
            invoice_id bigint,
            method_id bigint NOT NULL,
            vendor_id bigint,
            amount bigint NOT NULL,
            fee bigint NOT NULL DEFAULT 0,
            allocated bigint NOT NULL DEFAULT 0,
            status payment_status NOT NULL DEFAULT 'pending'::payment_status,
            provider text,
            external_ref text,
            paid_at timestamp with time zone,
            expires_at timestamp with time zone,
            refunded bigint NOT NULL DEFAULT 0,
            refunded_at timestamp with time zone,
            refunded_by_id bigint,
            refund_reason text,
            disputed_at timestamp with time zone,
            received_by_id bigint,
            notes text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT payments_pkey PRIMARY KEY (id),
            CONSTRAINT payments_allocated_check CHECK (allocated >= 0 AND allocated <= '1000000000000000'::bigint),
            CONSTRAINT payments_amount_check CHECK (amount >= 0 AND amount <= '1000000000000000'::bigint),
            CONSTRAINT payments_amount_positive_check CHECK (amount > 0),
            CONSTRAINT payments_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payments_disputed_at_check CHECK (disputed_at >= to_timestamp(946684800::double precision) AND disputed_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payments_expires_at_check CHECK (expires_at >= to_timestamp(946684800::double precision) AND expires_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payments_external_ref_has_provider_check CHECK (external_ref IS NULL OR provider IS NOT NULL),
            CONSTRAINT payments_external_ref_not_blank_check CHECK (external_ref ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(external_ref) <= 200 AND external_ref !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT payments_fee_check CHECK (fee >= 0 AND fee <= '1000000000000000'::bigint),
            CONSTRAINT payments_not_overspent_check CHECK (allocated <= (amount - refunded)),
            CONSTRAINT payments_notes_check CHECK (char_length(notes) <= 10000),
            CONSTRAINT payments_only_paid_is_allocated_check CHECK (allocated = 0 OR status = 'paid'::payment_status),
            CONSTRAINT payments_only_paid_is_refunded_check CHECK (refunded = 0 OR (status = ANY (ARRAY['paid'::payment_status, 'refunded'::payment_status]))),
            CONSTRAINT payments_only_what_came_is_disputed_check CHECK (disputed_at IS NULL OR (status = ANY (ARRAY['paid'::payment_status, 'review'::payment_status, 'refunded'::payment_status]))),
            CONSTRAINT payments_paid_at_check CHECK (paid_at >= to_timestamp(946684800::double precision) AND paid_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payments_paid_has_time_check CHECK ((status = ANY (ARRAY['paid'::payment_status, 'refunded'::payment_status])) = (paid_at IS NOT NULL)),
            CONSTRAINT payments_provider_form_check CHECK (char_length(provider) <= 63 AND provider ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT payments_refund_reason_not_blank_check CHECK (refund_reason ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(refund_reason) <= 500 AND refund_reason !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT payments_refunded_at_check CHECK (refunded_at >= to_timestamp(946684800::double precision) AND refunded_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payments_refunded_check CHECK (refunded >= 0 AND refunded <= '1000000000000000'::bigint),
            CONSTRAINT payments_refunded_has_time_check CHECK ((refunded > 0) = (refunded_at IS NOT NULL)),
            CONSTRAINT payments_refunded_is_whole_check CHECK ((status = 'refunded'::payment_status) = (refunded = amount)),
            CONSTRAINT payments_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql("""
        CREATE TABLE payment_allocations (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            payment_id bigint NOT NULL,
            invoice_id bigint NOT NULL,
            amount bigint NOT NULL,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT payment_allocations_pkey PRIMARY KEY (id),
            CONSTRAINT payment_allocations_amount_check CHECK (amount >= 0 AND amount <= '1000000000000000'::bigint),
            CONSTRAINT payment_allocations_amount_positive_check CHECK (amount > 0),
            CONSTRAINT payment_allocations_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE payment_events (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            provider text NOT NULL,
            event_key text NOT NULL,
            external_ref text,
            amount bigint,
            is_success boolean NOT NULL DEFAULT true,
            payload jsonb NOT NULL,
            signature_ok boolean NOT NULL DEFAULT false,
            received_at timestamp with time zone NOT NULL DEFAULT now(),
            processed_at timestamp with time zone,
            outcome payment_event_outcome,
            payment_id bigint,
            error text,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT payment_events_pkey PRIMARY KEY (id),
            CONSTRAINT payment_events_amount_check CHECK (amount >= 0 AND amount <= '1000000000000000'::bigint),
            CONSTRAINT payment_events_applied_is_signed_check CHECK (outcome <> 'applied'::payment_event_outcome OR signature_ok),
            CONSTRAINT payment_events_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_events_error_check CHECK (char_length(error) <= 10000),
            CONSTRAINT payment_events_event_key_not_blank_check CHECK (event_key ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(event_key) <= 200 AND event_key !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT payment_events_external_ref_not_blank_check CHECK (external_ref ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(external_ref) <= 200 AND external_ref !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text),
            CONSTRAINT payment_events_payload_size_check CHECK (octet_length(payload::text) <= 131072),
            CONSTRAINT payment_events_processed_at_check CHECK (processed_at >= to_timestamp(946684800::double precision) AND processed_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_events_processed_has_outcome_check CHECK ((processed_at IS NULL) = (outcome IS NULL)),
            CONSTRAINT payment_events_provider_form_check CHECK (char_length(provider) <= 63 AND provider ~ '^[a-z][a-z0-9_]*$'::text),
            CONSTRAINT payment_events_received_at_check CHECK (received_at >= to_timestamp(946684800::double precision) AND received_at <= to_timestamp('4102444799'::bigint::double precision))
        )
    """)
    migrator.sql(r"""
        CREATE TABLE payment_links (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            invoice_id bigint NOT NULL,
            token_hash bytea NOT NULL,
            amount bigint NOT NULL,
            url text,
            status payment_link_status NOT NULL DEFAULT 'open'::payment_link_status,
            expires_at timestamp with time zone NOT NULL,
            regenerated_count integer NOT NULL DEFAULT 0,
            created_at timestamp with time zone NOT NULL DEFAULT now(),
            updated_at timestamp with time zone NOT NULL DEFAULT now(),
            CONSTRAINT payment_links_pkey PRIMARY KEY (id),
            CONSTRAINT payment_links_amount_check CHECK (amount >= 0 AND amount <= '1000000000000000'::bigint),
            CONSTRAINT payment_links_amount_positive_check CHECK (amount > 0),
            CONSTRAINT payment_links_created_at_check CHECK (created_at >= to_timestamp(946684800::double precision) AND created_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_links_expires_at_check CHECK (expires_at >= to_timestamp(946684800::double precision) AND expires_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_links_regenerated_count_range_check CHECK (regenerated_count >= 0 AND regenerated_count <= 1000000),
            CONSTRAINT payment_links_token_hash_check CHECK (octet_length(token_hash) = 32),
            CONSTRAINT payment_links_updated_at_check CHECK (updated_at >= to_timestamp(946684800::double precision) AND updated_at <= to_timestamp('4102444799'::bigint::double precision)),
            CONSTRAINT payment_links_url_not_blank_check CHECK (url ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'::text AND char_length(url) <= 2000 AND url !~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]'::text)
        )
    """)
    migrator.sql("""
        ALTER TABLE payment_methods
            ADD CONSTRAINT payment_methods_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES payment_plugins(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payments
            ADD CONSTRAINT payments_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payments
            ADD CONSTRAINT payments_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES invoices(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payments
            ADD CONSTRAINT payments_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payments
            ADD CONSTRAINT payments_method_id_fkey FOREIGN KEY (method_id) REFERENCES payment_methods(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payments
            ADD CONSTRAINT payments_received_by_id_fkey FOREIGN KEY (received_by_id) REFERENCES admin_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payments
            ADD CONSTRAINT payments_refunded_by_id_fkey FOREIGN KEY (refunded_by_id) REFERENCES admin_users(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payments
            ADD CONSTRAINT payments_vendor_id_fkey FOREIGN KEY (vendor_id) REFERENCES vendors(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payment_allocations
            ADD CONSTRAINT payment_allocations_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES invoices(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payment_allocations
            ADD CONSTRAINT payment_allocations_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payment_events
            ADD CONSTRAINT payment_events_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        ALTER TABLE payment_links
            ADD CONSTRAINT payment_links_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES invoices(id) ON DELETE RESTRICT
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX payment_methods_code_key ON payment_methods USING btree (code)
    """)
    migrator.sql("""
        CREATE INDEX payment_methods_plugin_id_idx ON payment_methods USING btree (plugin_id)
    """)
    migrator.sql("""
        CREATE INDEX payments_customer_id_created_at_idx ON payments USING btree (customer_id, created_at DESC)
    """)
    migrator.sql("""
        CREATE INDEX payments_expire_idx ON payments USING btree (expires_at) WHERE status = 'pending'::payment_status
    """)
    migrator.sql("""CREATE INDEX payments_invoice_id_idx ON payments USING btree (invoice_id)""")
    migrator.sql("""
        CREATE INDEX payments_list_idx ON payments USING btree (location_id, created_at DESC, id DESC)
    """)
    migrator.sql("""CREATE INDEX payments_method_id_idx ON payments USING btree (method_id)""")
    migrator.sql("""
        CREATE UNIQUE INDEX payments_open_invoice_id_key ON payments USING btree (invoice_id) WHERE status = ANY (ARRAY['pending'::payment_status, 'processing'::payment_status])
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX payments_provider_external_ref_key ON payments USING btree (provider, external_ref) WHERE external_ref IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX payments_received_by_id_paid_at_idx ON payments USING btree (received_by_id, paid_at) WHERE received_by_id IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX payments_refunded_by_id_idx ON payments USING btree (refunded_by_id) WHERE refunded_by_id IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX payments_revenue_idx ON payments USING btree (location_id, paid_at) INCLUDE (amount, method_id, status, id) WHERE paid_at IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX payments_to_review_idx ON payments USING btree (created_at) WHERE status = 'review'::payment_status OR disputed_at IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX payments_vendor_id_paid_at_idx ON payments USING btree (vendor_id, paid_at) WHERE vendor_id IS NOT NULL
    """)
    migrator.sql("""
        CREATE INDEX payment_allocations_invoice_id_idx ON payment_allocations USING btree (invoice_id)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX payment_allocations_payment_id_invoice_id_key ON payment_allocations USING btree (payment_id, invoice_id)
    """)
    migrator.sql("""
        CREATE INDEX payment_events_forged_idx ON payment_events USING btree (provider, received_at) WHERE NOT signature_ok
    """)
    migrator.sql("""
        CREATE INDEX payment_events_payment_id_idx ON payment_events USING btree (payment_id)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX payment_events_provider_event_key_key ON payment_events USING btree (provider, event_key) WHERE signature_ok
    """)
    migrator.sql("""
        CREATE INDEX payment_events_unprocessed_idx ON payment_events USING btree (received_at) WHERE processed_at IS NULL
    """)
    migrator.sql("""
        CREATE INDEX payment_links_expire_idx ON payment_links USING btree (expires_at) WHERE status = 'open'::payment_link_status
    """)
    migrator.sql("""
        CREATE INDEX payment_links_invoice_id_idx ON payment_links USING btree (invoice_id)
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX payment_links_open_invoice_id_key ON payment_links USING btree (invoice_id) WHERE status = 'open'::payment_link_status
    """)
    migrator.sql("""
        CREATE UNIQUE INDEX payment_links_token_hash_key ON payment_links USING btree (token_hash)
    """)
    migrator.sql("""ALTER TABLE payments ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE payment_allocations ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE payment_events ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""ALTER TABLE payment_links ENABLE ROW LEVEL SECURITY""")
    migrator.sql("""
        CREATE TRIGGER invoices_paid_is_sum BEFORE INSERT OR UPDATE OF paid ON invoices
            FOR EACH ROW EXECUTE FUNCTION check_paid()
    """)
    migrator.sql("""
        CREATE TRIGGER invoices_payment_links_follow AFTER UPDATE OF status, paid ON invoices
            FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status OR old.paid IS DISTINCT FROM new.paid) EXECUTE FUNCTION follow_invoice()
    """)

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        COMMENT ON TABLE invoices IS 'A bill to a customer. Once it leaves draft, its items and totals stand.';
        COMMENT ON COLUMN invoices.id IS 'Identity.';
        COMMENT ON COLUMN invoices.location_id IS 'Branch that bills; its numbers run by month without gaps.';
        COMMENT ON COLUMN invoices.customer_id IS 'Who owes it.';
        COMMENT ON COLUMN invoices.subscription_id IS 'Subscription it bills; null for a single sale.';
        COMMENT ON COLUMN invoices.number IS 'The number printed on it, such as INV/MAIN/2026/11/0001; a draft has none. Filled by the database.';
        COMMENT ON COLUMN invoices.number_month IS 'First day of the month in which it is numbered, by the branch''s time zone.';
        COMMENT ON COLUMN invoices.number_seq IS '1, 2, 3 … in the branch and month, without gaps.';
        COMMENT ON COLUMN invoices.foreign_number IS 'Number in another system, where it was billed or sent to a provider before.';
        COMMENT ON COLUMN invoices.period IS 'Days that it bills; a subscription''s day is billed once.';
        COMMENT ON COLUMN invoices.status IS 'Where it is.';
        COMMENT ON COLUMN invoices.subtotal IS 'Rupiah: the sum of the items'' amounts.';
        COMMENT ON COLUMN invoices.discount IS 'Rupiah taken off the subtotal before tax: the sum of the items'' shares.';
        COMMENT ON COLUMN invoices.tax IS 'Rupiah: the sum of the items'' taxes.';
        COMMENT ON COLUMN invoices.total IS 'Rupiah to pay.';
        COMMENT ON COLUMN invoices.paid IS 'Rupiah allocated to it so far; kept by the database.';
        COMMENT ON COLUMN invoices.issued_at IS 'When it left draft.';
        COMMENT ON COLUMN invoices.due_on IS 'Last day to pay without being late.';
        COMMENT ON COLUMN invoices.paid_at IS 'When the last rupiah of it came in; kept by the database.';
        COMMENT ON COLUMN invoices.notes IS 'Free text, printed on it.';
        COMMENT ON COLUMN invoices.created_at IS 'When the row was made.';
        COMMENT ON COLUMN invoices.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT DELETE, SELECT, INSERT (location_id, customer_id, subscription_id, foreign_number, period, status, subtotal, discount, tax, total, paid, due_on, notes), UPDATE (subscription_id, foreign_number, period, status, subtotal, discount, tax, total, due_on, paid_at, notes) ON TABLE invoices TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE invoices TO ' || grantee;
    END IF;
END
$$
""")

    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE TRIGGER payment_methods_type_is_fixed BEFORE UPDATE OF type ON payment_methods
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('type')
    """)
    migrator.sql("""
        CREATE TRIGGER payment_methods_updated_at BEFORE UPDATE ON payment_methods
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER payments_allocated_is_sum BEFORE INSERT OR UPDATE OF allocated ON payments
            FOR EACH ROW EXECUTE FUNCTION check_allocated()
    """)
    migrator.sql("""
        CREATE TRIGGER payments_branch_of_customer BEFORE INSERT ON payments
            FOR EACH ROW EXECUTE FUNCTION match_branch_of_customer()
    """)
    migrator.sql("""
        CREATE TRIGGER payments_customer_of_invoice BEFORE INSERT OR UPDATE OF invoice_id ON payments
            FOR EACH ROW EXECUTE FUNCTION match_customer_of_invoice()
    """)
    migrator.sql("""
        CREATE TRIGGER payments_is_possible BEFORE INSERT OR UPDATE OF vendor_id, paid_at, status ON payments
            FOR EACH ROW EXECUTE FUNCTION check_payment()
    """)
    migrator.sql("""
        CREATE TRIGGER payments_not_truncated BEFORE TRUNCATE ON payments
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('payments that were made are kept')
    """)
    migrator.sql("""
        CREATE TRIGGER payments_owner_is_fixed BEFORE UPDATE ON payments
            FOR EACH ROW WHEN (old.customer_id IS DISTINCT FROM new.customer_id OR old.location_id IS DISTINCT FROM new.location_id) EXECUTE FUNCTION refuse_change('customer and branch stay; cancel it and make another')
    """)
    migrator.sql("""
        CREATE TRIGGER payments_post AFTER INSERT OR UPDATE OF status, refunded ON payments
            FOR EACH ROW EXECUTE FUNCTION post_payment()
    """)
    migrator.sql("""
        CREATE TRIGGER payments_refund_is_complete BEFORE INSERT OR UPDATE OF status, refunded, refunded_at, refunded_by_id, refund_reason ON payments
            FOR EACH ROW EXECUTE FUNCTION complete_refund()
    """)
    migrator.sql("""
        CREATE TRIGGER payments_settled_is_frozen BEFORE UPDATE ON payments
            FOR EACH ROW WHEN ((old.status = ANY (ARRAY['paid'::payment_status, 'refunded'::payment_status])) AND (old.id IS DISTINCT FROM new.id OR old.invoice_id IS DISTINCT FROM new.invoice_id OR old.method_id IS DISTINCT FROM new.method_id OR old.vendor_id IS DISTINCT FROM new.vendor_id OR old.amount IS DISTINCT FROM new.amount OR old.fee IS DISTINCT FROM new.fee OR old.provider IS DISTINCT FROM new.provider OR old.external_ref IS DISTINCT FROM new.external_ref OR old.paid_at IS DISTINCT FROM new.paid_at OR old.received_by_id IS DISTINCT FROM new.received_by_id)) EXECUTE FUNCTION refuse_change('a payment that was made stands; refund it')
    """)
    migrator.sql("""
        CREATE TRIGGER payments_settled_is_kept BEFORE DELETE ON payments
            FOR EACH ROW WHEN (old.status = ANY (ARRAY['paid'::payment_status, 'refunded'::payment_status, 'review'::payment_status])) EXECUTE FUNCTION refuse_change('money came in; refund it')
    """)
    migrator.sql("""
        CREATE TRIGGER payments_status_move BEFORE INSERT OR UPDATE OF status ON payments
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>pending', '>processing', '>paid', '>review', 'pending>processing', 'pending>paid', 'pending>failed', 'pending>cancelled', 'pending>expired', 'pending>review', 'processing>paid', 'processing>failed', 'processing>cancelled', 'processing>expired', 'processing>review', 'failed>review', 'cancelled>review', 'expired>review', 'review>paid', 'review>cancelled', 'review>refunded', 'paid>refunded')
    """)
    migrator.sql("""
        CREATE TRIGGER payments_updated_at BEFORE UPDATE ON payments
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER payment_allocations_keep_sums AFTER INSERT OR DELETE ON payment_allocations
            FOR EACH ROW EXECUTE FUNCTION keep_allocated()
    """)
    migrator.sql("""
        CREATE TRIGGER payment_allocations_not_changed BEFORE UPDATE OR TRUNCATE ON payment_allocations
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('delete the allocation and make another')
    """)
    migrator.sql("""
        CREATE TRIGGER payment_allocations_post AFTER INSERT OR DELETE ON payment_allocations
            FOR EACH ROW EXECUTE FUNCTION post_allocation()
    """)
    migrator.sql("""
        CREATE TRIGGER payment_allocations_same_customer BEFORE INSERT OR DELETE ON payment_allocations
            FOR EACH ROW EXECUTE FUNCTION lock_allocation()
    """)
    migrator.sql("""
        CREATE TRIGGER payment_events_kept_as_came BEFORE UPDATE ON payment_events
            FOR EACH ROW WHEN (old.processed_at IS NOT NULL OR old.provider IS DISTINCT FROM new.provider OR old.event_key IS DISTINCT FROM new.event_key OR old.external_ref IS DISTINCT FROM new.external_ref OR old.amount IS DISTINCT FROM new.amount OR old.is_success IS DISTINCT FROM new.is_success OR old.payload IS DISTINCT FROM new.payload OR old.signature_ok IS DISTINCT FROM new.signature_ok OR old.received_at IS DISTINCT FROM new.received_at) EXECUTE FUNCTION refuse_change('an event is kept as it came, and processed once')
    """)
    migrator.sql("""
        CREATE TRIGGER payment_events_not_truncated BEFORE TRUNCATE ON payment_events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the keys of signed events must stay taken')
    """)
    migrator.sql("""
        CREATE TRIGGER payment_events_signed_is_kept BEFORE DELETE ON payment_events
            FOR EACH ROW WHEN (old.signature_ok) EXECUTE FUNCTION refuse_change('its key must stay taken')
    """)
    migrator.sql("""
        CREATE TRIGGER payment_links_invoice_is_fixed BEFORE UPDATE OF invoice_id ON payment_links
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns('invoice_id')
    """)
    migrator.sql("""
        CREATE TRIGGER payment_links_is_owed BEFORE INSERT OR UPDATE OF status, amount ON payment_links
            FOR EACH ROW EXECUTE FUNCTION check_payment_link()
    """)
    migrator.sql("""
        CREATE TRIGGER payment_links_status_move BEFORE INSERT OR UPDATE OF status ON payment_links
            FOR EACH ROW EXECUTE FUNCTION refuse_status_move('status', '>open', 'open>paid', 'open>expired', 'open>revoked')
    """)
    migrator.sql("""
        CREATE TRIGGER payment_links_updated_at BEFORE UPDATE ON payment_links
            FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()
    """)
    migrator.sql("""
        CREATE TRIGGER transaction_logs_matches_payment AFTER INSERT ON transaction_logs
            FOR EACH ROW WHEN ((new.reference_type = ANY (ARRAY['payment'::text, 'payment_allocation'::text])) OR new.reverses_id IS NOT NULL) EXECUTE FUNCTION check_payment_posting()
    """)

    # ── customers ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        COMMENT ON TABLE transaction_logs IS 'An entry of the customer ledger: append-only, and chained without gaps per customer.';
        COMMENT ON COLUMN transaction_logs.id IS 'Identity.';
        COMMENT ON COLUMN transaction_logs.customer_id IS 'Whose balance it is.';
        COMMENT ON COLUMN transaction_logs.seq IS '1, 2, 3 … per customer; filled by the database.';
        COMMENT ON COLUMN transaction_logs.entry_type IS 'What made the entry.';
        COMMENT ON COLUMN transaction_logs.amount IS 'Rupiah; above zero in the customer''s favour, below zero against.';
        COMMENT ON COLUMN transaction_logs.balance_before IS 'Balance before the entry, rupiah; filled by the database.';
        COMMENT ON COLUMN transaction_logs.balance_after IS 'Balance after the entry, rupiah; filled by the database.';
        COMMENT ON COLUMN transaction_logs.reference_type IS 'Kind of the business event, such as payment or invoice.';
        COMMENT ON COLUMN transaction_logs.reference_id IS 'Identity of the business event; posted once per entry type, but for refunds and credits.';
        COMMENT ON COLUMN transaction_logs.reverses_id IS 'The entry that this one takes back; an entry is taken back once.';
        COMMENT ON COLUMN transaction_logs.description IS 'What the customer reads on the statement.';
        COMMENT ON COLUMN transaction_logs.created_by_id IS 'Who posted it; null means the system.';
        COMMENT ON COLUMN transaction_logs.created_at IS 'When the row was made.'
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE transaction_logs TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE transaction_logs TO ' || grantee;
    END IF;
END
$$
""")

    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
        CREATE POLICY payments_branch ON payments USING (location_id = ANY ((( SELECT acting_branches() AS acting_branches))::bigint[]))
    """)
    migrator.sql("""
        CREATE POLICY payment_allocations_branch ON payment_allocations USING (( SELECT true
           FROM payments
          WHERE payments.id = payment_allocations.payment_id))
    """)
    migrator.sql("""
        CREATE POLICY payment_events_branch ON payment_events USING (payment_id IS NULL OR ( SELECT true
           FROM payments
          WHERE payments.id = payment_events.payment_id))
    """)
    migrator.sql("""
        CREATE POLICY payment_links_branch ON payment_links USING (( SELECT true
           FROM invoices
          WHERE invoices.id = payment_links.invoice_id))
    """)
    migrator.sql("""
        COMMENT ON TABLE payment_methods IS 'A way of paying that a customer or a cashier may choose.';
        COMMENT ON COLUMN payment_methods.id IS 'Identity.';
        COMMENT ON COLUMN payment_methods.code IS 'Name by which the code refers to it.';
        COMMENT ON COLUMN payment_methods.name IS 'Name that the customer sees.';
        COMMENT ON COLUMN payment_methods.type IS 'Who moves the money.';
        COMMENT ON COLUMN payment_methods.plugin_id IS 'Plugin that carries it out; a gateway has one.';
        COMMENT ON COLUMN payment_methods.fee_bp IS 'Fee in basis points of the amount; 250: 2.5 %%.';
        COMMENT ON COLUMN payment_methods.fee_fixed IS 'Fee in rupiah for each payment, besides fee_bp.';
        COMMENT ON COLUMN payment_methods.fee_least IS 'Smallest fee in rupiah; null: none.';
        COMMENT ON COLUMN payment_methods.fee_most IS 'Largest fee in rupiah; null: none.';
        COMMENT ON COLUMN payment_methods.config IS 'What to show or send, such as the bank account; secrets belong to the plugin.';
        COMMENT ON COLUMN payment_methods.is_active IS 'Whether it is offered.';
        COMMENT ON COLUMN payment_methods.created_at IS 'When the row was made.';
        COMMENT ON COLUMN payment_methods.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE payments IS 'An attempt to pay, which may have succeeded.';
        COMMENT ON COLUMN payments.id IS 'Identity.';
        COMMENT ON COLUMN payments.location_id IS 'Branch whose revenue it is.';
        COMMENT ON COLUMN payments.customer_id IS 'Who pays.';
        COMMENT ON COLUMN payments.invoice_id IS 'Invoice it was made for; null for a top-up or a payment on account.';
        COMMENT ON COLUMN payments.method_id IS 'How it is paid.';
        COMMENT ON COLUMN payments.vendor_id IS 'Reseller who took the money.';
        COMMENT ON COLUMN payments.amount IS 'Rupiah to pay, without the fee.';
        COMMENT ON COLUMN payments.fee IS 'Rupiah of fee, by the method''s rates at that time.';
        COMMENT ON COLUMN payments.allocated IS 'Rupiah of the amount allocated to invoices; kept by the database.';
        COMMENT ON COLUMN payments.status IS 'Where it is.';
        COMMENT ON COLUMN payments.provider IS 'Name of the plugin through which it went; null for manual ones.';
        COMMENT ON COLUMN payments.external_ref IS 'The provider''s own reference, to which its callbacks refer.';
        COMMENT ON COLUMN payments.paid_at IS 'When the money came in.';
        COMMENT ON COLUMN payments.expires_at IS 'When a pending payment lapses.';
        COMMENT ON COLUMN payments.refunded IS 'Rupiah of the amount given back so far.';
        COMMENT ON COLUMN payments.refunded_at IS 'When rupiah were last given back; filled by the database.';
        COMMENT ON COLUMN payments.refunded_by_id IS 'Who gave back last; null means the system.';
        COMMENT ON COLUMN payments.refund_reason IS 'Why it was last given back, as the ledger says, too.';
        COMMENT ON COLUMN payments.disputed_at IS 'When the provider took the money back; a person has to decide.';
        COMMENT ON COLUMN payments.received_by_id IS 'Who took the money at the counter.';
        COMMENT ON COLUMN payments.notes IS 'Free text, for the staff.';
        COMMENT ON COLUMN payments.created_at IS 'When the row was made.';
        COMMENT ON COLUMN payments.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        COMMENT ON TABLE payment_allocations IS 'The part of a payment that settles an invoice, or part of it; deleted to take it back.';
        COMMENT ON COLUMN payment_allocations.id IS 'Identity.';
        COMMENT ON COLUMN payment_allocations.payment_id IS 'Payment the money comes from.';
        COMMENT ON COLUMN payment_allocations.invoice_id IS 'Invoice the money goes to.';
        COMMENT ON COLUMN payment_allocations.amount IS 'Rupiah of the payment that go to the invoice.';
        COMMENT ON COLUMN payment_allocations.created_at IS 'When the row was made.'
    """)
    migrator.sql("""
        COMMENT ON TABLE payment_events IS 'A callback from a provider, kept as it came; only its processing is written later.';
        COMMENT ON COLUMN payment_events.id IS 'Identity.';
        COMMENT ON COLUMN payment_events.provider IS 'Name of the plugin whose provider sent it.';
        COMMENT ON COLUMN payment_events.event_key IS 'What makes the event one of its kind: its id, or reference and status.';
        COMMENT ON COLUMN payment_events.external_ref IS 'The payment that it names, if it names one.';
        COMMENT ON COLUMN payment_events.amount IS 'Rupiah that came in, without the provider''s fee.';
        COMMENT ON COLUMN payment_events.is_success IS 'Whether it says that money came in.';
        COMMENT ON COLUMN payment_events.payload IS 'What was sent, as far as JSON can hold it; 128 kB at the most.';
        COMMENT ON COLUMN payment_events.signature_ok IS 'Whether its signature was right.';
        COMMENT ON COLUMN payment_events.received_at IS 'When it came.';
        COMMENT ON COLUMN payment_events.processed_at IS 'When it was dealt with; null: not yet.';
        COMMENT ON COLUMN payment_events.outcome IS 'What became of it.';
        COMMENT ON COLUMN payment_events.payment_id IS 'Payment it is about, once found.';
        COMMENT ON COLUMN payment_events.error IS 'Why it was not applied.';
        COMMENT ON COLUMN payment_events.created_at IS 'When the row was made.'
    """)
    migrator.sql("""
        COMMENT ON TABLE payment_links IS 'A link by which whoever holds it may pay an invoice; one per invoice is open.';
        COMMENT ON COLUMN payment_links.id IS 'Identity.';
        COMMENT ON COLUMN payment_links.invoice_id IS 'Invoice it leads to.';
        COMMENT ON COLUMN payment_links.token_hash IS 'The sha256 of the token in the link.';
        COMMENT ON COLUMN payment_links.amount IS 'Rupiah to pay: what the invoice still owes, as long as the link is open.';
        COMMENT ON COLUMN payment_links.url IS 'The gateway''s page to pay on, for just that amount; never the link with its token. Emptied by the database when the amount changes.';
        COMMENT ON COLUMN payment_links.status IS 'Whether it still leads to a payment.';
        COMMENT ON COLUMN payment_links.expires_at IS 'When it stops working.';
        COMMENT ON COLUMN payment_links.regenerated_count IS 'How often its token was replaced.';
        COMMENT ON COLUMN payment_links.created_at IS 'When the row was made.';
        COMMENT ON COLUMN payment_links.updated_at IS 'When the row last really changed.'
    """)
    migrator.sql("""
        REVOKE EXECUTE ON ROUTINE check_payment_link() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE follow_invoice() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE keep_allocated() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE lock_allocation() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE post_allocation() FROM PUBLIC;
        REVOKE EXECUTE ON ROUTINE post_payment() FROM PUBLIC
    """)
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT DELETE, SELECT, INSERT (payment_id, invoice_id, amount) ON TABLE payment_allocations TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (provider, event_key, external_ref, amount, is_success, payload, signature_ok), UPDATE (processed_at, outcome, payment_id, error) ON TABLE payment_events TO ' || grantee;
        EXECUTE 'GRANT SELECT, INSERT (invoice_id, token_hash, amount, url, status, expires_at, regenerated_count), UPDATE (token_hash, url, status, expires_at, regenerated_count) ON TABLE payment_links TO ' || grantee;
        EXECUTE 'GRANT DELETE, SELECT, INSERT (code, name, type, plugin_id, fee_bp, fee_fixed, fee_least, fee_most, config, is_active), UPDATE (code, name, type, plugin_id, fee_bp, fee_fixed, fee_least, fee_most, config, is_active) ON TABLE payment_methods TO ' || grantee;
        EXECUTE 'GRANT SELECT, INSERT (location_id, customer_id, invoice_id, method_id, vendor_id, amount, fee, allocated, status, provider, external_ref, paid_at, expires_at, refunded, received_by_id, notes), UPDATE (amount, status, external_ref, paid_at, expires_at, refunded, refunded_by_id, refund_reason, disputed_at, notes) ON TABLE payments TO ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON TABLE payment_allocations TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, provider, event_key, external_ref, amount, is_success, signature_ok, received_at, processed_at, outcome, payment_id, error, created_at) ON TABLE payment_events TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, invoice_id, amount, status, expires_at, regenerated_count, created_at, updated_at) ON TABLE payment_links TO ' || grantee;
        EXECUTE 'GRANT SELECT (id, code, name, type, plugin_id, fee_bp, fee_fixed, fee_least, fee_most, is_active, created_at, updated_at) ON TABLE payment_methods TO ' || grantee;
        EXECUTE 'GRANT SELECT ON TABLE payments TO ' || grantee;
    END IF;
END
$$
""")


def rollback(migrator, database, *, fake=False):
    # ── <kernel> ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'app');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'REVOKE USAGE ON SCHEMA ' || quote_ident(current_schema()) || ' FROM ' || grantee;
    END IF;
END
$$
""")
    migrator.sql("""
DO $$
DECLARE
    grantee text := quote_ident(nullif(current_setting('engine.roles', true), '')::json ->> 'report');
BEGIN
    IF grantee IS NOT NULL THEN
        EXECUTE 'REVOKE USAGE ON SCHEMA ' || quote_ident(current_schema()) || ' FROM ' || grantee;
    END IF;
END
$$
""")

    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE payment_links""")
    migrator.sql("""DROP TABLE payment_events""")
    migrator.sql("""DROP TABLE payment_allocations""")
    migrator.sql("""DROP TABLE payments""")
    migrator.sql("""DROP TABLE payment_methods""")
    migrator.sql("""DROP FUNCTION check_allocated()""")
    migrator.sql("""DROP FUNCTION check_payment()""")
    migrator.sql("""DROP FUNCTION check_payment_link()""")
    migrator.sql("""DROP FUNCTION complete_refund()""")
    migrator.sql("""DROP FUNCTION keep_allocated()""")
    migrator.sql("""DROP FUNCTION lock_allocation()""")
    migrator.sql("""DROP FUNCTION match_customer_of_invoice()""")
    migrator.sql("""DROP FUNCTION post_allocation()""")
    migrator.sql("""DROP FUNCTION post_payment()""")
    migrator.sql("""DROP TYPE payment_event_outcome""")
    migrator.sql("""DROP TYPE payment_link_status""")
    migrator.sql("""DROP TYPE payment_method_type""")
    migrator.sql("""DROP TYPE payment_status""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE invoice_items""")
    migrator.sql("""DROP TABLE invoices""")

    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION check_paid()""")
    migrator.sql("""DROP FUNCTION follow_invoice()""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE subscriptions""")
    migrator.sql("""DROP FUNCTION check_invoice_sums()""")
    migrator.sql("""DROP FUNCTION check_subscription()""")
    migrator.sql("""DROP FUNCTION keep_issued_items()""")
    migrator.sql("""DROP FUNCTION match_customer_of_subscription()""")
    migrator.sql("""DROP FUNCTION number_invoice()""")
    migrator.sql("""DROP FUNCTION take_credits_back()""")
    migrator.sql("""DROP TYPE invoice_item_kind""")
    migrator.sql("""DROP TYPE invoice_status""")
    migrator.sql("""DROP TYPE subscription_cycle""")
    migrator.sql("""DROP TYPE subscription_status""")
    migrator.sql("""
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'btree_gist' AND n.nspname = current_schema()
    ) AND NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'migratehistory' AND n.nspname <> current_schema()
    ) THEN
        DROP EXTENSION btree_gist;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'extension btree_gist is kept: %%', SQLERRM;
END
$$
""")

    # ── whatsapp ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE whatsapp_messages""")
    migrator.sql("""DROP TABLE whatsapp_templates""")
    migrator.sql("""DROP TABLE whatsapp_sessions""")
    migrator.sql("""DROP FUNCTION refuse_undeclared_placeholder()""")
    migrator.sql("""DROP TYPE whatsapp_message_direction""")
    migrator.sql("""DROP TYPE whatsapp_message_status""")
    migrator.sql("""DROP TYPE whatsapp_session_status""")
    migrator.sql("""DROP TYPE whatsapp_template_category""")
    migrator.sql("""DROP TYPE whatsapp_template_service""")

    # ── notifications ───────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE notification_queue""")
    migrator.sql("""DROP FUNCTION keep_notification_claim()""")
    migrator.sql("""DROP TYPE notification_queue_channel""")
    migrator.sql("""DROP TYPE notification_queue_status""")

    # ── mikrotik ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE vouchers""")
    migrator.sql("""DROP TABLE voucher_batches""")
    migrator.sql("""DROP TABLE vendors""")
    migrator.sql("""DROP TABLE pppoe_users""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION keep_subscribed_line()""")

    # ── mikrotik ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE routers""")
    migrator.sql("""DROP TABLE profiles""")
    migrator.sql("""DROP FUNCTION find_pppoe_user(bigint, text)""")
    migrator.sql("""DROP FUNCTION refuse_batch_of_another_branch()""")
    migrator.sql("""DROP FUNCTION refuse_pppoe_user_of_another_branch()""")
    migrator.sql("""DROP FUNCTION refuse_second_use()""")
    migrator.sql("""DROP FUNCTION refuse_voucher_unlike_its_batch()""")
    migrator.sql("""
        DROP FUNCTION service_end(timestamp with time zone, integer, profile_duration_unit, text)
    """)
    migrator.sql("""DROP TYPE pppoe_user_status""")
    migrator.sql("""DROP TYPE profile_duration_unit""")
    migrator.sql("""DROP TYPE router_status""")
    migrator.sql("""DROP TYPE service_type""")
    migrator.sql("""DROP TYPE sync_state""")
    migrator.sql("""DROP TYPE voucher_status""")

    # ── backups ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE backups""")
    migrator.sql("""DROP TABLE backup_schedules""")
    migrator.sql("""DROP TYPE backup_kind""")
    migrator.sql("""DROP TYPE backup_schedule_frequency""")
    migrator.sql("""DROP TYPE backup_status""")

    # ── system ──────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE settings""")
    migrator.sql("""DROP TABLE activity_logs""")
    migrator.sql("""DROP FUNCTION forget_activities(bigint)""")
    migrator.sql("""
        DROP FUNCTION record_activity(bigint, text, bigint, text, text, bigint, jsonb, inet)
    """)
    migrator.sql("""DROP FUNCTION stamp_activity()""")
    migrator.sql("""DROP TYPE setting_type""")

    # ── customers ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE transaction_logs""")

    # ── payments ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION check_payment_posting()""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION check_invoice_credit()""")

    # ── customers ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE customers""")

    # ── billing ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION keep_subscriber()""")

    # ── customers ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION chain_entry()""")
    migrator.sql("""DROP FUNCTION check_balance()""")
    migrator.sql("""DROP FUNCTION check_reversal()""")
    migrator.sql("""DROP FUNCTION find_customers(text, bigint)""")
    migrator.sql("""DROP FUNCTION match_branch_of_customer()""")
    migrator.sql("""
        DROP FUNCTION post_entry(bigint, transaction_log_entry_type, bigint, text, text, bigint, bigint, bigint)
    """)
    migrator.sql("""DROP FUNCTION write_balance()""")
    migrator.sql("""DROP TYPE customer_status""")
    migrator.sql("""DROP TYPE transaction_log_entry_type""")
    migrator.sql("""
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm' AND n.nspname = current_schema()
    ) AND NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'migratehistory' AND n.nspname <> current_schema()
    ) THEN
        DROP EXTENSION pg_trgm;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'extension pg_trgm is kept: %%', SQLERRM;
END
$$
""")

    # ── plugins ─────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE plugin_error_logs""")
    migrator.sql("""DROP TABLE plugin_configurations""")
    migrator.sql("""DROP TABLE payment_plugins""")

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE location_users""")
    migrator.sql("""DROP TABLE locations""")
    migrator.sql("""DROP FUNCTION acting_branches()""")
    migrator.sql("""DROP FUNCTION begin_acting(bigint, text)""")
    migrator.sql("""DROP FUNCTION every_branch()""")
    migrator.sql("""DROP FUNCTION keep_default_location()""")

    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP TABLE user_sessions""")
    migrator.sql("""DROP TABLE admin_users""")
    migrator.sql("""DROP TABLE roles""")

    # ── locations ───────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION keep_staff()""")

    # ── auth ────────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION end_sessions()""")
    migrator.sql("""DROP FUNCTION keep_a_super_admin()""")
    migrator.sql("""DROP FUNCTION keep_permissions()""")
    migrator.sql("""DROP FUNCTION notice_seeded_password()""")
    migrator.sql("""DROP FUNCTION refuse_change_of_system_role()""")

    # ── <kernel> ────────────────────────────────────────────────────────────────────────────────

    migrator.sql("""DROP FUNCTION refuse_change()""")
    migrator.sql("""DROP FUNCTION refuse_change_of_fixed_columns()""")
    migrator.sql("""DROP FUNCTION refuse_status_move()""")
    migrator.sql("""DROP FUNCTION set_updated_at()""")
    migrator.sql("""
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'uuid-ossp' AND n.nspname = current_schema()
    ) AND NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'migratehistory' AND n.nspname <> current_schema()
    ) THEN
        DROP EXTENSION "uuid-ossp";
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'extension uuid-ossp is kept: %%', SQLERRM;
END
$$
""")
