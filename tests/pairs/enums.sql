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
