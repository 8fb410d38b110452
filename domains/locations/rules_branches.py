"""For which branches a transaction acts, and how the database knows that nobody made that up.

`begin_acting` is called once a transaction, and writes the branches into a setting that ends with
it. The policies of all tables with a branch ask `acting_branches` for them. Anybody may write a
setting, so both sides sign: the application by a key that the owner has put into a table that
nobody else reads, over what the server told it of this transaction; and `begin_acting` what it has
written. A statement that somebody has slipped into one of the application's knows no key.

Without a key in the table branches are off: who does not act sees all rows, and who says that it
acts is believed.
"""

from __future__ import annotations

from domains import AS_OWNER

# Who may call this reads all branches without acting for them: a role for reports.
EVERY_BRANCH = f"""
CREATE FUNCTION every_branch() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE {AS_OWNER} AS $$
    SELECT ARRAY(SELECT id FROM locations)
$$
"""
# The table is there where branches were ever on. Its schema is named where it is looked for, as
# a temporary table of that name is somebody else's.
READ_KEY = """
    IF to_regclass(quote_ident(current_schema()) || '.migratekeys') IS NOT NULL THEN
        SELECT value INTO key FROM migratekeys WHERE name = 'branches';
    END IF;"""


def _signed(said: str) -> str:
    """SQL for the signature of a text (SQL), null without a key. Hashed twice, as the hash of a key
    and a text alone can be gone on with by who knows no more than it."""
    return (
        "encode(sha256(convert_to(key, 'UTF8') || sha256(convert_to(key ||\n"
        f"        {said}, 'UTF8'))), 'hex')"
    )


# What is written into the setting: branches as an array, or * for all, with their signature. The
# moment in which the transaction began is what that is good for: no other transaction of this
# session has the same, and a parallel worker is told it. And it is good for the schema of the
# function: tenants have branches of the same numbers, and one application has one key.
WRITTEN = _signed(
    "format('acting %s %s %s', current_schema(), extract(epoch FROM now()), branches)"
)
PROOF = _signed(
    "format('act %s %s %s %s', current_schema(), pg_backend_pid(),\n"
    "            extract(epoch FROM now()), whose)"
)

# Whether whoever asks needs not act: who may call every_branch, as its owner and a superuser may.
SEES_ALL = """has_function_privilege(
            coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
            'every_branch()', 'EXECUTE')"""

# Null where the transaction acts for none. In one function, and not in several small ones, as each
# call of one that has settings of its own takes 10 microseconds, and every query asks. Everybody
# may call it, or a role that was given a table by hand could not be told that there are no rows.
ACTING_BRANCHES = f"""
CREATE FUNCTION acting_branches() RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE {AS_OWNER} AS $$
-- lint: ignore open-definer it tells the caller for what the caller acts, and nothing else
DECLARE
    acting text := current_setting('billing.acting', true);
    branches text := split_part(acting, '|', 1);
    key text;
BEGIN{READ_KEY}
    IF coalesce(branches, '') = '' THEN
        IF key IS NOT NULL AND NOT {SEES_ALL}
        THEN
            RETURN NULL;
        END IF;
        branches := '*';
    ELSIF {WRITTEN} <> split_part(acting, '|', 2)
    THEN
        RETURN NULL;
    END IF;
    IF branches = '*' THEN
        RETURN ARRAY(SELECT id FROM locations);
    END IF;
    RETURN branches::bigint[];
END
$$
"""
# The branches of a session are those in which its user has any permission, as can() has it. A
# session of null is the application's own work, in every branch, also one that it makes meanwhile.
# The owner, as who backups are made, needs no key for that.
BEGIN_ACTING = f"""
CREATE FUNCTION begin_acting(session bigint, proof text) RETURNS text
LANGUAGE plpgsql {AS_OWNER} AS $$
DECLARE
    whose text := coalesce(session::text, '*');
    branches text := '*';
    key text;
BEGIN{READ_KEY}
    IF key IS NOT NULL AND proof IS DISTINCT FROM {PROOF}
        AND NOT {SEES_ALL}
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
            WHERE r.permissions <> '{{}}' ORDER BY l.id)
        INTO branches
        FROM user_sessions s JOIN admin_users a ON a.id = s.admin_user_id
        WHERE s.id = session AND a.is_active AND s.revoked_at IS NULL AND s.expires_at > now();
        IF branches IS NULL THEN
            RAISE EXCEPTION 'the session % has ended', session
                USING ERRCODE = 'invalid_authorization_specification';
        END IF;
    END IF;
    PERFORM set_config('billing.acting', branches || '|' || coalesce({WRITTEN}, ''), true);
    RETURN branches;
END
$$
"""

# Who could write these rows would be let into another branch by them, in the next transaction: by a
# role of their own with permissions, as somebody else, or by a session of somebody else's.
KEEP_STAFF = f"""
CREATE FUNCTION keep_staff() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    IF (acting_branches() @> ARRAY(SELECT id FROM locations)) IS NOT TRUE THEN
        RAISE EXCEPTION '%: who acts for all branches alone may do this', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Log-in does so in a block of database.acting_for_all("log-in").';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$
"""
STAFF_IS_KEPT = (
    """
CREATE TRIGGER roles_added_by_all_branches BEFORE INSERT OR DELETE ON roles
FOR EACH ROW EXECUTE FUNCTION keep_staff()
""",
    """
CREATE TRIGGER roles_widened_by_all_branches BEFORE UPDATE ON roles
FOR EACH ROW WHEN (NOT OLD.permissions @> NEW.permissions) EXECUTE FUNCTION keep_staff()
""",
    """
CREATE TRIGGER admin_users_added_by_all_branches BEFORE INSERT ON admin_users
FOR EACH ROW EXECUTE FUNCTION keep_staff()
""",
    """
CREATE TRIGGER admin_users_changed_by_all_branches BEFORE UPDATE ON admin_users
FOR EACH ROW WHEN ((OLD.id, OLD.username, OLD.email, OLD.password_hash, OLD.role_id, OLD.is_active)
    IS DISTINCT FROM
    (NEW.id, NEW.username, NEW.email, NEW.password_hash, NEW.role_id, NEW.is_active))
EXECUTE FUNCTION keep_staff()
""",
    """
CREATE TRIGGER user_sessions_begun_by_all_branches BEFORE INSERT ON user_sessions
FOR EACH ROW EXECUTE FUNCTION keep_staff()
""",
    """
CREATE TRIGGER user_sessions_revived_by_all_branches BEFORE UPDATE ON user_sessions
FOR EACH ROW WHEN ((OLD.id, OLD.admin_user_id, OLD.token_hash) IS DISTINCT FROM
                   (NEW.id, NEW.admin_user_id, NEW.token_hash)
                   OR OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL
                   OR OLD.expires_at <= now() AND NEW.expires_at > OLD.expires_at)
EXECUTE FUNCTION keep_staff()
""",
)

RULES = (EVERY_BRANCH, ACTING_BRANCHES, BEGIN_ACTING, KEEP_STAFF, *STAFF_IS_KEPT)
