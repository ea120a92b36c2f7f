"""Learned models behind Protocols: audio goes in, words, speech and anger come out.

The only package that imports torch, whisper, pyannote and onnxruntime. What the rest
of the house needs is written down in `models.ports`; `models.errors` says what can go
wrong. Nothing is loaded when a module is imported: weights are read when the first
model is made (`models.whisper_weights`), and come from the network only when
`models.registry.fetch` is asked to get them.
"""
