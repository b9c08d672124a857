"""Finds the secrets of a vault when a run starts, or says which is missing: nothing is spent yet.

`credentials` holds them from then on. No secret stands in an error of this module.
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from docmill.egress.credentials import SHORTEST, Credential
from docmill.egress.hosts import parse_rule
from docmill.errors import PrerequisiteError
from docmill.spec.vault import SecretSource, VaultEntry

_MOST = 16 * 1024
"""Characters of a secret."""

Lookup = Callable[[str], str]
"""The secret in a Secret block of Prefect by its name, or a PrerequisiteError."""


def no_blocks(name: str) -> str:
    """Stands where no Prefect server is at hand.

    Raises:
        PrerequisiteError: always.
    """
    raise PrerequisiteError(
        f"The Secret block {name} can't be read: no Prefect server is at hand.",
        remedy="Look: docmill prefect status",
    )


def open_vault(
    entries: Mapping[str, VaultEntry],
    *,
    secrets: Callable[[str], str | None],
    root: Path,
    blocks: Lookup = no_blocks,
) -> tuple[Credential, ...]:
    """The credentials of a pipeline; `secrets` knows the environment, `root` is the workspace.

    `blocks` reads Secret blocks of Prefect.

    Raises:
        PrerequisiteError: a secret is missing, can't be read or can't be one.
    """
    return tuple(
        _credential(
            name, entry, find_secret(name, entry, secrets=secrets, root=root, blocks=blocks)
        )
        for name, entry in entries.items()
    )


def find_secret(
    name: str,
    source: SecretSource,
    *,
    secrets: Callable[[str], str | None],
    root: Path,
    blocks: Lookup = no_blocks,
) -> str:
    """What a source holds; `name` stands in errors, the rest is as in `open_vault`.

    Raises:
        PrerequisiteError: it is missing or can't be read.
    """
    if source.env is not None:
        return _from_environment(name, source.env, secrets)
    if source.file is not None:
        return _from_file(name, root / Path(source.file).expanduser())
    if source.prefect_secret is not None:
        return blocks(source.prefect_secret)
    return _from_keyring(name, source.keyring or "")


def _credential(name: str, entry: VaultEntry, secret: str) -> Credential:
    _check(name, secret)
    return Credential(
        name=name,
        secret=secret,
        hosts=tuple(parse_rule(text, ports=(443,)) for text in entry.hosts),
        header=entry.header,
        prefix=entry.prefix,
    )


def _from_environment(name: str, variable: str, secrets: Callable[[str], str | None]) -> str:
    found = secrets(variable)
    if found is None:
        raise PrerequisiteError(
            f"The variable {variable} with the credential `{name}` is not set.",
            remedy=f"Set it: export {variable}=...",
        )
    return found


def _from_file(name: str, path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            raise PrerequisiteError(
                f"The file {path} of the credential `{name}` is too large for a secret.",
                remedy="Name a file that holds the secret only",
            )
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise PrerequisiteError(
            f"The file {path} with the credential `{name}` can't be read: {why}.",
            remedy=f"Write the secret into it, readable by you only: chmod 600 {path}",
        ) from None


def _from_keyring(name: str, place: str) -> str:
    service, _, user = place.rpartition("/")
    try:
        keyring: Any = importlib.import_module("keyring")
    except ModuleNotFoundError:
        raise PrerequisiteError(
            f"The credential `{name}` is in a keyring, which docmill can't read without a package.",
            remedy="Install it: pip install 'docmill[keyring]'",
        ) from None
    errors: Any = importlib.import_module("keyring.errors")
    remedy = f"Put it there: keyring set {service} {user}"
    try:
        found = keyring.get_password(service, user)
    except errors.KeyringError as error:
        raise PrerequisiteError(
            f"The keyring with the credential `{name}` can't be read: {type(error).__name__}.",
            remedy=remedy,
        ) from None
    if not found:
        raise PrerequisiteError(
            f"The keyring holds nothing for the credential `{name}` ({place}).", remedy=remedy
        )
    return str(found)


def _check(name: str, secret: str) -> None:
    """A secret that could break out of its header, or that couldn't be told from other text."""
    if not SHORTEST <= len(secret) <= _MOST:
        raise PrerequisiteError(
            f"The credential `{name}` has {len(secret)} characters; "
            f"a secret has {SHORTEST} to {_MOST}.",
            remedy="Look at its source; the value is empty or cut",
        )
    if not (secret.isascii() and secret.isprintable()) or secret != secret.strip():
        raise PrerequisiteError(
            f"The credential `{name}` has characters that no header can carry.",
            remedy="Look at its source; a secret is one line of plain characters",
        )
