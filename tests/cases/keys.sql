-- name: key on delete
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a)
-- new
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a ON DELETE CASCADE)

-- name: type of both ends of a key
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a)
-- new
CREATE TABLE a (id text PRIMARY KEY);
CREATE TABLE b (a text REFERENCES a)

-- name: key on a unique index
-- old
CREATE TABLE a (id int);
CREATE TABLE b (id int)
-- new
CREATE TABLE a (id int, k int);
CREATE UNIQUE INDEX ak ON a (k);
CREATE TABLE b (id int, k int REFERENCES a (k))

-- name: primary key changed under a foreign key
-- old
CREATE TABLE a (id int PRIMARY KEY, k int UNIQUE NOT NULL);
CREATE TABLE b (a int REFERENCES a (id))
-- new
CREATE TABLE a (id int UNIQUE NOT NULL, k int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a (id))

-- name: three tables in a circle
-- old
-- new
CREATE TABLE a (id int PRIMARY KEY, c int);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
CREATE TABLE c (id int PRIMARY KEY, b int REFERENCES b);
ALTER TABLE a ADD FOREIGN KEY (c) REFERENCES c

-- name: referenced table dropped
-- loses: a
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a)
-- new
CREATE TABLE b (a int)

-- name: deferrable
-- old
CREATE TABLE a (id int PRIMARY KEY, b int UNIQUE)
-- new
CREATE TABLE a (id int PRIMARY KEY, b int UNIQUE DEFERRABLE)

-- name: check not valid
-- old
CREATE TABLE a (b int)
-- new
CREATE TABLE a (b int);
ALTER TABLE a ADD CONSTRAINT k CHECK (b > 0) NOT VALID

-- name: exclusion
-- old
CREATE TABLE a (b int4range)
-- new
CREATE TABLE a (b int4range, EXCLUDE USING gist (b WITH &&))

-- name: primary key added
-- old
CREATE TABLE t (a int NOT NULL);
-- rows
INSERT INTO t VALUES (1), (2);
-- new
CREATE TABLE t (a int PRIMARY KEY);

-- name: primary key over other columns
-- old
CREATE TABLE t (a int, b int NOT NULL, PRIMARY KEY (a));
-- rows
INSERT INTO t VALUES (1, 2);
-- new
CREATE TABLE t (a int NOT NULL, b int, PRIMARY KEY (b, a));

-- name: primary key renamed
-- old
CREATE TABLE t (a int PRIMARY KEY);
CREATE TABLE u (a int REFERENCES t);
-- new
CREATE TABLE t (a int CONSTRAINT the_key PRIMARY KEY);
CREATE TABLE u (a int REFERENCES t);

-- name: unique over two columns
-- old
CREATE TABLE t (a int, b int);
-- new
CREATE TABLE t (a int, b int, UNIQUE (a, b));

-- name: unique with other columns included
-- old
CREATE TABLE t (a int, b int, CONSTRAINT k UNIQUE (a));
-- new
CREATE TABLE t (a int, b int, CONSTRAINT k UNIQUE (a) INCLUDE (b));

-- name: unique where nulls are equal
-- from: 15
-- old
CREATE TABLE t (a int, CONSTRAINT k UNIQUE (a));
-- rows
INSERT INTO t VALUES (NULL), (1);
-- new
CREATE TABLE t (a int, CONSTRAINT k UNIQUE NULLS NOT DISTINCT (a));

-- name: unique to an index that is partial
-- old
CREATE TABLE t (a int UNIQUE, b boolean);
-- new
CREATE TABLE t (a int, b boolean);
CREATE UNIQUE INDEX t_a_key ON t (a) WHERE b;

-- name: deferrable to initially deferred
-- old
CREATE TABLE t (a int, CONSTRAINT k UNIQUE (a) DEFERRABLE);
-- new
CREATE TABLE t (a int, CONSTRAINT k UNIQUE (a) DEFERRABLE INITIALLY DEFERRED);

-- name: foreign key added over rows
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int);
-- rows
INSERT INTO a VALUES (1);
INSERT INTO b VALUES (1), (NULL);
-- new
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a);

-- name: foreign key with all that may be said
-- old
CREATE TABLE a (id int, k int, PRIMARY KEY (id, k));
CREATE TABLE b (a int, k int);
-- new
CREATE TABLE a (id int, k int, PRIMARY KEY (id, k));
CREATE TABLE b (a int, k int, FOREIGN KEY (a, k) REFERENCES a MATCH FULL ON UPDATE CASCADE
    ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED);

-- name: foreign key that sets some columns null
-- from: 15
-- old
CREATE TABLE a (id int, k int, PRIMARY KEY (id, k));
CREATE TABLE b (a int, k int);
-- new
CREATE TABLE a (id int, k int, PRIMARY KEY (id, k));
CREATE TABLE b (a int, k int, FOREIGN KEY (a, k) REFERENCES a ON DELETE SET NULL (k));

-- name: foreign key not valid becomes valid
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int);
ALTER TABLE b ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES a NOT VALID;
-- new
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int CONSTRAINT k REFERENCES a);

