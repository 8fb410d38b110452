"""The billing domains, one package each; a package dropped here is found without being listed."""
