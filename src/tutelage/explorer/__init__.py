"""The graph in the browser: a server for this machine, its JSON API, and what keeps it safe."""
