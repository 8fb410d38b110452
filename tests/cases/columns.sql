-- name: nullable column
-- old
CREATE TABLE t (a int)
-- new
CREATE TABLE t (a int, b text)

-- name: column with a check and a default
-- old
CREATE TABLE t (a int)
-- new
CREATE TABLE t (a int, b int NOT NULL DEFAULT 5 CHECK (b > 0));
CREATE INDEX i ON t (b) WHERE b > 7

-- name: type, default and null together
-- old
CREATE TABLE t (a int NOT NULL DEFAULT 5)
-- new
CREATE TABLE t (a text DEFAULT 'x')

-- name: defaults that are computed
-- old
CREATE TABLE t (a timestamptz)
-- new
CREATE TABLE t (a timestamptz NOT NULL DEFAULT now(), b date DEFAULT current_date)

-- name: type under a check and a partial index
-- old
CREATE TABLE t (a int, b int, CHECK (a > b));
CREATE INDEX i ON t (b) WHERE a = 5
-- new
CREATE TABLE t (a bigint, b int, CHECK (a > b));
CREATE INDEX i ON t (b) WHERE a = 5

-- name: type under a trigger
-- old
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION f()
-- new
CREATE TABLE t (a bigint);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION f()

-- name: type under a trigger on the whole row
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION f()
-- new
CREATE TABLE t (a bigint);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION f()

-- name: type under a generated column
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE INDEX i ON t (b)
-- new
CREATE TABLE t (a bigint, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE INDEX i ON t (b)

-- name: type under an SQL function and its users
-- old
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a)::bigint FROM t; END;
CREATE TABLE u (b bigint DEFAULT f())
-- new
CREATE TABLE t (a bigint);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a)::bigint FROM t; END;
CREATE TABLE u (b bigint DEFAULT f())

-- name: expression of a generated column
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 2) STORED)

-- name: generated column to a plain one
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE INDEX i ON t (b)
-- new
CREATE TABLE t (a int, b int NOT NULL DEFAULT 5);
CREATE INDEX i ON t (b)

-- name: generated column to a plain one of another type
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE VIEW v AS SELECT b FROM t
-- rows
INSERT INTO t VALUES (1), (2)
-- new
CREATE TABLE t (a int, b bigint NOT NULL);
CREATE VIEW v AS SELECT b FROM t

-- name: generated column to a plain one when its base changes
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c int, d int GENERATED ALWAYS AS (c) STORED)
-- rows
INSERT INTO t (a, c) VALUES (1, 3), (2, 4)
-- new
CREATE TABLE t (a bigint, b int, c int, d int NOT NULL)

-- name: generated column to a plain one when its function goes
-- from: 15
-- old
CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x + 1';
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (f(a)) STORED)
-- rows
INSERT INTO t (a) VALUES (1), (2)
-- new
CREATE TABLE t (a int, b int NOT NULL)

-- name: generated key to a plain column that may be null
-- old
CREATE TABLE t (a int NOT NULL, b int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY)
-- rows
INSERT INTO t (a) VALUES (1), (2)
-- new
CREATE TABLE t (a bigint NOT NULL PRIMARY KEY, b int)

-- name: generated column to a plain one when its base goes
-- loses: t.a
-- old
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c mood, d mood GENERATED ALWAYS AS (c) STORED)
-- rows
INSERT INTO t VALUES (1, DEFAULT, 'sad'), (2, DEFAULT, 'glad')
-- new
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE t (b int, c mood, d mood DEFAULT 'sad')

-- name: generated column and its base dropped
-- loses: t.a
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)
-- new
CREATE TABLE t (c int)

-- name: column dropped from an index and a check
-- loses: t.b
-- old
CREATE TABLE t (a int, b int, CHECK (a > b));
CREATE INDEX i ON t (a, b)
-- new
CREATE TABLE t (a int)

-- name: collation
-- old
CREATE TABLE t (a text)
-- new
CREATE TABLE t (a text COLLATE "C")

-- name: numeric precision
-- old
CREATE TABLE t (a numeric(10,2))
-- new
CREATE TABLE t (a numeric(12,4))

