"""Is it any good, and is it fast enough: each figure with the command that made it.

A folder of data goes in, figures with intervals come out, as a table and as JSON. Not
part of the wheel. `python -m evaluation COMMAND --help` tells what each command takes.
"""
