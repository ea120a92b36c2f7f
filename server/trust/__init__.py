"""Who may see what, who saw it, and how long it is kept.

Comes in: who asks, and for what. Goes out: a permission, a line in the audit log,
text and audio without numbers, and a receipt for what was deleted.

| module | does |
|---|---|
| `people` | the people, their roles, passwords and sessions |
| `access` | what each role may do; every route of the service says what it needs |
| `audit` | the append-only log of who saw or changed what, as a hash chain |
| `digits`, `addresses`, `redaction` | finds numbers and addresses in words; pure |
| `redacted_log`, `redacted_audio` | a log and a recording without them |
| `retention`, `keeping`, `removal` | how long what is kept; deletion |
| `log_in`, `http`, `commands`, `keeping_commands` | over HTTP and as commands |
"""
