"""Payment providers' code, its configuration and what went wrong in it."""

from __future__ import annotations

from domains import Domain
from domains.plugins import seeds
from domains.plugins.models import PaymentPlugin, PluginConfiguration, PluginErrorLog
from domains.plugins.rights import rights


def register(domain: Domain) -> None:
    """Register the domain."""
    domain.requires("auth")
    domain.models(PaymentPlugin, PluginConfiguration, PluginErrorLog)
    domain.shared(PaymentPlugin, PluginConfiguration, PluginErrorLog)
    # What an administrator installed: null for all that ships with the system.
    domain.index(PaymentPlugin, PaymentPlugin.installed_by, where="installed_by_id IS NOT NULL")
    # The newest errors of a plugin.
    domain.index(
        PluginErrorLog,
        PluginErrorLog.plugin,
        "created_at DESC",
        name="plugin_error_logs_plugin_id_created_at_idx",
    )
    domain.permissions("plugins.read", "plugins.write")
    domain.seed(seeds.plugins, seeds.configurations)
    rights(domain)
