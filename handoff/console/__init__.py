"""The operator's face: pages, calls and socket."""