-- name: column added to a table with rows
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1), (NULL);
-- new
CREATE TABLE t (a int, b text, c int NOT NULL DEFAULT 7, d timestamptz NOT NULL DEFAULT now());

-- name: columns in another order are the same
-- old
CREATE TABLE t (a int, b int);
-- rows
INSERT INTO t VALUES (1, 2);
-- new
CREATE TABLE t (b int, a int, c int);

-- name: column dropped
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
-- rows
INSERT INTO t VALUES (1, 2);
-- new
CREATE TABLE t (a int);

-- name: all columns dropped
-- loses: t.a t.b
-- old
CREATE TABLE t (a int, b int);
-- new
CREATE TABLE t ();

-- name: default added
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (NULL);
-- new
CREATE TABLE t (a int DEFAULT 5);

-- name: default changed
-- old
CREATE TABLE t (a text DEFAULT 'x');
-- new
CREATE TABLE t (a text DEFAULT 'it''s');

-- name: default dropped
-- old
CREATE TABLE t (a int DEFAULT 5);
-- new
CREATE TABLE t (a int);

-- name: default to null
-- old
CREATE TABLE t (a int DEFAULT 5);
-- new
CREATE TABLE t (a int DEFAULT NULL);

-- name: not null set
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a int NOT NULL);

-- name: not null dropped
-- old
CREATE TABLE t (a int NOT NULL);
-- new
CREATE TABLE t (a int);

-- name: integer to bigint
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1), (NULL);
-- new
CREATE TABLE t (a bigint);

-- name: bigint to integer
-- loses: t.a
-- old
CREATE TABLE t (a bigint);
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a int);

-- name: text to integer
-- loses: t.a
-- old
CREATE TABLE t (a text);
-- rows
INSERT INTO t VALUES ('12');
-- new
CREATE TABLE t (a int);

-- name: integer to text
-- old
CREATE TABLE t (a int DEFAULT 5);
-- rows
INSERT INTO t VALUES (12);
-- new
CREATE TABLE t (a text DEFAULT '5');

-- name: varchar widened
-- old
CREATE TABLE t (a varchar(10));
-- rows
INSERT INTO t VALUES ('x');
-- new
CREATE TABLE t (a varchar(20));

-- name: varchar narrowed
-- loses: t.a
-- old
CREATE TABLE t (a varchar(20));
-- new
CREATE TABLE t (a varchar(10));

-- name: varchar to text
-- old
CREATE TABLE t (a varchar(20) DEFAULT 'x');
-- rows
INSERT INTO t VALUES ('y');
-- new
CREATE TABLE t (a text DEFAULT 'x');

-- name: numeric gets room on both sides
-- old
CREATE TABLE t (a numeric(10,2));
-- rows
INSERT INTO t VALUES (1.25);
-- new
CREATE TABLE t (a numeric(12,2));

-- name: numeric gets digits at the cost of others
-- loses: t.a
-- old
CREATE TABLE t (a numeric(10,2));
-- new
CREATE TABLE t (a numeric(10,4));

-- name: numeric without bounds
-- old
CREATE TABLE t (a numeric(10,2));
-- new
CREATE TABLE t (a numeric);

-- name: timestamp with and without zone
-- old
CREATE TABLE t (a timestamp);
-- new
CREATE TABLE t (a timestamptz);

-- name: precision of a timestamp dropped
-- old
CREATE TABLE t (a timestamptz(0));
-- new
CREATE TABLE t (a timestamptz);

-- name: date to timestamp
-- old
CREATE TABLE t (a date);
-- new
CREATE TABLE t (a timestamp);

-- name: json to jsonb
-- old
CREATE TABLE t (a json);
-- rows
INSERT INTO t VALUES ('{"a": 1}');
-- new
CREATE TABLE t (a jsonb);

-- name: array of another type
-- old
CREATE TABLE t (a int[] DEFAULT '{1}');
-- rows
INSERT INTO t VALUES ('{1,2}');
-- new
CREATE TABLE t (a bigint[] DEFAULT '{1}');

