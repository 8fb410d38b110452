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
