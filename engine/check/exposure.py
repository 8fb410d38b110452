"""What is open to whom it should not be, read from the catalogs: a GRANT in a DO block or made by
format() hides from nobody who looks there."""

from __future__ import annotations

import re
from typing import Any

from engine.check.finding import RuleName
from engine.schema import own_sql

# Statements whose text does not tell what they grant or make, those that change what was closed
# before, and those that make views or turn row-level security on below one.
TELLING = re.compile(
    r"\s*(?:DO|CALL|SELECT|WITH|VALUES|EXECUTE)\b"
    r"|\s*ALTER\s+(?:DEFAULT\s+PRIVILEGES|FUNCTION|PROCEDURE|ROUTINE)\b"
    r"|\s*CREATE\s+OR\s+REPLACE\s+(?:FUNCTION|PROCEDURE)\b"
    r"|.*?\b(?:VIEW|ROW\s+LEVEL\s+SECURITY|security_invoker)\b",
    re.IGNORECASE | re.DOTALL,
)
# (rule, what). The rights on relations and columns count by verb; the schema's and default
# privileges, too. EXECUTE and USAGE of types are everybody's where nobody says otherwise: only a
# function that runs as its owner counts. A view looks at its tables with the rights of its owner,
# whom policies do not hold, also through other views; a materialized one always does.
EXPOSED = f"""
    WITH RECURSIVE reads AS (
        SELECT r.ev_class AS view, d.refobjid AS relation
        FROM pg_rewrite r JOIN pg_depend d
          ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
    ), below (view, relation) AS (
        SELECT view, relation FROM reads
        UNION SELECT b.view, r.relation FROM below b JOIN reads r ON r.view = b.relation
    )
    SELECT '{RuleName.VIEW_PAST_POLICIES}', v.relname::text
    FROM pg_class v
    WHERE v.relkind IN ('v', 'm') AND v.relnamespace = %(here)s
      AND NOT coalesce((
          SELECT option_value::boolean FROM pg_options_to_table(v.reloptions)
          WHERE option_name = 'security_invoker'), false)
      AND EXISTS (SELECT FROM below b JOIN pg_class t ON t.oid = b.relation
                  WHERE b.view = v.oid AND t.relrowsecurity)
    UNION ALL
    SELECT '{RuleName.OPEN_DEFINER}', p.proname::text
    FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    WHERE p.pronamespace = %(here)s AND p.prosecdef AND a.grantee = 0
    UNION ALL
    SELECT '{RuleName.GRANTED_TO_EVERYBODY}', a.privilege_type || ' ON ' || c.relname
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.relnamespace = %(here)s AND a.grantee = 0
    UNION ALL
    SELECT '{RuleName.GRANTED_TO_EVERYBODY}',
           a.privilege_type || ' (' || t.attname || ') ON ' || c.relname
    FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
    WHERE c.relnamespace = %(here)s AND a.grantee = 0
    UNION ALL
    SELECT '{RuleName.GRANTED_TO_EVERYBODY}', a.privilege_type || ' ON SCHEMA ' || n.nspname
    FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.oid = %(here)s AND a.grantee = 0
    UNION ALL
    SELECT '{RuleName.GRANTED_TO_EVERYBODY}', a.privilege_type || ' by default privileges'
    FROM pg_default_acl d, aclexplode(d.defaclacl) a
    WHERE d.defaclobjtype IN ('r', 'S', 'n') AND a.grantee = 0
"""
Exposed = frozenset[tuple[str, str]]


def read(cursor: Any) -> Exposed:
    """What is open now: (rule, name)."""
    own_sql.fetch(cursor, EXPOSED)
    return frozenset(cursor.fetchall())
