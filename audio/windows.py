"""Cuts the customer's speech into the overlapping windows a voice model reads."""

from collections import deque
from dataclasses import dataclass

from audio.frame import FRAME_S, CustomerWindow, Frame


@dataclass(frozen=True, slots=True)
class WindowParams:
    """How often, and over how much, the customer's voice is read.

    Attributes:
        length_s: a window's longest duration.
        hop_s: speech between two windows.
        least_s: speech that a window has at least; less is not worth reading.
    """

    length_s: float = 3.0
    hop_s: float = 1.0
    least_s: float = 1.0

    def __post_init__(self) -> None:
        if not FRAME_S <= self.least_s <= self.length_s or self.hop_s < FRAME_S:
            raise ValueError(
                f"expected {FRAME_S} <= least_s <= length_s and hop_s >= {FRAME_S}, "
                f"got {self}"
            )


class CustomerWindows:
    """Gives a window once every hop while the customer speaks.

    A window never reaches back before the speech it belongs to, so what is said
    after a silence is not mixed with what was said before it.

    Attributes:
        hop_s: speech between two windows; it may be changed at any time.
    """

    def __init__(self, params: WindowParams) -> None:
        self.hop_s = params.hop_s
        self._least = round(params.least_s / FRAME_S)
        self._frames: deque[Frame] = deque(maxlen=round(params.length_s / FRAME_S))
        self._since_window = 0

    def feed(self, frame: Frame, *, speaking: bool) -> CustomerWindow | None:
        """Take the customer's next frame; return the window now due, if any.

        A frame with somebody else in it ends what was collected, as a silence does.

        Raises:
            PartyError: the frame is not the customer's.
        """
        if not speaking or frame.shared:
            self._frames.clear()
            self._since_window = 0
            return None
        self._frames.append(frame)
        self._since_window += 1
        hop = round(self.hop_s / FRAME_S)
        if self._since_window < hop or len(self._frames) < self._least:
            return None
        self._since_window = 0
        return CustomerWindow.of(tuple(self._frames))
