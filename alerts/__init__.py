"""Who is told what, and when.

In: the customer's curve, words and turn-taking, as events, and call time. Out:
alerts for supervisors (`rules`) and the agent's pause cue (`pause_cue`), which
takes its opening lines from the `playbook`. Pure: no clock, no I/O but
`load_playbook`.
"""
