"""What other programs write into labelled data: languages and broken characters."""


def language_of(tag: str) -> str:
    """Return the language of a tag; region and script (``zh-CN``) are left out."""
    return tag.strip().lower().replace("_", "-").partition("-")[0]


def is_whole(text: str) -> bool:
    """Tell whether no character of a text is a half one (a lone surrogate)."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
