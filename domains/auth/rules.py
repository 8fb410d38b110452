"""What the database refuses by itself."""

from domains import AS_OWNER, BY_THE_OWNER, touch
from domains.auth.seeds import ADMIN_PASSWORD_HASH

# Writing the role makes two who lay down the office at once follow each other, and gives the one
# whose snapshot is older (REPEATABLE READ) a serialization failure. Only the owner of the table may
# empty it, as undoing the first migrations does: whoever else could, would make an admin user anew.
LAST_SUPER_ADMIN = f"""
CREATE FUNCTION keep_a_super_admin() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    {touch("roles", "(SELECT id FROM roles WHERE code = 'super_admin')")}
    IF EXISTS (
        SELECT FROM admin_users a JOIN roles r ON r.id = a.role_id
        WHERE r.code = 'super_admin' AND a.is_active
    ) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM admin_users) OR NOT {BY_THE_OWNER} THEN
        RAISE EXCEPTION 'no active super admin would be left; make another one first'
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""

LAST_SUPER_ADMIN_STAYS = """
CREATE CONSTRAINT TRIGGER admin_users_last_super_admin_stays
AFTER DELETE OR UPDATE OF is_active, role_id ON admin_users
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_a_super_admin()
"""

# Migrations, which the owner runs, take permissions away together with the domain that has them.
SUPER_ADMIN_KEEPS_PERMISSIONS = f"""
CREATE FUNCTION keep_permissions() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    IF NOT {BY_THE_OWNER} THEN
        RAISE EXCEPTION 'the role % keeps its permissions', OLD.code
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""
PERMISSIONS_STAY = """
CREATE TRIGGER roles_super_admin_keeps_permissions BEFORE UPDATE OF permissions ON roles
FOR EACH ROW WHEN (OLD.code = 'super_admin' AND NOT NEW.permissions @> OLD.permissions)
EXECUTE FUNCTION keep_permissions()
"""

SYSTEM_ROLE = f"""
CREATE FUNCTION refuse_change_of_system_role() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.code = OLD.code AND NEW.is_system THEN
            RETURN NEW;
        END IF;
    ELSIF NOT EXISTS (SELECT FROM admin_users) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the role % comes with the system: it keeps its code and is not deleted',
            OLD.code
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$
"""

SYSTEM_ROLE_STAYS = """
CREATE TRIGGER roles_system_role_stays
BEFORE DELETE OR UPDATE OF code, is_system ON roles
FOR EACH ROW WHEN (OLD.is_system) EXECUTE FUNCTION refuse_change_of_system_role()
"""

# Or whoever is activated again has the sessions of before, with tokens that others may hold by now.
# Also of those that have expired: a clock that was ahead, and is put back, would let them go on.
END_SESSIONS = f"""
CREATE FUNCTION end_sessions() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    UPDATE user_sessions SET revoked_at = now()
    WHERE admin_user_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END
$$
"""

DEACTIVATION_ENDS_SESSIONS = """
CREATE TRIGGER admin_users_deactivation_ends_sessions AFTER UPDATE OF is_active ON admin_users
FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION end_sessions()
"""

SEEDED_PASSWORD = f"""
SELECT format('the user %1$s still has the documented password; choose another one with: '
              'invoke admin.password %1$s', username)
FROM admin_users WHERE password_hash = '{ADMIN_PASSWORD_HASH}' AND is_active
"""
