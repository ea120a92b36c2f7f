import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.frame import RATE, Frame, Party, Segment
from evaluation import calls
from evaluation.calls_audio import PARTIES, LineQuality, Rendered, Utterance, render
from evaluation.calls_cache import HeardCache
from evaluation.calls_plan import (
    ESCALATING,
    Clip,
    Half,
    Kind,
    Mood,
    Plan,
    Turn,
    Voices,
    load_texts,
    load_voices,
    make_plans,
)
from evaluation.calls_run import Heard, Listener, ScriptedTranscriber, Signals
from models.errors import DataError
from models.ports import Transcriber, Transcript, VoiceReading
from server.engine import Models
from server.events import WordsRead
from server.factory import CallFactory

pytestmark = pytest.mark.unit

EMOTIONS = ("neutral", "anger", "happiness", "surprise", "sadness", "fear", "disgust")
N_SAMPLES = RATE


def made_corpus(folder: Path, corpus: str, n_speakers: int) -> None:
    """Tones in place of voices: a speaker has a pitch, an emotion does not matter."""
    rows = []
    for speaker in range(n_speakers):
        at_s = np.arange(N_SAMPLES) / RATE
        pcm = 0.3 * np.sin(2 * np.pi * (200 + 50 * speaker) * at_s)
        path = f"{corpus}_{speaker}.wav"
        soundfile.write(folder / path, pcm, RATE)
        rows += [
            {
                "path": path,
                "corpus": corpus,
                "speaker": f"{corpus}{speaker}",
                "emotion": emotion,
                "intensity": "strong",
                "duration_s": "1.0",
            }
            for emotion in EMOTIONS
        ]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def clip(speaker: str, emotion: str, intensity: str = "") -> Clip:
    return Clip(Path(f"{speaker}_{emotion}{intensity}"), speaker, emotion, intensity, 1)


def test_weak_anger_and_disgust_are_irritation_and_strong_anger_is_anger() -> None:
    weak, strong = clip("a", "anger", "normal"), clip("a", "anger", "strong")
    disgust, unlabelled = clip("a", "disgust", "strong"), clip("b", "anger")
    voices = Voices([weak, strong, disgust, unlabelled])

    assert voices.acting("a", Mood.IRRITATED) == [weak, disgust]
    assert voices.acting("a", Mood.ANGRY) == [strong]
    assert voices.acting("b", Mood.ANGRY) == [unlabelled]
    assert voices.acting("b", Mood.IRRITATED) == []


def test_halves_of_a_fitted_corpus_share_no_speaker(tmp_path: Path) -> None:
    made_corpus(tmp_path, "ravdess", 5)

    fit = load_voices(tmp_path, Half.FIT, 0, ())
    report = load_voices(tmp_path, Half.REPORT, 0, ())

    assert len(fit.speakers) == 2
    assert len(report.speakers) == 3
    assert not set(fit.speakers) & set(report.speakers)


def test_of_another_corpus_everybody_is_heard(tmp_path: Path) -> None:
    made_corpus(tmp_path, "newcomer", 3)

    assert len(load_voices(tmp_path, Half.REPORT, 0, ()).speakers) == 3


def test_to_be_fitted_on_every_corpus_is_halved(tmp_path: Path) -> None:
    made_corpus(tmp_path, "newcomer", 4)

    halves = [
        set(load_voices(tmp_path, half, 0, (), halved=None).speakers) for half in Half
    ]

    assert [len(half) for half in halves] == [2, 2]
    assert not halves[0] & halves[1]


def test_what_the_models_were_trained_on_is_left_out(tmp_path: Path) -> None:
    made_corpus(tmp_path, "banglaser", 3)

    with pytest.raises(DataError, match="at least two speakers"):
        load_voices(tmp_path, Half.REPORT, 0, ("banglaser",))


