"""What the customer's words, voice and turn-taking say together.

In: `VoiceReading` from models, turn-taking from audio, text of the customer's
utterances. Out: `WordReading`, and once a second of call time `HostilityPoint`,
`PhaseChanged` and `Forecast`. Pure: no clock, no I/O but `load_lexicons`.
"""
