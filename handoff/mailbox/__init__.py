"""Letters coming in: read as people's programs write them, judged by the rules of S6, and made part of a conversation."""
