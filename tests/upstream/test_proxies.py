import pytest
from yarl import URL

from router.upstream.proxies import proxy_for

HTTP, HTTPS = "http://proxy:3128", "http://secure:3128"
BOTH = {"HTTP_PROXY": HTTP, "HTTPS_PROXY": HTTPS}


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.x.com/v1", {}, None),
        ("https://api.x.com/v1", BOTH, HTTPS),
        ("http://vllm.lan:8000/v1", BOTH, HTTP),
        ("https://api.x.com/v1", {"ALL_PROXY": HTTP}, HTTP),
        ("https://api.x.com/v1", {**BOTH, "https_proxy": "http://lower:1"}, "http://lower:1"),
        ("https://api.x.com/v1", {"HTTPS_PROXY": "proxy:3128"}, HTTP),
        ("https://api.x.com/v1", {**BOTH, "NO_PROXY": "y.com, .x.com"}, None),
        ("https://api.x.com/v1", {**BOTH, "no_proxy": "api.x.com:443"}, None),
        ("https://api.x.com/v1", {**BOTH, "no_proxy": "api.x.com:80"}, HTTPS),
        ("https://apix.com/v1", {**BOTH, "NO_PROXY": "x.com"}, HTTPS),
        ("https://api.x.com/v1", {**BOTH, "NO_PROXY": "*"}, None),
        ("http://10.1.2.3/v1", {**BOTH, "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://localhost:8000/v1", BOTH, None),
        ("http://127.0.0.1:8000/v1", BOTH, None),
        ("http://[::1]:8000/v1", BOTH, None),
    ],
)
def test_which_proxy_is_used(url: str, environ: dict[str, str], proxy: str | None) -> None:
    found = proxy_for(URL(url), environ)
    assert (None if found is None else str(found.url)) == (proxy and str(URL(proxy)))


def test_credentials_of_a_proxy_go_into_its_header() -> None:
    found = proxy_for(URL("http://x.com"), {"HTTP_PROXY": "http://u:p%40@proxy:3128"})
    assert found is not None
    assert found.url == URL(HTTP)
    assert found.headers == {"Proxy-Authorization": "Basic dTpwQA=="}


def test_a_proxy_we_cannot_speak_to_is_said_not_passed_by() -> None:
    with pytest.raises(ValueError, match="socks5"):
        proxy_for(URL("https://x.com"), {"HTTPS_PROXY": "socks5://proxy:1080"})
