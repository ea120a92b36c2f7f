"""The two demo calls: a script and packaged voices in, telephone recordings out.

`script` reads what is said and how, `voices` says it, `telephone` makes it sound
like a line, `render` puts the lines in time and writes the recording with its truth.
The recordings are committed; nothing but `render` needs the voices.
"""
