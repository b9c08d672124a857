"""Shared by the broker's tests: a certificate that only they trust."""

import pytest
from tests.egress.egress_scene import Trusted, make_trusted


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trusted:
    """A certificate for the hosts of tests."""
    return make_trusted(tmp_path_factory.mktemp("tls"))
