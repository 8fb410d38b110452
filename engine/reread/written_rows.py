"""What engine.reread.rereading asks PostgreSQL's catalogs: which of their rows are newer than the
last look, how many there are, and what depends on what these tell about."""

from __future__ import annotations

from typing import NamedTuple

from engine.schema.abstract_roles import MAPPED
from engine.schema.catalog_queries import OUR_RELATIONS, OUR_ROUTINES, OUR_TYPES, SIGNATURE

RELATION, TYPE, ROUTINE = "pg_class", "pg_type", "pg_proc"


class Rows(NamedTuple):
    """A catalog. key: of a row; of, oid: the catalog and the oid of what the row tells about.
    stays: whether a row goes only together with another one that is looked at."""

    name: str
    key: str
    of: str
    oid: str
    stays: bool = False

    @property
    def select(self) -> str:
        """All of it but what PostgreSQL itself has from the start (FirstNormalObjectId)."""
        return (
            f"SELECT '{self.name}', ({self.key})::text, {self.of}, {self.oid}::bigint"
            f" FROM {self.name} r WHERE {self.oid} >= 16384"
        )

    @property
    def size(self) -> str:
        """How many these are."""
        return f"SELECT '{self.name}', count(*) FROM {self.name} r WHERE {self.oid} >= 16384"


OF_DOMAIN = f"CASE r.conrelid WHEN 0 THEN '{TYPE}' ELSE '{RELATION}' END"
CATALOGS = {
    rows.name: rows
    for rows in (
        Rows("pg_class", "r.oid", f"'{RELATION}'", "r.oid"),
        Rows("pg_attribute", "r.attrelid", f"'{RELATION}'", "r.attrelid", stays=True),
        Rows("pg_attrdef", "r.oid", f"'{RELATION}'", "r.adrelid", stays=True),
        Rows("pg_constraint", "r.oid", OF_DOMAIN, "greatest(r.conrelid, r.contypid)"),
        Rows("pg_index", "r.indexrelid", f"'{RELATION}'", "r.indrelid"),
        Rows(
            "pg_inherits", "concat_ws(' ', r.inhrelid, r.inhparent)", f"'{RELATION}'", "r.inhrelid"
        ),
        Rows("pg_policy", "r.oid", f"'{RELATION}'", "r.polrelid"),
        Rows("pg_rewrite", "r.oid", f"'{RELATION}'", "r.ev_class", stays=True),
        Rows("pg_sequence", "r.seqrelid", f"'{RELATION}'", "r.seqrelid", stays=True),
        Rows("pg_trigger", "r.oid", f"'{RELATION}'", "r.tgrelid"),
        Rows("pg_type", "r.oid", f"'{TYPE}'", "r.oid"),
        Rows("pg_enum", "r.oid", f"'{TYPE}'", "r.enumtypid", stays=True),
        Rows("pg_proc", "r.oid", f"'{ROUTINE}'", "r.oid"),
        Rows(
            "pg_description",
            "concat_ws(' ', r.classoid, r.objoid, r.objsubid)",
            "r.classoid::regclass::text",
            "r.objoid",
        ),
    )
}
COUNTED = [rows.name for rows in CATALOGS.values() if not rows.stays]
# What is written in these may change how anything is printed.
ELSEWHERE = (
    *("pg_am", "pg_cast", "pg_collation", "pg_conversion", "pg_extension", "pg_language"),
    *("pg_namespace", "pg_opclass", "pg_operator", "pg_opfamily", "pg_ts_config", "pg_ts_dict"),
    *("pg_ts_parser", "pg_ts_template"),
)
NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
# Since a transaction. Outside of a WITH age() would be asked of the same one for each row.
SINCE = "WITH last AS MATERIALIZED (SELECT age(%(since)s::xid8::xid) AS age)"
IS_NEWER = "age(r.xmin) <= (SELECT age FROM last)"
NEWER = f"{SINCE} " + " UNION ALL ".join(
    (
        *(f"{rows.select} AND {IS_NEWER}" for rows in CATALOGS.values()),
        *(f"(SELECT '', '', '', 0 FROM {name} r WHERE {IS_NEWER} LIMIT 1)" for name in ELSEWHERE),
    )
)
COUNTS = " UNION ALL ".join(CATALOGS[name].size for name in COUNTED)
SIZES = ", ".join(f"(SELECT count(*) FROM {name})" for name in ELSEWHERE)
SETTLED = f"""
    SELECT array_to_string(ARRAY[{SIZES}], ' '),
           (SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass),
           (SELECT string_agg(concat_ws(' ', m.key, r.oid), ', ' ORDER BY m.key)
            FROM json_each_text({MAPPED}) m JOIN pg_roles r ON r.rolname = m.value)
"""
# What each is called; of a sequence also the table that it goes with.
NAMES = f"""
    SELECT '{RELATION}', c.oid::bigint, c.relname::text, (
        SELECT o.refobjid::bigint FROM pg_depend o
        WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.objsubid = 0
          AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i') AND c.relkind = 'S')
    FROM pg_class c WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL SELECT '{TYPE}', t.oid::bigint, t.typname::text, NULL FROM pg_type t
    WHERE {OUR_TYPES}
    UNION ALL SELECT '{ROUTINE}', p.oid::bigint, {SIGNATURE}, NULL FROM pg_proc p
    WHERE {OUR_ROUTINES}
"""
# From what was written: what needs it, where its name may be printed (spreads), then what all that
# belongs to, and the sequences of tables. OFFSET 0 has pg_depend asked by its indexes.
CONCERNED = """
    WITH RECURSIVE seed (class, oid, spreads) AS (
        SELECT class::regclass::oid, oid, spreads
        FROM unnest(%(classes)s::text[], %(oids)s::oid[], %(spreads)s::boolean[])
             s (class, oid, spreads)
    ), below (class, oid, part) AS (
        SELECT s.class, s.oid, 0 FROM seed s WHERE s.spreads
        UNION
        SELECT d.classid, d.objid, d.objsubid
        FROM below b CROSS JOIN LATERAL (
            SELECT classid, objid, objsubid FROM pg_depend
            WHERE refclassid = b.class AND refobjid = b.oid AND (b.part = 0 OR refobjsubid = b.part)
            OFFSET 0) d
    ), above (class, oid) AS (
        (SELECT class, oid FROM seed UNION SELECT class, oid FROM below)
        UNION
        SELECT d.refclassid, d.refobjid
        FROM above a CROSS JOIN LATERAL (
            SELECT refclassid, refobjid FROM pg_depend
            WHERE classid = a.class AND objid = a.oid AND deptype IN ('a', 'i') OFFSET 0) d
    ), sequence (class, oid) AS (
        SELECT d.classid, d.objid
        FROM above a CROSS JOIN LATERAL (
            SELECT classid, objid FROM pg_depend
            WHERE refclassid = a.class AND refobjid = a.oid AND deptype IN ('a', 'i')
              AND classid = 'pg_class'::regclass OFFSET 0) d
        JOIN pg_sequence s ON s.seqrelid = d.objid
        WHERE a.class = 'pg_class'::regclass
    )
    SELECT class::regclass::text, oid::bigint FROM above
    WHERE class IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass)
    UNION SELECT class::regclass::text, oid::bigint FROM sequence
"""
