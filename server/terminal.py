"""What commands say to whoever typed them."""

from enum import StrEnum

from rich.console import Console
from rich.text import Text


class Mark(StrEnum):
    """What stands before a line."""

    DONE = "✓"
    FAILED = "✗"
    MORE = " "


_STYLES = {Mark.DONE: "green", Mark.FAILED: "red", Mark.MORE: ""}


def tell(console: Console, text: str, mark: Mark = Mark.MORE) -> None:
    """Write one line. Names of files in it are no markup, and are not cut in two."""
    console.print(Text.assemble((mark, _STYLES[mark]), " ", text), soft_wrap=True)
