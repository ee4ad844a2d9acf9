"""What the desk knows: articles, the index made of them, and the search in it."""
