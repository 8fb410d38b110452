"""What all domains share; it knows neither a domain nor the engine.

errors             what an application may have to react to, as one tree
phone, money       the one spelling of a phone number; parts of whole rupiah
secrets            values that are encrypted in the database; key_rotation: under a new key
fields, models     the fields, each with its own rule; the base models
status_machine     which status may follow which, as a trigger and as a page
object_statements  the statements that a domain may state beside its models
seeder             what a seed function is given
domain             what `register(domain)` may call
functions          the database functions that no single domain owns
permissions        the names of all permissions
arguments          what can be said of an argument; stated: a text and where it was stated
index_statement    an index that Peewee has no word for
faults             a slip of a domain, with its place; model_faults, name_faults, field_faults
                   and default_faults: those in models; load_faults: what Python cannot load
discovery          finding domains, importing them, letting each register
registration       what domains together may not be
row_locks          rows locked and written; database_rules: the database's refusals as errors

`domains` gives the author of a domain what is needed of this.
"""
