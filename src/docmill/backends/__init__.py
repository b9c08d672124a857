"""Who runs an agent: our own loop (`local`), or a remote agent service."""
