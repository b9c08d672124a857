"""Environments: the create-environment fields of the Managed Agents API, and a `docmill` block."""

from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from docmill.base import Frozen

SHORT_FORM = {"runtime", "packages", "network_access"}


class Packages(Frozen):
    """Packages the environment must have, per package manager."""

    pip: tuple[str, ...] = ()
    """Python packages, as requirements: `pandas>=3`. Those beside docmill if they will do, else
    wheels of the index that pip is configured for."""
    apt: tuple[str, ...] = ()
    """Debian packages, by name, from where apt gets them on this machine."""
    npm: tuple[str, ...] = ()
    """Node packages, `name` or `name@version`, of the registry that npm is configured for; their
    scripts don't run."""


class LimitedNetworking(Frozen):
    """No route out but to the hosts listed; none listed means no network at all."""

    type: Literal["limited"] = "limited"
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that may be reached by HTTP and HTTPS: `api.example.com`, `*.example.com` for all below
    it, `api.example.com:8443` for a port besides 80 and 443."""
    allow_mcp_servers: bool = False
    """Also the hosts of the agent's MCP servers, for programs inside; docmill itself calls those
    servers from the host."""
    allow_package_managers: bool = False
    """Also the package indexes that pip and npm of this machine are configured for."""


class UnrestrictedNetworking(Frozen):
    """Any public host by its name; has to be asked for in so many words."""

    type: Literal["unrestricted"]


class CloudConfig(Frozen):
    """What the sandbox contains and whom it may talk to."""

    type: Literal["cloud"] = "cloud"
    packages: Packages = Packages()
    networking: Annotated[
        LimitedNetworking | UnrestrictedNetworking, Field(discriminator="type")
    ] = LimitedNetworking()
    """Whom the sandbox may talk to: nobody, if left out."""


class SandboxLimits(Frozen):
    """What one session may use; enforced by the kernel and read back."""

    memory: str = "1GiB"
    """Bytes with unit (MiB, GiB), for all processes of the session together."""
    cpus: Annotated[float, Field(gt=0, le=64)] = 1.0
    """Processors, all processes of the session together."""
    pids: Annotated[int, Field(ge=8, le=4096)] = 128
    """Processes and threads at once."""
    disk: str = "512MiB"
    """Bytes with unit the session may write."""
    seconds: Annotated[int, Field(ge=1, le=86400)] = 900
    """Wall time of the whole session."""
    output: str = "1MiB"
    """Bytes with unit one tool call may return; the rest is cut with a note."""
    strict: bool = True
    """Refuse to run where memory and pids can't be limited for all processes together."""


class OutputLimits(Frozen):
    """What a session may hand over as files besides its record."""

    files: Annotated[int, Field(ge=0, le=1000)] = 20
    """How many; 0: none are looked for."""
    size: str = "32MiB"
    """Bytes with unit, all together."""


class SandboxBlock(Frozen):
    """What only docmill knows about an environment."""

    backend: Literal["auto", "bubblewrap", "docker"] = "auto"
    """`auto` is DOCMILL_SANDBOX, else bubblewrap."""
    oci_runtime: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None
    """What starts Docker's containers, as the engine calls it (`runsc`); else its default."""
    base_image: Annotated[str, Field(pattern=r"^[a-z0-9][A-Za-z0-9./:@_-]{0,254}$")] | None = None
    """An image with more tools, which Docker's sandboxes are made on top of; none, if left out."""
    runtime: Annotated[str, Field(pattern=r"^python3(\.\d+)?$")] = "python3"
    """`python3` is the interpreter at hand; `python3.12` any of that version on this machine. One
    that can't be had is an error."""
    limits: SandboxLimits = SandboxLimits()
    outputs: OutputLimits = OutputLimits()
    """Files the agent leaves in `/workspace/outputs`."""


class Environment(Frozen):
    """What a session's sandbox is made of."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """Equals the file's name without `.yaml`."""
    description: str = ""
    """What the environment is for."""
    config: CloudConfig = CloudConfig()
    docmill: SandboxBlock = SandboxBlock()

    @model_validator(mode="before")
    @classmethod
    def _expand_short_form(cls, data: Any) -> Any:
        """Accept `runtime / packages / network_access` at the top level, the field's short form."""
        if not isinstance(data, dict):
            return cast("object", data)
        full = dict(cast("dict[str, Any]", data))
        if not SHORT_FORM & full.keys():
            return full
        blocks: list[Any] = [full.pop(name, None) or {} for name in ("config", "docmill")]
        if not all(isinstance(block, dict) for block in blocks):
            return cast("object", data)
        config, block = (dict(cast("dict[str, Any]", block)) for block in blocks)
        if "packages" in full:
            packages = full.pop("packages")
            config["packages"] = {"pip": packages} if isinstance(packages, list) else packages
        if "network_access" in full:
            access = full.pop("network_access")
            kinds = {"restricted": "limited", "none": "limited", "unrestricted": "unrestricted"}
            config["networking"] = {"type": kinds.get(str(access), access)}
        if "runtime" in full:
            block["runtime"] = full.pop("runtime")
        return {**full, "config": config, "docmill": block}
