"""The broker of a run, put together from environment, pipeline and this machine's settings."""

from docmill.compile.networking import egress_policy
from docmill.egress.addresses import AddressRule
from docmill.egress.broker import Broker
from docmill.egress.indexes import index_rules
from docmill.egress.vault import Lookup, no_blocks, open_vault
from docmill.plan import CompiledPipeline
from docmill.settings import Settings
from docmill.spec.environment import LimitedNetworking


def open_broker(
    compiled: CompiledPipeline, settings: Settings, blocks: Lookup = no_blocks
) -> Broker | None:
    """The way out for the sessions of a pipeline; None where its environment allows no host.

    `blocks` reads Secret blocks of Prefect.

    Raises:
        PrerequisiteError: a credential is missing, or no package index is configured here.
    """
    credentials = open_vault(
        compiled.pipeline.vault, secrets=settings.secret, root=compiled.root, blocks=blocks
    )
    networking = compiled.environment.config.networking
    wants_indexes = isinstance(networking, LimitedNetworking) and networking.allow_package_managers
    indexes = index_rules(settings.environ) if wants_indexes else ()
    policy = egress_policy(compiled, credentials, indexes=indexes)
    if policy is None:
        return None
    return Broker(policy, addresses=AddressRule(settings.egress_private))
