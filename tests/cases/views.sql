-- name: made and dropped
-- old
CREATE TABLE t (a int, b text);
-- rows
INSERT INTO t VALUES (1, 'x');
-- new
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, lower(b) AS b FROM t WHERE a > 0;

-- name: made with its table
-- old
-- new
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT * FROM t;

-- name: condition changed in place
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t WHERE a > 0;
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t WHERE a > 1;

-- name: column added at the end
-- old
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a, b FROM t;

-- name: columns in another order
-- old
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a, b FROM t;
-- new
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT b, a FROM t;

-- name: column renamed
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a AS b FROM t;

-- name: star over a table that gets a column
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT * FROM t;
-- rows
INSERT INTO t VALUES (1), (2);
-- new
CREATE TABLE t (a int, b int DEFAULT 5);
CREATE VIEW v AS SELECT * FROM t;

-- name: star over a table that loses a column
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT * FROM t;
-- rows
INSERT INTO t VALUES (1, 2);
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT * FROM t;

-- name: column dropped that only a condition named
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a FROM t WHERE b > 0;
CREATE VIEW w AS SELECT a FROM v;
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM v;

-- name: type of a column below changed
-- old
CREATE TABLE t (a int, b text);
CREATE VIEW v AS SELECT a, b FROM t;
-- rows
INSERT INTO t VALUES (1, 'x');
-- new
CREATE TABLE t (a bigint, b text);
CREATE VIEW v AS SELECT a, b FROM t;

-- name: three levels, the lowest retyped
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a + 1 AS a FROM v;
CREATE MATERIALIZED VIEW x AS SELECT count(*) FROM w;
COMMENT ON VIEW w IS 'kept';
COMMENT ON COLUMN w.a IS 'kept, too';
-- new
CREATE TABLE t (a bigint);
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a + 1 AS a FROM v;
CREATE MATERIALIZED VIEW x AS SELECT count(*) FROM w;
COMMENT ON VIEW w IS 'kept';
COMMENT ON COLUMN w.a IS 'kept, too';

-- name: names in an order that does not help
-- old
-- new
CREATE TABLE t (a int);
CREATE VIEW z AS SELECT a FROM t;
CREATE VIEW m AS SELECT a FROM z;
CREATE VIEW a AS SELECT a FROM m;

-- name: one takes what the other had
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM v;
-- new
CREATE TABLE t (a int);
CREATE VIEW w AS SELECT a FROM t;
CREATE VIEW v AS SELECT a FROM w;

-- name: to a materialized view
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
CREATE UNIQUE INDEX i ON v (a);

-- name: to a table of its name
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE TABLE v (a int);

-- name: over a function whose result changes
-- old
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT f() AS a;
-- new
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE VIEW v AS SELECT f() AS a;

-- name: over a function whose body changes
-- old
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT f() AS a;
-- new
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE VIEW v AS SELECT f() AS a;

-- name: a function gives its rows
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS SETOF v LANGUAGE sql AS 'SELECT * FROM v';
-- new
CREATE TABLE t (a bigint);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS SETOF v LANGUAGE sql AS 'SELECT * FROM v';

-- name: a function reads it in a body that is parsed
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM v; END;
-- new
CREATE TABLE t (a text);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM v; END;

-- name: over an enum that loses a value
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b', 'c');
CREATE TABLE t (s st);
CREATE VIEW v AS SELECT s FROM t WHERE s <> 'a';
CREATE VIEW w AS SELECT 'a'::st AS s;
-- rows
INSERT INTO t VALUES ('a'), ('b');
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st);
CREATE VIEW v AS SELECT s FROM t WHERE s <> 'a';
CREATE VIEW w AS SELECT 'a'::st AS s;

-- name: over an enum that grows
-- old
CREATE TYPE st AS ENUM ('a');
CREATE TABLE t (s st);
CREATE VIEW v AS SELECT s FROM t;
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st);
CREATE VIEW v AS SELECT s FROM t;

-- name: over a generated column that is computed anew
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE VIEW v AS SELECT b FROM t;
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 2) STORED);
CREATE VIEW v AS SELECT b FROM t;

-- name: its table goes with it
-- loses: t
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new

-- name: its table goes and it reads another
-- loses: t
-- old
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE u (a int);
CREATE VIEW v AS SELECT a FROM u;

-- name: security barrier set
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE VIEW v WITH (security_barrier = true) AS SELECT a FROM t;

-- name: security invoker set
-- from: 15
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE VIEW v WITH (security_invoker, security_barrier = false) AS SELECT a FROM t;

-- name: check option
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t WHERE a > 0 WITH LOCAL CHECK OPTION;
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t WHERE a > 0 WITH CASCADED CHECK OPTION;

-- name: comments
-- old
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a, b FROM t;
COMMENT ON VIEW v IS 'one';
COMMENT ON COLUMN v.a IS 'gone';
-- new
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT a, b FROM t;
COMMENT ON VIEW v IS 'two';
COMMENT ON COLUMN v.b IS 'new';

-- name: comment stays where the view is replaced
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
COMMENT ON VIEW v IS 'one';
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t LIMIT 5;
COMMENT ON VIEW v IS 'one';

-- name: trigger instead of
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g INSTEAD OF INSERT OR UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TRIGGER g ON v IS 'writes';

-- name: trigger of a view that is made anew
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TRIGGER g ON v IS 'writes';
-- new
CREATE TABLE t (a bigint);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TRIGGER g ON v IS 'writes';

-- name: default of a column
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
ALTER VIEW v ALTER COLUMN a SET DEFAULT 5;

