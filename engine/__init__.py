"""The migration engine: it knows PostgreSQL and files, and nothing of what they are for.

Its rooms. Each imports itself and those above it:

errors      what goes wrong, with what to do about it
wording     numbers and lists as messages have them
project     what the engine knows of the program that it works for
report      what a run tells whoever started it
schema      what PostgreSQL's catalogs say, as values
diff        from two schemas to the ordered changes between them; pure
sql         changes as SQL text, and SQL text as statements; pure
connect     servers and connections
files       migration files, and what a database has had of them
explain     PostgreSQL's errors in plain words
run         applying migrations and undoing them
drift       what was changed by hand since the last run
manage      the smaller tasks: status, adopt, wipe, renumber, SQL scripts
generate    writing the next migrations
check       looking through migration files
backup      dumps of a database, and restoring them
testing     for the tests of those who write domains
"""
