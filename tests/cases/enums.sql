-- name: the default's value removed
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st DEFAULT 'a', l st[] NOT NULL DEFAULT '{a}')
-- new
CREATE TYPE st AS ENUM ('b', 'c');
CREATE TABLE t (s st NOT NULL DEFAULT 'b', l st[])

-- name: value added and used at once
-- old
CREATE TYPE st AS ENUM ('a');
CREATE TABLE t (s st DEFAULT 'a')
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st DEFAULT 'b' CHECK (s = 'b'));
CREATE TABLE u (s st DEFAULT 'b');
CREATE INDEX i ON t (s) WHERE s = 'b'

-- name: value removed, column and table dropped
-- loses: st t.s u
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st DEFAULT 'a', k st);
CREATE TABLE u (s st)
-- new
CREATE TYPE st AS ENUM ('b', 'c');
CREATE TABLE t (k st, m st DEFAULT 'c');
CREATE TABLE w (s st DEFAULT 'c')

-- name: columns to and from text
-- loses: st t.k
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st DEFAULT 'a', k text DEFAULT 'a')
-- new
CREATE TYPE st AS ENUM ('b', 'c');
CREATE TABLE t (k st DEFAULT 'b', s text DEFAULT 'a')

-- name: type renamed
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st DEFAULT 'a', l st[])
-- new
CREATE TYPE st2 AS ENUM ('a', 'b');
CREATE TABLE t (s st2 DEFAULT 'a', l st2[])

-- name: names that need quotes
-- loses: order
-- old
CREATE TYPE "order" AS ENUM ('it''s', 'b');
CREATE TABLE t (s "order" DEFAULT 'it''s', l "order"[] DEFAULT '{b}')
-- new
CREATE TYPE "order" AS ENUM ('b');
CREATE TABLE t (s "order" DEFAULT 'b', l "order"[])

-- name: the longest name
-- loses: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
-- old
CREATE TYPE eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee AS ENUM ('a', 'b');
CREATE TABLE t (s eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee)
-- new
CREATE TYPE eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee AS ENUM ('b');
CREATE TABLE t (s eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee)

-- name: empty
-- old
CREATE TYPE e AS ENUM ()
-- new
CREATE TYPE e AS ENUM ('a')

-- name: made and dropped
-- old
-- new
CREATE TYPE st AS ENUM ('a', 'it''s b', 'c\d');
COMMENT ON TYPE st IS 'states';

-- name: value at the beginning
-- old
CREATE TYPE st AS ENUM ('b');
CREATE TABLE t (s st);
-- rows
INSERT INTO t VALUES ('b');
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st);

-- name: value in the middle
-- old
CREATE TYPE st AS ENUM ('a', 'c');
CREATE TABLE t (s st DEFAULT 'a');
-- rows
INSERT INTO t VALUES ('c');
-- new
CREATE TYPE st AS ENUM ('a', 'b', 'c');
CREATE TABLE t (s st DEFAULT 'a');

-- name: several values everywhere
-- old
CREATE TYPE st AS ENUM ('b', 'd');
-- new
CREATE TYPE st AS ENUM ('a', 'aa', 'b', 'c', 'd', 'e', 'f');

-- name: value removed under rows
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b', 'c');
CREATE TABLE t (s st NOT NULL DEFAULT 'a', l st[]);
-- rows
INSERT INTO t VALUES ('a', '{b,a}'), ('b', NULL);
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st NOT NULL DEFAULT 'a', l st[]);

-- name: values in another order under rows
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st PRIMARY KEY, CHECK (s IN ('a', 'b')));
-- rows
INSERT INTO t VALUES ('a'), ('b');
-- new
CREATE TYPE st AS ENUM ('b', 'a');
CREATE TABLE t (s st PRIMARY KEY, CHECK (s IN ('a', 'b')));

-- name: label that differs in a letter's case
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'B');
-- new
CREATE TYPE st AS ENUM ('a', 'b');

-- name: column from text
-- loses: t.s
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s text DEFAULT 'a');
-- rows
INSERT INTO t VALUES ('b');
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st DEFAULT 'a');

-- name: column to an enum with more values
-- old
CREATE TYPE one AS ENUM ('a', 'b');
CREATE TABLE t (s one DEFAULT 'a');
-- rows
INSERT INTO t VALUES ('b');
-- new
CREATE TYPE one AS ENUM ('a', 'b');
CREATE TYPE two AS ENUM ('c', 'b', 'a');
CREATE TABLE t (s two DEFAULT 'a');

-- name: comment
-- old
CREATE TYPE st AS ENUM ('a');
COMMENT ON TYPE st IS 'one';
-- new
CREATE TYPE st AS ENUM ('a');
COMMENT ON TYPE st IS 'two';

-- name: in a partitioned table
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (k int, s st) PARTITION BY RANGE (k);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
-- rows
INSERT INTO t VALUES (1, 'a');
-- new
CREATE TYPE st AS ENUM ('a');
CREATE TABLE t (k int, s st) PARTITION BY RANGE (k);

-- name: one value to a list of them, while the type is made again
-- loses: st t.many t.one
-- old
CREATE TYPE st AS ENUM ('open', 'paid', 'void');
CREATE TABLE t (id int, one st, many st[]);
-- rows
INSERT INTO t VALUES (1, NULL, NULL);
-- new
CREATE TYPE st AS ENUM ('paid', 'open');
CREATE TABLE t (id int, one st[], many st);
