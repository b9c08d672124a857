"""fsspec's stores behind addresses such as `s3://`: opened, and their errors told as Python's own.

`sources` lists and reads them, a watcher moves things in them. Credentials and endpoints are the
driver's to find in the environment. fsspec costs a fifth of a second: it is imported when used.
"""

import errno
import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from docmill.errors import PrerequisiteError

_DRIVERS = {
    "s3": ("s3fs", "'docmill[s3]'"),
    "s3a": ("s3fs", "'docmill[s3]'"),
    "gs": ("gcsfs", "gcsfs"),
    "gcs": ("gcsfs", "gcsfs"),
    "az": ("adlfs", "adlfs"),
    "abfs": ("adlfs", "adlfs"),
}
_FOREIGN = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
)
"""What s3fs lets through of the libraries below it."""
_BUSY = (errno.EBUSY, errno.EAGAIN)


def open_store(address: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path in it.

    Raises:
        PrerequisiteError: its driver isn't installed, or it is no address.
    """
    core = importlib.import_module("fsspec.core")
    scheme = address.partition("://")[0]
    try:
        if scheme in _DRIVERS and "::" in address:
            # A key of a bucket; what it lies in isn't chained to it.
            filesystem, _ = core.url_to_fs(f"{scheme}://")
            return filesystem, str(filesystem._strip_protocol(address))
        filesystem, path = core.url_to_fs(address)
    except ImportError as error:
        driver, package = _DRIVERS.get(scheme, (f"the fsspec driver of {scheme}", "DRIVER"))
        raise PrerequisiteError(
            f"Addresses with {scheme}:// need {driver}, which is not installed.",
            remedy=f"Install it: pip install {package}",
        ) from error
    except ValueError as error:
        raise PrerequisiteError(
            f"{address} is not an address fsspec knows: {error}.",
            remedy="Write a local path, or an address such as s3://bucket/folder/.",
        ) from error
    return filesystem, str(path)


@contextmanager
def store_errors() -> Generator[None]:
    """Makes an OSError of whatever else a driver raises."""
    try:
        yield
    except _foreign() as error:
        kind = ConnectionError if "Connect" in type(error).__name__ else OSError
        if "Credentials" in type(error).__name__:
            kind = PermissionError
        raise kind(str(error)) from error


def forget_listings(address: str) -> None:
    """Let the next look at an address ask the store anew, and free the memory of the last one."""
    filesystem, _ = open_store(address)
    filesystem.invalidate_cache()


def reason(error: OSError) -> str:
    """Why a file or folder couldn't be read or written, in a few words."""
    return (error.strerror or str(error) or type(error).__name__).rstrip(".")


def advice(error: OSError) -> str:
    """What to do about an error of a folder or store."""
    if isinstance(error, FileNotFoundError):
        return "Make the bucket or folder again, or correct the address."
    if isinstance(error, PermissionError):
        return (
            "Give the credentials in the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID) leave to "
            "list, read, write and delete there; of a folder, its user."
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free some space on the disk: docmill runs prune"
    if error.errno in _BUSY:
        return "The store asks for fewer requests; nothing is to be done."
    return "Check the address, the network and the credentials in the environment."


def _foreign() -> tuple[type[Exception], ...]:
    return tuple(
        getattr(sys.modules[module], name) for module, name in _FOREIGN if module in sys.modules
    )