-- name: recursive, with windows and lateral joins
-- old
CREATE TABLE t (id int PRIMARY KEY, parent int, at timestamptz);
-- new
CREATE TABLE t (id int PRIMARY KEY, parent int, at timestamptz);
CREATE VIEW tree AS WITH RECURSIVE r AS (
    SELECT id, 1 AS depth FROM t WHERE parent IS NULL
    UNION ALL SELECT t.id, r.depth + 1 FROM t JOIN r ON t.parent = r.id
) SELECT * FROM r;
CREATE VIEW ranked AS SELECT x.id, rank() OVER (PARTITION BY x.parent ORDER BY x.at DESC) AS place,
    last.at FROM t x LEFT JOIN LATERAL (SELECT at FROM t y WHERE y.id > x.id LIMIT 1) last ON true;

-- name: whole rows
-- old
CREATE TABLE t (a int, b int);
CREATE VIEW v AS SELECT t AS row, to_jsonb(t) AS data FROM t;
-- new
CREATE TABLE t (a int, b int, c int);
CREATE VIEW v AS SELECT t AS row, to_jsonb(t) AS data FROM t;

-- name: values in a list
-- old
CREATE TABLE t (a varchar(10), b text);
-- new
CREATE TABLE t (a varchar(10), b text);
CREATE VIEW v AS SELECT a FROM t WHERE a IN ('x', 'it''s', 'y') AND b NOT IN ('p', 'q');

-- name: quoted names
-- old
CREATE TABLE "T" ("A b" int);
CREATE VIEW "V ""w""" AS SELECT "A b" AS "select" FROM "T";
-- new
CREATE TABLE "T" ("A b" bigint);
CREATE VIEW "V ""w""" AS SELECT "A b" AS "select" FROM "T";
COMMENT ON COLUMN "V ""w"""."select" IS 'it''s';

-- name: swapped with a table's name
-- loses: t
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT 1 AS a;
-- new
CREATE TABLE v (a int);
CREATE VIEW t AS SELECT 1 AS a;

-- name: groups by a primary key
-- old
CREATE TABLE t (a int PRIMARY KEY, b int);
CREATE VIEW v AS SELECT a, b, count(*) FROM t GROUP BY a;
-- new
CREATE TABLE t (a int, b int, CONSTRAINT p PRIMARY KEY (a));
CREATE VIEW v AS SELECT a, b, count(*) FROM t GROUP BY a;

-- name: a table below it becomes a view of its name
-- loses: t
-- old
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT t.a FROM t;
-- new
CREATE VIEW t AS SELECT 1 AS a;
CREATE VIEW v AS SELECT t.a FROM t;

-- name: a view below it becomes a table of its name
-- old
CREATE VIEW t AS SELECT 1 AS a;
CREATE VIEW v AS SELECT t.a FROM t;
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM v; END;
-- new
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT t.a FROM t;
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM v; END;

-- name: a sequence below it becomes a table of its name
-- loses: s
-- old
CREATE SEQUENCE s;
CREATE VIEW v AS SELECT s.last_value FROM s;
-- new
CREATE TABLE s (last_value bigint);
CREATE VIEW v AS SELECT s.last_value FROM s;

-- name: over a domain and a composite
-- old
CREATE DOMAIN d AS int;
CREATE TYPE c AS (x int, y int);
CREATE TABLE t (a d, b c);
CREATE VIEW v AS SELECT a, (b).x, (b).y FROM t;
-- new
CREATE DOMAIN d AS int CHECK (VALUE > 0);
CREATE TYPE c AS (x int, y int);
CREATE TABLE t (a d, b c);
CREATE VIEW v AS SELECT a, (b).x, (b).y, 1 AS z FROM t;

-- name: union, with, distinct on, filter, cast and case
-- old
CREATE TABLE t (a int, b text, c timestamptz, d jsonb);
-- new
CREATE TABLE t (a int, b text, c timestamptz, d jsonb);
CREATE VIEW v AS
    WITH w AS MATERIALIZED (SELECT a, b::varchar(5) AS b FROM t WHERE b ~ '^a%\d')
    SELECT DISTINCT ON (w.b) w.a, CASE w.b WHEN 'x' THEN 1 ELSE NULL END AS n,
        (SELECT max(c) FROM t x WHERE x.a = w.a) AS c
    FROM w ORDER BY w.b, w.a DESC NULLS LAST;
CREATE VIEW u AS
    SELECT a, d -> 'x' ->> 'y' AS y, c AT TIME ZONE 'UTC' AS at, count(*) FILTER (WHERE a > 0) AS n
    FROM t GROUP BY GROUPING SETS ((a, d, c), ()) HAVING count(*) > 1
    UNION ALL SELECT -a, NULL, now() - interval '1 day', 0 FROM t WHERE (a, b) IN ((1, 'x'))
    EXCEPT SELECT 1, 'it''s', timestamp '2030-01-01', 2;
CREATE VIEW j AS SELECT t.b, s.c, g.*, r.d FROM t JOIN t AS s USING (a) FULL JOIN t r ON r.a = s.a
    CROSS JOIN generate_series(1, 3) WITH ORDINALITY AS g (v, i);

-- name: what a replaced view reads takes the name of what it read before
-- old
CREATE TABLE items (n int);
CREATE VIEW counted AS SELECT count(*) AS count FROM items;
CREATE VIEW shown AS SELECT count(*) AS count FROM counted;
-- new
CREATE MATERIALIZED VIEW counted AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW items AS SELECT * FROM counted;
CREATE VIEW shown AS SELECT count(*) AS count FROM items;
-- loses: items
