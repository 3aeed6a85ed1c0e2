"""Images and documents: OpenAI's data URLs, Anthropic's sources."""

from __future__ import annotations

from router.upstream.translate.field import Fields, mapping, only, refused, text, wrong

_PDF = "application/pdf"
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


def source_of(url: str, path: str, media: frozenset[str] = _IMAGES) -> Fields:
    """Return Anthropic's source for a URL, of data or of the web. Raises ``Fault``."""
    if url.startswith(("https://", "http://")):
        return {"type": "url", "url": url}
    kind, data = data_of(url, path)
    if kind not in media:
        raise refused(path, f"a Messages endpoint reads {', '.join(sorted(media))} only")
    return {"type": "base64", "media_type": kind, "data": data}


def data_of(url: str, path: str) -> tuple[str, str]:
    """Return the media type and the base64 text of a data URL. Raises ``Fault(BAD_BODY)``."""
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        raise wrong(path, "a URL: https, or data with a media type and base64")
    return head[5:-7].partition(";")[0].lower(), data


def document_of(file: Fields, path: str) -> Fields:
    """Return Anthropic's document for a file of OpenAI's. Raises ``Fault``."""
    only(file, ("file_data", "filename"), path)
    kind, data = data_of(text(file.get("file_data"), f"{path}.file_data"), f"{path}.file_data")
    if kind != _PDF:
        raise refused(f"{path}.file_data", f"a Messages endpoint reads {_PDF} only")
    block: Fields = {
        "type": "document",
        "source": {"type": "base64", "media_type": kind, "data": data},
    }
    if file.get("filename"):
        block["title"] = text(file["filename"], f"{path}.filename")
    return block


def url_of(block: Fields, path: str) -> str:
    """Return the URL of Anthropic's image: of the web, or of data. Raises ``Fault``."""
    source = mapping(block.get("source"), f"{path}.source")
    match source.get("type"):
        case "url":
            return text(source.get("url"), f"{path}.source.url")
        case "base64":
            kind = text(source.get("media_type"), f"{path}.source.media_type")
            return f"data:{kind};base64,{text(source.get('data'), f'{path}.source.data')}"
        case _:
            raise refused(f"{path}.source.type", "a chat endpoint takes url and base64")


def file_of(block: Fields, path: str) -> Fields:
    """Return OpenAI's file part for Anthropic's document in base64. Raises ``Fault``."""
    source = mapping(block.get("source"), f"{path}.source")
    if source.get("type") != "base64":
        raise refused(f"{path}.source.type", "a chat endpoint takes base64 and text")
    name = block.get("title") or "document.pdf"
    file = {"filename": text(name, f"{path}.title"), "file_data": url_of(block, path)}
    return {"type": "file", "file": file}
