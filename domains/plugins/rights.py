"""What the roles of the database may do with the tables of this domain."""

from __future__ import annotations

from domains import ALL, Domain, all_but
from domains.plugins.models import PaymentPlugin, PluginConfiguration, PluginErrorLog


def rights(domain: Domain) -> None:
    """Register them. Who reads for reports sees no secret of a plugin, not even encrypted."""
    domain.access(PaymentPlugin, "app", select=ALL, insert=ALL, update=all_but("id"), delete=True)
    domain.access(
        PluginConfiguration, "app", select=ALL, insert=ALL, update=all_but("id"), delete=True
    )
    # A secret is bound to its row, whose identity is needed before the row is there.
    domain.access(PluginConfiguration, "app", usage=True)
    domain.access(PluginErrorLog, "app", select=ALL, insert=ALL, delete=True)
    domain.access(PaymentPlugin, "report", select=ALL)
    domain.access(PluginConfiguration, "report", select=all_but("value_enc"))
    domain.access(PluginErrorLog, "report", select=all_but("stack", "context"))
