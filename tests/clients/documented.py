"""The blocks of docs/clients.md."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/clients.md").read_text()
SHOWN = "http://127.0.0.1:8080"
"""Where the page looks for the proxy."""

BLOCKS = {
    (title, language): text
    for title, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
}
"""By section and language."""
