"""The citizen's side: channels, turns, effects, and the wiring of the gateway."""