-- name: type and default together under an index
-- loses: t.a
-- old
CREATE TABLE t (a text DEFAULT '1');
CREATE INDEX i ON t (a);
-- rows
INSERT INTO t VALUES ('5');
-- new
CREATE TABLE t (a int DEFAULT 1);
CREATE INDEX i ON t (a);

-- name: collation dropped
-- old
CREATE TABLE t (a text COLLATE "C");
CREATE INDEX i ON t (a);
-- rows
INSERT INTO t VALUES ('x');
-- new
CREATE TABLE t (a text);
CREATE INDEX i ON t (a);

-- name: generated column over others
-- old
CREATE TABLE t (a int, b int);
-- rows
INSERT INTO t VALUES (1, 2);
-- new
CREATE TABLE t (a int, b int, c int GENERATED ALWAYS AS (a * b) STORED NOT NULL);

-- name: plain column to a generated one
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
-- rows
INSERT INTO t VALUES (1, 5);
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);

-- name: virtual column
-- from: 18
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL);

-- name: stored column to a virtual one
-- from: 18
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL);

-- name: named not null
-- from: 18
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int CONSTRAINT must NOT NULL);

-- name: default that calls a function of a new table
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE u (a int);
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(a) FROM u); END';
CREATE TABLE t (a int DEFAULT f());

-- name: defaults that stand in parentheses
-- old
CREATE TABLE t (a int);
CREATE DOMAIN dom AS boolean;
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a int, b boolean DEFAULT (true AND false), c boolean NOT NULL DEFAULT (1 = 2 OR NOT false), d boolean DEFAULT ('a' IN ('a', 'b')), e int DEFAULT (1 + 2), f boolean DEFAULT (NULL IS NULL));
CREATE DOMAIN dom AS boolean DEFAULT (true AND false);
CREATE TABLE n (b boolean DEFAULT (true AND false), f boolean DEFAULT (1 BETWEEN 0 AND 2), t text DEFAULT ('x' || 'y' COLLATE "C"));
CREATE VIEW v AS SELECT a, a > 1 AS b FROM n, t;
ALTER VIEW v ALTER COLUMN b SET DEFAULT (true AND false);

-- name: virtual columns become plain ones and others virtual
-- loses: t.c
-- from: 18
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int, d int GENERATED ALWAYS AS (a) STORED);
-- new
CREATE TABLE t (a int, b int, c int GENERATED ALWAYS AS (a + 1) VIRTUAL, d int GENERATED ALWAYS AS (a) VIRTUAL);

-- name: NOT NULL gets a name, another one, and none
-- from: 18
-- old
CREATE TABLE t (a int CONSTRAINT x NOT NULL, b int, "C" int NOT NULL, d int CONSTRAINT y NOT NULL);
-- rows
INSERT INTO t VALUES (1, 2, 3, 4);
-- new
CREATE TABLE t (
    a int CONSTRAINT "y ""1" NOT NULL, b int CONSTRAINT x NOT NULL, "C" int CONSTRAINT "q'" NOT NULL,
    d int NOT NULL
);
CREATE TABLE u (a int CONSTRAINT x NOT NULL);

-- name: NOT NULL for new rows alone, and for no child
-- from: 18
-- old
CREATE TABLE t (a int, b int NOT NULL, c int);
ALTER TABLE t ADD CONSTRAINT t_c_not_null NOT NULL c NO INHERIT;
-- rows
INSERT INTO t VALUES (1, 2, 3);
-- new
CREATE TABLE t (a int, b int, c int NOT NULL);
ALTER TABLE t ADD CONSTRAINT t_a_not_null NOT NULL a NOT VALID;

-- name: NOT NULL has a name that only ends as those of PostgreSQL do
-- from: 18
-- old
CREATE TABLE t (a int CONSTRAINT a_not_null NOT NULL, b int NOT NULL, c int CONSTRAINT must_not_null1 NOT NULL);
-- rows
INSERT INTO t VALUES (1, 2, 3);
-- new
CREATE TABLE t (a int NOT NULL, b int CONSTRAINT tb_not_null NOT NULL, c int CONSTRAINT t_not_null NOT NULL);
