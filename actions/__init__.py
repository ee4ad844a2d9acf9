"""What the dialogue may ask for. An action reads and answers, or asks the gateway for an effect; it writes nothing itself."""
