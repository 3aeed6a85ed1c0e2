import ssl
from pathlib import Path

import certifi
import pytest

from router.upstream.connector import open_connector, trust


def test_without_files_the_system_is_trusted() -> None:
    assert trust(None, {}) is True


@pytest.mark.parametrize("by_environment", [True, False])
def test_a_file_is_trusted_besides_the_system(by_environment: bool) -> None:
    file = Path(certifi.where())
    context = trust(
        None if by_environment else file, {"SSL_CERT_FILE": str(file)} if by_environment else {}
    )
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 100


def test_a_file_without_certificates_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(ssl.SSLError):
        trust(empty, {})


async def test_nothing_is_limited_and_all_is_closed_in_the_end() -> None:
    async with open_connector() as connector:
        assert connector.limit == 0
        assert not connector.closed
    assert connector.closed
