"""Write docs/explorer-api.json, the OpenAPI document of the explorer, from its table of operations.

    python tools/write_explorer_api.py

A test holds that the file is what this writes.
"""

import json
from pathlib import Path

from tutelage.explorer.openapi import document

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "explorer-api.json"


def text() -> str:
    """Return the document as text."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8", newline="\n")
    print(f"Written to {FILE.relative_to(ROOT)}")