-- name: foreign key refers to another table
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
CREATE TABLE c (x int CONSTRAINT k REFERENCES a);
-- new
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
CREATE TABLE c (x int CONSTRAINT k REFERENCES b);

-- name: foreign key not enforced
-- from: 18
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int CONSTRAINT k REFERENCES a);
-- new
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int CONSTRAINT k REFERENCES a NOT ENFORCED);

-- name: two tables refer to each other and go
-- loses: a b
-- old
CREATE TABLE a (id int PRIMARY KEY, b int);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
-- new

-- name: refers to itself
-- old
-- new
CREATE TABLE a (id int PRIMARY KEY, up int REFERENCES a);

-- name: column of a foreign key dropped
-- loses: b.a
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a, c int);
-- new
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (c int);

-- name: check changed
-- old
CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 0));
-- rows
INSERT INTO t VALUES (5);
-- new
CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 1 AND a < 100));

-- name: check not valid becomes valid
-- old
CREATE TABLE t (a int);
ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID;
-- new
CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 0));

-- name: check over a list of words
-- old
CREATE TABLE t (a varchar(9));
-- new
CREATE TABLE t (a varchar(9) CHECK (a IN ('x', 'y', 'it''s')), b char(3) CHECK (b IN ('x', 'y')),
    c text CHECK (c = ANY ('{p,q}')));

-- name: check that is not handed on
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 0) NO INHERIT);

-- name: check not enforced
-- from: 18
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 0) NOT ENFORCED);

-- name: exclusion changed
-- old
CREATE TABLE t (a int4range, b int, CONSTRAINT k EXCLUDE USING gist (a WITH &&));
-- new
CREATE TABLE t (a int4range, b int,
    CONSTRAINT k EXCLUDE USING gist (a WITH &&) WHERE (b > 0) DEFERRABLE);

-- name: key without overlaps
-- from: 18
-- old
CREATE TABLE t (a int4range, at tstzrange);
-- new
CREATE TABLE t (a int4range, at tstzrange, PRIMARY KEY (a, at WITHOUT OVERLAPS));

-- name: constraint takes the name of an index
-- old
CREATE TABLE t (a int);
CREATE UNIQUE INDEX k ON t (a);
COMMENT ON INDEX k IS 'an index';
-- new
CREATE TABLE t (a int CONSTRAINT k UNIQUE);
COMMENT ON CONSTRAINT k ON t IS 'a constraint';

-- name: two constraints swap their names
-- old
CREATE TABLE t (a int CONSTRAINT x UNIQUE, b int CONSTRAINT y UNIQUE);
-- new
CREATE TABLE t (a int CONSTRAINT y UNIQUE, b int CONSTRAINT x UNIQUE);

-- name: the key that a foreign key refers to is replaced
-- old
CREATE TABLE p (id int, CONSTRAINT p_id UNIQUE (id));
CREATE TABLE c (p int REFERENCES p (id));
-- rows
INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);
-- new
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int REFERENCES p (id));

-- name: a column leaves the primary key and may be null
-- old
CREATE TABLE t (a int, b int, PRIMARY KEY (a, b));
-- rows
INSERT INTO t VALUES (1,2);
-- new
CREATE TABLE t (a int, b int, PRIMARY KEY (a));

-- name: keys of two tables swap their names
-- old
CREATE TABLE t (a int, b int, CONSTRAINT one UNIQUE (a));
CREATE TABLE u (a int, b int, CONSTRAINT two UNIQUE (a));
-- new
CREATE TABLE t (a int, b int, CONSTRAINT two UNIQUE (a));
CREATE TABLE u (a int, b int, CONSTRAINT one UNIQUE (a));

-- name: a key without overlaps on a table that is there
-- from: 18
-- old
CREATE TABLE t (id int4range, d daterange, n int);
-- new
CREATE TABLE t (id int4range, d daterange, n int, UNIQUE (id, d WITHOUT OVERLAPS));

-- name: a new table has three keys over one column
-- old
CREATE TABLE t (i int);
-- new
CREATE TABLE t (i int);
CREATE TABLE u (a int PRIMARY KEY, b int UNIQUE);
ALTER TABLE u ADD CONSTRAINT twice UNIQUE (a);
ALTER TABLE u ADD CONSTRAINT thrice UNIQUE (a) DEFERRABLE;
COMMENT ON CONSTRAINT twice ON u IS 'again';

-- name: a key goes, and what counted in one of its columns, which may be null then
-- old
CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY, b text COLLATE "C", PRIMARY KEY (a, b));
CREATE TABLE u (a int, b text, FOREIGN KEY (a, b) REFERENCES t);
-- rows
INSERT INTO t (b) VALUES ('x'); INSERT INTO u VALUES (1, 'x');
-- new
CREATE TABLE t (a bigint, b text COLLATE "C", UNIQUE (a, b));
CREATE TABLE u (a int, b text, FOREIGN KEY (a, b) REFERENCES t (a, b) MATCH FULL);
