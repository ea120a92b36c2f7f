"""Figures over many calls, and one call as a file.

Comes in: the logs of finished calls. Goes out: for each team, group, hour, subject or
agent the shape of the curve, the time to cool down, how often the pause was kept, and
what the curve did afterwards; as JSON, CSV or Parquet. No figure is over fewer than
five calls.

| module | does |
|---|---|
| `facts` | what one call gives to a report |
| `figures` | the figures of a set of calls, with intervals |
| `report` | the sets, and which of them are too small to show |
| `fact_table` | keeps the facts, so that no log is read twice |
| `files` | a report as a table for CSV and Parquet |
"""
