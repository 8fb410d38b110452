"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but, entered_but
from domains.plugins.models import PaymentPlugin, PluginConfiguration, PluginErrorLog


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees no secret of a plugin, not even encrypted."""
    for model in (PaymentPlugin, PluginConfiguration):
        domain.access(
            model,
            "app",
            select=ALL,
            insert=entered_but(),
            update=entered_but(),
            delete=True,
            reason="plugins are installed and set by hand",
        )
    # A secret is bound to its row, whose identity is needed before the row is there.
    domain.access(
        PluginConfiguration, "app", insert=("id",), usage=True, reason="plugins are set by hand"
    )
    domain.access(PluginErrorLog, "app", select=("id", "created_at"), delete=True)
    domain.access(
        PluginErrorLog,
        "app",
        select=ALL,
        insert=entered_but(),
        reason="what runs a plugin writes down how it failed",
    )
    domain.access(PaymentPlugin, "report", select=ALL)
    domain.access(PluginConfiguration, "report", select=all_but("value_enc"))
    domain.access(PluginErrorLog, "report", select=all_but("stack", "context"))
