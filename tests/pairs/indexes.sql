-- name: all kinds
-- old
CREATE TABLE t (a int, b text)
-- new
CREATE TABLE t (a int, b text);
CREATE INDEX i ON t USING brin (a) WITH (pages_per_range = 32);
CREATE UNIQUE INDEX j ON t ((a + 1), lower(b)) WHERE b LIKE 'a%';
CREATE INDEX k ON t (b text_pattern_ops DESC NULLS LAST) INCLUDE (a)

-- name: constraint to an index of its name
-- old
CREATE TABLE t (a int, CONSTRAINT k UNIQUE (a))
-- new
CREATE TABLE t (a int);
CREATE UNIQUE INDEX k ON t (a)

-- name: two swap their names
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX x ON t (a);
CREATE INDEX y ON t (b)
-- new
CREATE TABLE t (a int, b int);
CREATE INDEX y ON t (a);
CREATE INDEX x ON t (b)

-- name: moves to another table
-- old
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE INDEX k ON t (a)
-- new
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE INDEX k ON u (a)

-- name: takes a table's name
-- loses: k
-- old
CREATE TABLE k (a int)
-- new
CREATE TABLE t (a int);
CREATE UNIQUE INDEX k ON t (a)