def labelled(folder: Path, *rows: tuple[str, str, str, str]) -> None:
    """A manifest of one recording of half a second."""
    soundfile.write(folder / "a.wav", np.full(RATE // 2, 0.1), RATE)
    lines = ["path,corpus,speaker,emotion,duration_s"]
    lines += [",".join(("a.wav", *row)) for row in rows]
    (folder / "manifest.csv").write_text("\n".join(lines), "utf-8")


def test_a_corpus_that_calls_itself_otherwise_is_still_left_out_or_halved(
    tmp_path: Path,
) -> None:
    labelled(
        tmp_path,
        *[("BanglaSER", f"b{one}", "calm", "1") for one in range(4)],
        *[(" RAVDESS", f"r{one}", "calm", "1") for one in range(4)],
    )

    voices = load_voices(tmp_path, Half.REPORT, 0, ("banglaser",))

    assert len(voices.speakers) == 2
    assert all(speaker.startswith("ravdess/r") for speaker in voices.speakers)


def test_speakers_of_two_corpora_are_two_people(tmp_path: Path) -> None:
    labelled(tmp_path, ("a", "1", "Happy", ""), ("b", "1", "SAD", "1"))

    voices = load_voices(tmp_path, Half.REPORT, 0, ())

    assert voices.speakers == ["a/1", "b/1"]
    assert voices.labels == ["happiness", "sadness"]


def test_a_length_that_is_not_told_is_the_file_s(tmp_path: Path) -> None:
    labelled(tmp_path, ("a", "1", "calm", ""), ("a", "2", "calm", "0.4"))

    voices = load_voices(tmp_path, Half.REPORT, 0, ())

    lengths = [voices.acting(one, Mood.CALM)[0].duration_s for one in ("a/1", "a/2")]
    assert lengths == [0.5, 0.4]


@pytest.mark.parametrize("length", ["0", "-1", "nan", "inf", "3 s"])
def test_a_length_that_is_none_is_refused(tmp_path: Path, length: str) -> None:
    labelled(tmp_path, ("a", "1", "calm", length), ("a", "2", "calm", "1"))

    with pytest.raises(DataError, match=f"a.wav: expected duration_s .* got {length}"):
        load_voices(tmp_path, Half.REPORT, 0, ())


def test_where_nobody_can_be_a_customer_it_is_said_what_is_needed(
    tmp_path: Path,
) -> None:
    labelled(tmp_path, ("a", "1", "anger", "1"), ("a", "2", "boredom", "1"))

    voices = load_voices(tmp_path, Half.REPORT, 0, ())

    with pytest.raises(DataError, match=r"neutral or calm.* labels are anger, boredom"):
        make_plans(voices, Half.REPORT, 44, 1)


def test_the_only_calm_speaker_is_a_customer_where_others_are_angry_agents(
    tmp_path: Path,
) -> None:
    labelled(tmp_path, ("a", "1", "calm", "1"), ("a", "2", "anger", "1"))
    voices = load_voices(tmp_path, Half.REPORT, 0, ())

    plans = make_plans(voices, Half.REPORT, 44, 1)

    assert {plan.kind for plan in plans} == {Kind.AGENT_ANGRY}
    assert any("No such calls: voice, words" in note for note in calls.notes_on(plans))


def plans_of(folder: Path, half: Half = Half.REPORT, seed: int = 1) -> list[Plan]:
    made_corpus(folder, "newcomer", 4)
    voices = load_voices(folder, half, 0, ())
    return make_plans(voices, half, 44, seed)


def test_plans_are_the_same_for_the_same_seed_only(tmp_path: Path) -> None:
    plans = plans_of(tmp_path)

    assert plans == plans_of(tmp_path)
    assert plans != plans_of(tmp_path, seed=2)
    assert len(plans) == 44
    assert {plan.kind for plan in plans} == set(Kind)


def test_customers_are_hostile_in_escalating_calls_only(tmp_path: Path) -> None:
    for plan in plans_of(tmp_path):
        moods = {turn.mood for turn in plan.turns if turn.party is Party.CUSTOMER}
        speakers = {
            party: {
                one.speaker
                for turn in plan.turns
                if turn.party is party
                for one in turn.clips
            }
            for party in PARTIES
        }

        assert (Mood.ANGRY in moods) == (plan.kind in ESCALATING)
        assert all(len(one) == 1 for one in speakers.values())
        assert speakers[Party.CUSTOMER] != speakers[Party.AGENT]


def test_only_the_agent_is_angry_when_the_agent_is(tmp_path: Path) -> None:
    plans = [one for one in plans_of(tmp_path) if one.kind is Kind.AGENT_ANGRY]

    for turn in (turn for plan in plans for turn in plan.turns):
        angry = turn.party is Party.AGENT
        assert {one.emotion == "anger" for one in turn.clips} == {angry}


def test_words_escalate_in_a_neutral_voice(tmp_path: Path) -> None:
    plans = [one for one in plans_of(tmp_path) if one.kind is Kind.WORDS]

    for turn in (turn for plan in plans for turn in plan.turns):
        assert {one.emotion for one in turn.clips} == {"neutral"}


def test_halves_share_no_script(tmp_path: Path) -> None:
    said = [
        {
            turn.text
            for plan in plans_of(tmp_path, half)
            for turn in plan.turns
            if plan.kind is Kind.WORDS and turn.mood is not Mood.CALM
        }
        for half in Half
    ]

    assert said[0]
    assert not said[0] & said[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_script_goes_from_calm_to_angry_to_calming(language: str) -> None:
    scripts = load_texts(language).scripts

    assert len(scripts) == 10
    for script in scripts:
        moods = list(dict.fromkeys(line.mood for line in script))
        assert moods == [Mood.CALM, Mood.IRRITATED, Mood.ANGRY, Mood.CALMING]


def one_turn_each(folder: Path, gap_s: float = 0.5) -> Plan:
    made_corpus(folder, "newcomer", 2)
    of = {
        party: (Clip(folder / f"newcomer_{n}.wav", str(n), "neutral", "", 1.0),)
        for n, party in enumerate(PARTIES)
    }
    turns = (
        Turn(Party.AGENT, Mood.CALM, of[Party.AGENT], "good morning", 0.0),
        Turn(Party.CUSTOMER, Mood.CALM, of[Party.CUSTOMER], "hello there", gap_s),
    )
    return Plan(Kind.CALM, "en", turns, 7)


def test_a_call_sounds_the_same_each_time(tmp_path: Path) -> None:
    plan = one_turn_each(tmp_path)

    assert render(plan, LineQuality()).mulaw == render(plan, LineQuality()).mulaw


def test_turns_come_when_they_are_said_to(tmp_path: Path) -> None:
    quality = LineQuality(
        least_snr_db=60, most_snr_db=60, least_leak_db=90, most_leak_db=90
    )
    rendered = render(one_turn_each(tmp_path), quality)

    agent, customer = rendered.utterances
    assert agent.end_s == pytest.approx(1.5, abs=0.05)
    assert customer.start_s - agent.end_s == pytest.approx(0.5, abs=0.001)
    assert rendered.duration_s == pytest.approx(customer.end_s + 2.0, abs=0.001)
    assert len(rendered.mulaw) == round(rendered.duration_s * 8000) * 2


def test_who_interrupts_begins_before_the_other_ends(tmp_path: Path) -> None:
    agent, customer = render(one_turn_each(tmp_path, -0.4), LineQuality()).utterances

    assert customer.start_s == pytest.approx(agent.end_s - 0.4, abs=0.001)


def segment(start_s: float, end_s: float, party: Party = Party.CUSTOMER) -> Segment:
    n_samples = round((end_s - start_s) * RATE)
    return Segment(np.zeros(n_samples, np.float32), round(start_s * RATE), party)


def test_a_segment_has_the_words_of_its_turn() -> None:
    said = (
        Utterance(Party.AGENT, Mood.CALM, 0.0, 2.0, "good morning"),
        Utterance(Party.CUSTOMER, Mood.CALM, 2.5, 5.0, "where is my parcel"),
        Utterance(Party.CUSTOMER, Mood.CALM, 9.0, 11.0, "thank you"),
    )
    transcriber = ScriptedTranscriber(said, "en")

    assert transcriber.transcribe(segment(2.3, 5.2)).text == "where is my parcel"
    assert transcriber.transcribe(segment(9.0, 10.8)).text == "thank you"
    assert transcriber.transcribe(segment(0, 2, Party.AGENT)).text == "good morning"
    assert transcriber.transcribe(segment(15.0, 16.0)).text == ""


@pytest.mark.parametrize(
    ("language", "text", "pieces"),
    [("en", "one two three four", ["one two", "three four"]), ("zh", "一二", "一二")],
)
def test_a_turn_that_is_cut_has_every_word_once(
    language: str, text: str, pieces: list[str]
) -> None:
    said = (Utterance(Party.CUSTOMER, Mood.CALM, 0.0, 8.0, text),)
    transcriber = ScriptedTranscriber(said, language)

    heard = [transcriber.transcribe(segment(at, at + 4.0)).text for at in (0.0, 4.0)]

    assert heard == list(pieces)


class LoudIsSpeech:
    def probabilities(self, frames: Sequence[Frame]) -> list[float]:
        return [float(np.sqrt(np.mean(frame.pcm**2)) > 0.01) for frame in frames]


class CountingReader:
    def __init__(self) -> None:
        self.n_read = 0

    def read(self, window: object) -> VoiceReading:
        self.n_read += 1
        end_s = getattr(window, "end_s", 0.0)
        return VoiceReading(end_s, 0.02, -26.0, "fake")


class NoWhisper(Transcriber):
    def transcribe(self, _pcm: object, _language: str | None) -> Transcript:
        raise AssertionError


def factory(reader: CountingReader) -> CallFactory:
    return CallFactory.of(Models(LoudIsSpeech, NoWhisper(), reader, ("fake",)))


def longer(folder: Path) -> tuple[Plan, Rendered]:
    plan = one_turn_each(folder)
    turns = tuple(
        Turn(turn.party, turn.mood, turn.clips * 3, turn.text, turn.gap_s)
        for turn in plan.turns
    )
    plan = Plan(plan.kind, plan.language, turns, plan.seed)
    quality = LineQuality(
        level_db=0,
        turn_level_db=0,
        least_snr_db=60,
        most_snr_db=60,
        least_leak_db=90,
        most_leak_db=90,
    )
    return plan, render(plan, quality)


def test_a_missing_signal_is_missing_in_the_log(tmp_path: Path) -> None:
    plan, rendered = longer(tmp_path)
    listener = Listener(factory(CountingReader()))

    kinds = {
        signals: {
            type(entry.event)
            for entry in listener.listen(rendered, plan.language, signals, Heard())
        }
        for signals in Signals
    }

    assert {VoiceReading, WordsRead} <= kinds[Signals.FUSED]
    assert VoiceReading in kinds[Signals.VOICE]
    assert WordsRead not in kinds[Signals.VOICE]
    assert WordsRead in kinds[Signals.WORDS]
    assert VoiceReading not in kinds[Signals.WORDS]


def test_what_was_heard_is_kept_and_not_heard_again(tmp_path: Path) -> None:
    plan, rendered = longer(tmp_path)
    reader = CountingReader()
    listener = Listener(factory(reader))
    cache = HeardCache(tmp_path / "cache", ("fake",))

    heard = cache.load(rendered)
    log = listener.listen(rendered, plan.language, Signals.FUSED, heard)
    cache.save(rendered, heard)
    n_read = reader.n_read
    again = listener.listen(
        rendered, plan.language, Signals.FUSED, cache.load(rendered)
    )

    assert n_read > 0
    assert reader.n_read == n_read
    assert again == log


def test_another_model_does_not_take_what_is_kept(tmp_path: Path) -> None:
    plan, rendered = longer(tmp_path)
    heard = Heard()
    Listener(factory(CountingReader())).listen(
        rendered, plan.language, Signals.FUSED, heard
    )
    HeardCache(tmp_path / "cache", ("one",)).save(rendered, heard)

    assert HeardCache(tmp_path / "cache", ("two",)).load(rendered) == Heard()


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    _, rendered = longer(tmp_path)
    cache = HeardCache(None, ())

    cache.save(rendered, Heard())

    assert cache.load(rendered) == Heard()


def test_a_file_that_was_cut_off_is_heard_again(tmp_path: Path) -> None:
    _, rendered = longer(tmp_path)
    cache = HeardCache(tmp_path / "cache", ())
    cache.save(rendered, Heard())
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes()[:20])

    assert cache.load(rendered) == Heard()


def test_options_have_the_documented_defaults() -> None:
    parser = argparse.ArgumentParser()
    calls.add_arguments(parser)

    args = parser.parse_args(["--data", "somewhere"])

    assert args.calls >= 200
    assert args.cache is None
